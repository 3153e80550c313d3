"""librdkafka's properties from the --client-config file, each known to librdkafka and with a value that it takes.

The file may hold secrets, so no value of it is in a message, a log or a run file (`public` leaves them out).
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from lensload.config import client_file
from lensload.errors import UsageError

_SILENT = logging.getLogger("lensload.kafka.client_config")
_SILENT.addHandler(logging.NullHandler())
_SECRET = re.compile(r"password|secret|token|pem|username|oauthbearer|jaas|credential")
_CONNECTION = re.compile(
    r"(?:sasl|ssl|security|enable\.s(?:sl|asl)|https|broker|api\.version|socket|client\.(?:dns|rack)|connections|reconnect"
    r"|metadata|topic\.metadata|plugin|allow\.auto|resolve)\b.*"
)
_LEAST_MASKED = 3


def read(path: Path) -> dict[str, str]:
    """The properties in `path`, each known to librdkafka and none that this tool would contradict.

    Raises:
        UsageError: as `client_file.read` does, or a property is unknown or has a value that it cannot have; names the
            line and says what to do.
    """
    found = client_file.read(path)
    own: dict[str, Any] = {**found.properties, "logger": _SILENT}
    try:
        # Without an address nothing is connected to; librdkafka checks names, values, files and their sense.
        AdminClient(own)
    except KafkaException as error:
        text = error.args[0].str().strip().removeprefix("Failed to create admin client: ")
        line = next((f":{number}" for key, number in found.lines.items() if key in text), "")
        slips = "".join(f"\n{notice}" for notice in found.notices)
        raise UsageError(
            f"{path}{line}: {_masked(text, found.properties).rstrip('.')}.{slips}",
            "The properties are those of librdkafka's CONFIGURATION.md.",
        ) from None
    return found.properties


def public(settings: Mapping[str, object]) -> dict[str, str]:
    """The settings that may stand in a run file: texts and numbers, with the values of credentials left out."""
    return {
        key: "(secret)" if _SECRET.search(key) else str(value)
        for key, value in settings.items()
        if isinstance(value, (str, int, float))
    }


def for_embedded(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties that are not about a connection: the embedded cluster refuses TLS and SASL, and needs no others."""
    return {key: value for key, value in properties.items() if not _CONNECTION.fullmatch(key)}


def _masked(text: str, properties: Mapping[str, str]) -> str:
    """The text without secrets: only whole ones, and none so short that it is a part of many words."""
    for key, value in properties.items():
        if _SECRET.search(key) and len(value) >= _LEAST_MASKED:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "(secret)", text)
    return text
