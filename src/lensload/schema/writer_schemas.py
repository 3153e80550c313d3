"""The schemas that wrote the messages: each fetched by its id, once, whatever the answer."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastavro.schema import parse_schema

from lensload.schema.confluent_client import Schema as RegistrySchema
from lensload.schema.definitions import subject
from lensload.schema.registry import Registry

UNNUMBERED: Final = 1 << 31
"""From here on ids are made up: for schemas of which only the GUID is known."""


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """A schema as the registry has it.

    Attributes:
        schema_id: its id.
        parsed: fastavro's parsed form; None where it cannot be used.
        trouble: why it cannot be used; empty where it can.
        stored: what the registry gave.
    """

    schema_id: int
    parsed: Any
    trouble: str
    stored: RegistrySchema


class WriterSchemas:
    """What a registry knows of the schema ids met so far.

    Args:
        registry: where to ask; None for no registry, in which case every id is taken to be known.
    """

    def __init__(self, registry: Registry | None) -> None:
        self._registry = registry
        # An unknown id stays unknown: garbage must not become a request a message.
        self._schemas: dict[int, WriterSchema | None] = {}
        self._versions: dict[tuple[str, int], int | None] = {}
        self._numbers: dict[tuple[UUID, str], int | None] = {}

    def find(self, schema_id: int) -> WriterSchema | None:
        """The schema with this id; None where the registry knows none.

        Raises:
            RegistryError: the registry does not answer, or refuses.
        """
        if schema_id not in self._schemas:
            self._schemas[schema_id] = self._fetch(schema_id)
        return self._schemas[schema_id]

    def known(self, schema_id: int) -> bool:
        """Whether the id is the registry's.

        Raises:
            RegistryError: as `find`.
        """
        return self._registry is None or self.find(schema_id) is not None

    def number_of(self, guid: UUID, topic: str) -> int | None:
        """The id of the schema with this GUID in the topic's subject; UNNUMBERED or more where it is of no such subject.

        None where the registry does not know it.

        Raises:
            RegistryError: as `find`.
        """
        if (guid, topic) not in self._numbers:
            self._numbers[guid, topic] = self._numbered(guid, topic)
        return self._numbers[guid, topic]

    def version(self, topic: str, schema_id: int) -> int | None:
        """The version of the schema in the topic's subject; None where it is not of that subject.

        Raises:
            RegistryError: as `find`.
        """
        if (topic, schema_id) not in self._versions:
            self._versions[topic, schema_id] = self._look_up(subject(topic), schema_id)
        return self._versions[topic, schema_id]

    def _fetch(self, schema_id: int) -> WriterSchema | None:
        if self._registry is None:
            return None
        name = f"schema id {schema_id}"
        stored = self._registry.ask(name, lambda client: client.get_schema(schema_id))
        return None if stored is None else _writer(schema_id, stored)

    def _numbered(self, guid: UUID, topic: str) -> int | None:
        number = UNNUMBERED + len(self._numbers)
        if self._registry is None:
            return number
        stored = self._registry.of_guid(str(guid))
        if stored is None:
            return None
        name = subject(topic)
        registered = self._registry.ask(name, lambda client: client.lookup_schema(name, stored))
        if registered is not None and registered.schema_id is not None:
            number = registered.schema_id
        self._schemas[number] = _writer(number, stored)
        return number

    def _look_up(self, name: str, schema_id: int) -> int | None:
        writer = self.find(schema_id)
        if self._registry is None or writer is None:
            return None
        registered = self._registry.ask(name, lambda client: client.lookup_schema(name, writer.stored))
        # A subject may hold the same schema under another id; then this id is not one of its versions.
        if registered is None or registered.schema_id != schema_id:
            return None
        return registered.version


def parse(text: str) -> Any:  # noqa: ANN401 - a schema is any JSON
    """A schema in fastavro's parsed form.

    Raises:
        ValueError: it is not an Avro schema; the text says why.
    """
    try:
        return parse_schema(json.loads(text))
    # fastavro meets shapes that it does not expect with whatever Python raises there.
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _writer(schema_id: int, stored: RegistrySchema) -> WriterSchema:
    trouble, parsed = "", None
    if (stored.schema_type or "AVRO") != "AVRO":
        trouble = f"schema id {schema_id} is {stored.schema_type}, not Avro"
    elif stored.references:
        trouble = f"schema id {schema_id} refers to schemas of other subjects, which lensload does not follow"
    else:
        try:
            parsed = parse(stored.schema_str or "")
        except ValueError as error:
            trouble = f"schema id {schema_id} is not Avro: {error}"
    return WriterSchema(schema_id, parsed, trouble, stored)
