"""The --client-config file: librdkafka properties, one `key=value` a line.

It may hold secrets, so no value of it ever stands in a message, a log or a run file (`public` leaves them out).
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from lensload.atomic_file import read_text
from lensload.errors import UsageError

_ADDRESS = "the address is --bootstrap-servers, so that everything goes to one cluster"
_OBSERVER = "the observer takes its partitions itself, from where they end, and commits nothing"
_REFUSED = {
    "bootstrap.servers": _ADDRESS,
    "metadata.broker.list": _ADDRESS,
    "test.mock.num.brokers": "without --bootstrap-servers the embedded cluster is started anyway",
    "acks": "it is --acks",
    "request.required.acks": "it is --acks",
    "linger.ms": "it is --linger-ms",
    "queue.buffering.max.ms": "it is --linger-ms",
    "compression.type": "it is --compression",
    "compression.codec": "it is --compression",
    "partitioner": "LENS partitions by murmur2, so that its topics can be joined",
    "delivery.report.only.error": "every acknowledgement is counted and measured",
    "enable.partition.eof": _OBSERVER,
    "group.id": _OBSERVER,
    "enable.auto.commit": _OBSERVER,
    "enable.auto.offset.store": _OBSERVER,
    "auto.offset.reset": _OBSERVER,
    "transactional.id": "the generator does not write in transactions",
}
_JAVA = {
    "sasl.jaas.config": "sasl.username and sasl.password",
    "ssl.truststore.location": "ssl.ca.location (a PEM file)",
    "ssl.truststore.password": "ssl.ca.location (a PEM file)",
    "ssl.truststore.type": "ssl.ca.location (a PEM file)",
    "sasl.login.callback.handler.class": "sasl.oauthbearer.method",
}
_SILENT = logging.getLogger("lensload.kafka.client_config")
_SILENT.addHandler(logging.NullHandler())
_SECRET = re.compile(r"password|secret|token|pem|username|oauthbearer|jaas|credential")
_SECURITY = re.compile(r"(?:sasl|ssl|security|enable\.ssl)\.")


def read(path: Path) -> dict[str, str]:
    """The properties in `path`, each known to librdkafka and none that this tool would contradict.

    Raises:
        UsageError: the file cannot be read, a line is not key=value, a property is unknown, has a value that it
            cannot have, is there twice, or is this tool's to set; names the line and says what to do.
    """
    text = read_text(path, "client configuration", "Check --client-config.")
    properties: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, separator, value = (part.strip() for part in stripped.partition("="))
        _check_line(f"{path}:{number}", key, separator, lines.get(key))
        properties[key] = value
        lines[key] = number
    _check_values(path, properties, lines)
    return properties


def public(settings: Mapping[str, object]) -> dict[str, str]:
    """The settings that may stand in a run file: texts and numbers, with the values of credentials left out."""
    return {
        key: "(secret)" if _SECRET.search(key) else str(value)
        for key, value in settings.items()
        if isinstance(value, (str, int, float))
    }


def without_security(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties that are not about security: the embedded cluster has none, and refuses TLS and SASL."""
    return {key: value for key, value in properties.items() if not _SECURITY.match(key)}


def _check_line(place: str, key: str, separator: str, earlier: int | None) -> None:
    # The line itself is not repeated: it may hold a password.
    if not separator or not key:
        raise UsageError(f"{place}: not key=value.", "A comment starts with #.")
    if earlier is not None:
        raise UsageError(f"{place}: {key} is there already, in line {earlier}.", "Keep one of the two.")
    if key in _REFUSED:
        raise UsageError(f"{place}: {key} is not for this file: {_REFUSED[key]}.", "Remove the line.")
    if key in _JAVA:
        raise UsageError(f"{place}: {key} is a property of Java clients.", f"librdkafka's is {_JAVA[key]}.")
    if key.endswith("_cb") or key == "logger":
        raise UsageError(f"{place}: {key} is a function, which a file cannot hold.", "Remove the line.")


def _check_values(path: Path, properties: Mapping[str, str], lines: Mapping[str, int]) -> None:
    own: dict[str, Any] = {**properties, "logger": _SILENT}
    try:
        # Without an address nothing is connected to; librdkafka checks names, values, files and their sense.
        AdminClient(own)
    except KafkaException as error:
        text = error.args[0].str().strip().removeprefix("Failed to create admin client: ")
        line = next((f":{number}" for key, number in lines.items() if key in text), "")
        for key, value in properties.items():
            if _SECRET.search(key) and value:
                text = text.replace(value, "(secret)")
        raise UsageError(
            f"{path}{line}: {text}.", "The properties are those of librdkafka's CONFIGURATION.md."
        ) from None
