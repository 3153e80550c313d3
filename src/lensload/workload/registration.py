"""Having the schemas of a workload in the registry: those of files registered, those of subjects looked up."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastavro.schema import parse_schema

from lensload.errors import RegistryError, SchemaError
from lensload.schema import definitions
from lensload.schema.definitions import Schema, Topic
from lensload.schema.registry import Known, Register, Registry
from lensload.workload import schema_source
from lensload.workload.file import Subject
from lensload.workload.model import WorkloadTopic


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema of a workload, as the registry has it.

    Attributes:
        parsed: the schema as Avro's JSON, parsed.
        known: its id, and its text there.
        subject: the subject that it is a version of.
    """

    parsed: dict[str, Any]
    known: Known
    subject: str


@dataclass(frozen=True, slots=True)
class TopicSchemas:
    """The schemas of a topic; `key` is None where keys are text."""

    value: Registered
    key: Registered | None


def register(
    registry: Registry, topics: Iterable[WorkloadTopic], prefix: str, mode: Register
) -> dict[str, TopicSchemas]:
    """Have all schemas of the topics in the registry; again and from several processes gives the same ids.

    Schemas of files are registered under `<prefix><topic>-value` and `-key`, by the registry's own compatibility alone.
    Those of subjects are looked up; they are nobody's to change.

    Raises:
        SchemaError: a subject has another schema than when the workload was loaded.
        RegistryError: the registry cannot be reached, or refuses a schema; or lacks one that may not be registered.
    """
    return dict(_registered(registry, topics, prefix, mode))


def own_subjects(topics: Iterable[WorkloadTopic], prefix: str) -> list[str]:
    """The subjects that `register` enters schemas under: those of files, and none that the workload itself names."""
    found: list[str] = []
    for topic in topics:
        if not isinstance(topic.table.schema_, Subject):
            found.append(f"{prefix}{topic.name}-value")
        if isinstance(topic.table.key_schema, str):
            found.append(f"{prefix}{topic.name}-key")
    return found


def _registered(
    registry: Registry, topics: Iterable[WorkloadTopic], prefix: str, mode: Register
) -> Iterator[tuple[str, TopicSchemas]]:
    for topic in topics:
        name, table = f"{prefix}{topic.name}", topic.table
        value = _one(registry, table.schema_, topic.schema_text, f"{name}-value", mode)
        key = None
        if table.key_schema is not None and topic.key_schema_text is not None:
            key = _one(registry, table.key_schema, topic.key_schema_text, f"{name}-key", mode)
        yield topic.name, TopicSchemas(value, key)


def _one(registry: Registry, source: str | Subject, text: str, subject: str, mode: Register) -> Registered:
    parsed: Any = parse_schema(json.loads(text), named_schemas={})
    if isinstance(source, Subject):
        return Registered(parsed, _looked_up(registry, source, text), source.subject)
    wanted = Topic(subject, Path(source).stem, "", "", "")
    schema = Schema(wanted, text, parsed, (), definitions.fingerprint_of(text))
    return Registered(parsed, _entered(registry, subject, schema, mode), subject)


def _looked_up(registry: Registry, source: Subject, text: str) -> Known:
    found = schema_source.fetched(registry, source.subject, source.version)
    if json.loads(found.text) != json.loads(text):
        raise SchemaError(
            f"Version {found.version} of {source.subject} is another than when the workload was loaded.",
            "Start again; or name the version in the workload file.",
        )
    return Known(found.schema_id, text)


def _entered(registry: Registry, subject: str, schema: Schema, mode: Register) -> Known:
    if found := registry.there(subject, schema, mode):
        return found
    if mode == "never":
        raise registry.lacking(subject, schema)
    if registry.latest(subject) and registry.fits(subject, schema) is False:
        raise RegistryError(
            f"The registry at {registry.url} will not have {schema.topic.file} follow on {subject}.",
            "Nothing was sent. See the subject's compatibility level, or give a --topic-prefix of your own.",
        )
    registry.put(subject, schema)
    entry = registry.find(subject, schema)
    if entry is None:
        raise RegistryError(
            f"The registry at {registry.url} took {subject} and does not know it.",
            "See its log, and try again.",
        )
    return entry
