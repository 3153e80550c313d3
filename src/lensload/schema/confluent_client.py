"""Confluent's registry client and Avro serializer, imported for less: everything of ours that needs them imports them here.

The client imports Authlib, and with it all of a library of cryptography, for logins by OAuth, which lensload never asks
it for: 0.17 s of processor time in every generator. It gets functions in place of Authlib's two classes here, which
import those when they are called.
"""

import importlib
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import ModuleType

_AUTHLIB = "authlib.integrations.httpx_client"


def _when_called(name: str) -> Callable[..., object]:
    """In place of a class of Authlib's: makes one of its objects."""

    def make(**settings: object) -> object:
        return getattr(importlib.import_module(_AUTHLIB), name)(**settings)

    return make


@contextmanager
def _authlib_when_called() -> Generator[None]:
    if _AUTHLIB in sys.modules:  # somebody else's import
        yield
        return
    stand_in = sys.modules[_AUTHLIB] = ModuleType(_AUTHLIB)
    for name in ("OAuth2Client", "AsyncOAuth2Client"):
        setattr(stand_in, name, _when_called(name))
    try:
        yield
    finally:
        del sys.modules[_AUTHLIB]


with _authlib_when_called():
    from confluent_kafka.schema_registry import RegisteredSchema, Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.schema_registry.error import SchemaRegistryError

__all__ = ["AvroSerializer", "RegisteredSchema", "Schema", "SchemaRegistryClient", "SchemaRegistryError"]
