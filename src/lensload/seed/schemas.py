"""The schemas of a seed's topics in the registry: LENS's, or those of a workload."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastavro import parse_schema

from lensload.encoding.keys import KeySchema
from lensload.schema import definitions, registration
from lensload.schema.registry import Register, Registry, schema_ids
from lensload.seed.plan import Plan


@dataclass(frozen=True, slots=True)
class TopicSchema:
    """What writes a topic's records.

    Attributes:
        fingerprint: of the values' schema.
        schema_id: the registry's id of it.
        key_schema_id: the id of the keys' schema; None where keys are text.
    """

    fingerprint: str
    schema_id: int
    key_schema_id: int | None = None

    def __str__(self) -> str:
        """The ids, as people compare them."""
        keys = "" if self.key_schema_id is None else f", its keys' has {self.key_schema_id}"
        return f"{self.fingerprint} with the id {self.schema_id}{keys}"


def registered(plan: Plan, registry: Registry, prefix: str, mode: Register) -> dict[str, TopicSchema]:
    """Have the schemas of a plan's topics in the registry; again and again gives the same ids.

    Raises:
        SchemaError: a schema does not fit what the registry has, or is another by now.
        RegistryError: the registry cannot be reached, or refuses.
    """
    if plan.workload is not None:
        from lensload.workload.registration import register  # noqa: PLC0415 - seldom wanted

        wanted = {topic.name: topic for topic in plan.workload.topics if topic.name in plan.topics}
        return {
            topic: TopicSchema(
                definitions.fingerprint_of(wanted[topic].schema_text),
                each.value.known.schema_id,
                each.key and each.key.known.schema_id,
            )
            for topic, each in register(registry, wanted.values(), prefix, mode).items()
        }
    schemas = {topic: schema for topic, schema in definitions.load().items() if topic in plan.topics}
    found = schema_ids(registration.register(registry, schemas, prefix, mode))
    return {topic: TopicSchema(schema.fingerprint, found[topic]) for topic, schema in schemas.items()}


def key_schemas(plan: Plan, key_schema_ids: Mapping[str, int | None]) -> dict[str, KeySchema]:
    """The schemas of those topics' keys that have one, with the registry's ids of them."""
    topics = plan.workload.topics if plan.workload else ()
    return {
        topic.name: KeySchema(_parsed(topic.key_schema_text), schema_id)
        for topic in topics
        if topic.key_schema_text and (schema_id := key_schema_ids.get(topic.name)) is not None
    }


def _parsed(text: str) -> Any:  # noqa: ANN401 - a schema is any JSON
    return parse_schema(json.loads(text), named_schemas={})
