"""The five LENS schemas: where they are, what topic and key each has, and loading them.

A topic's name here is LENS's own; a prefix for shared clusters is added where names leave the program.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from lensload.errors import SchemaError
from lensload.schema import parsing
from lensload.schema.parsing import line_of

NAMESPACE = "com.lens.events"

_REPAIR = "Restore it from the repository (git checkout -- schemas), or install lensload again."


@dataclass(frozen=True, slots=True)
class Topic:
    """One LENS topic.

    Attributes:
        name: the topic's name without prefix; counts and run files use this name.
        stem: the schema's file name, without its suffix.
        record: the schema's record name, without namespace.
        key_field: the field whose value is the message's key.
        id_field: the field that identifies the event.
    """

    name: str
    stem: str
    record: str
    key_field: str
    id_field: str

    @property
    def file(self) -> str:
        """The schema's file name."""
        return f"{self.stem}.avsc"


TOPICS: tuple[Topic, ...] = (
    Topic(
        "recommendation-requests", "recommendation_request", "RecommendationRequest", "userId", "requestId"
    ),
    Topic(
        "recommendation-responses", "recommendation_response", "RecommendationResponse", "userId", "requestId"
    ),
    Topic("user-interactions", "user_interaction", "UserInteraction", "userId", "eventId"),
    Topic("ab-test-events", "ab_test_event", "ABTestEvent", "userId", "eventId"),
    Topic("model-metrics", "model_metrics", "ModelMetrics", "modelName", "metricId"),
)
"""All topics, in causal order: what causes comes before what it causes."""

TOPIC_NAMES: tuple[str, ...] = tuple(topic.name for topic in TOPICS)


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema as loaded from its file.

    Attributes:
        topic: the topic it describes.
        text: the JSON as in the file, without white space around it, as AvroSerializer would register it.
        parsed: fastavro's parsed form, for writing and reading.
        fields: the record's fields in order, each as Avro's JSON describes it.
        fingerprint: Avro's 64-bit Rabin fingerprint of the canonical form, in hex: equal for schemas that
            write the same bytes, whatever their docs and defaults.
    """

    topic: Topic
    text: str
    parsed: dict[str, Any]
    fields: tuple[dict[str, Any], ...]
    fingerprint: str


def subject(topic: str, prefix: str = "") -> str:
    """The subject of a topic's values, as every Confluent client names it by default: `<prefix><topic>-value`."""
    return f"{prefix}{topic}-value"


def default_folder() -> Path:
    """The folder of the schema files: inside an installed wheel, else the checkout's `schemas`."""
    packaged = Path(__file__).parents[1] / "schemas_avsc"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "schemas"


def load(folder: Path | None = None) -> dict[str, Schema]:
    """All five schemas by topic name, in causal order, from `folder` or else from `default_folder()`.

    Raises:
        SchemaError: a file is missing, is not JSON, is not an Avro schema, or is not the record that its
            topic needs; names the file, the line where one is known, and what to do.
    """
    place = default_folder() if folder is None else folder
    return {topic.name: read(topic, place / topic.file) for topic in TOPICS}


def read(topic: Topic, path: Path) -> Schema:
    """A schema of one topic, from any file: its own, an earlier version, one to come.

    Raises:
        SchemaError: as `load` does.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SchemaError(f"The schema of {topic.name} is missing: {path}.", _REPAIR) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"The schema of {topic.name} cannot be read: {path}: {error}.", _REPAIR) from error
    return of_text(topic, text, path)


@cache
def of_text(topic: Topic, text: str, path: Path) -> Schema:
    """A schema of one topic from its JSON, parsed once in a process; `path` is what messages call it.

    Raises:
        SchemaError: it is not JSON, not an Avro schema, or not the record that the topic needs.
    """
    parsed = parsing.parse(text, path, _REPAIR)
    _check(topic, parsed, text, path)
    parsing.check(text, path)
    canonical = to_parsing_canonical_form(parsed)
    return Schema(topic, text.strip(), parsed, tuple(parsed["fields"]), fingerprint(canonical, "CRC-64-AVRO"))


def _check(topic: Topic, parsed: dict[str, Any], text: str, path: Path) -> None:
    expected = f"{NAMESPACE}.{topic.record}"
    if parsed.get("type") != "record" or parsed.get("name") != expected:
        holds = f"holds {parsed.get('type')} {parsed.get('name')}, but {topic.name} needs record {expected}"
        raise _broken(path, line_of(text, "name"), holds)
    names = [field["name"] for field in parsed["fields"]]
    for name in (topic.key_field, topic.id_field):
        if name not in names:
            raise _broken(path, 1, f"the record has no field {name!r}, which lensload needs")
    for name in names:
        if names.count(name) > 1:
            raise _broken(path, line_of(text, name), f"the field {name!r} is there twice")


def _broken(path: Path, line: int, what: str) -> SchemaError:
    return parsing.broken(path, line, what, _REPAIR)


def fingerprint_of(text: str) -> str:
    """The fingerprint of any schema's text, as `Schema.fingerprint` is; "" where it is none, or refers to others."""
    try:
        parsed = parse_schema(json.loads(text), named_schemas={})
        return fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO")
    except Exception:  # noqa: BLE001 - fastavro raises what it likes for what is no schema
        return ""
