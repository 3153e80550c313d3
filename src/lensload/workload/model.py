"""A workload as a value: its topics with their schemas, and all that their events are made from."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from lensload.workload import counts
from lensload.workload.file import TopicTable, WorkloadFile

MOST_TOPICS: Final = 64
"""How many topics a workload has at most: as many as the accounts of a run have places for."""

_FORMAT: Final = 1
_LEAST_TOLD: Final = 1e-3


@dataclass(frozen=True, slots=True)
class WorkloadTopic:
    """One topic of a workload.

    Attributes:
        name: its name in the file; a topic prefix is put before it where it leaves the program.
        schema_text: the Avro schema of its values as JSON, which refers to no other.
        subject: the subject that the file names, or else `<name>-value`.
        stopwatch: path of the field that holds the event's id; "" where a header does.
        id_header: the record header that holds the event's id; "" where a field does.
        key: paths of the fields that the key is made of; empty: the records have no key.
        key_schema_text: the Avro schema of its keys, likewise; None: keys are text.
        share: which part of all events is of this topic, on average; all topics' together are 1.
        table: what the file says of it.
    """

    name: str
    schema_text: str
    subject: str
    stopwatch: str
    id_header: str
    key: tuple[str, ...]
    key_schema_text: str | None
    share: float
    table: TopicTable


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload, checked. Equal texts of `packed` mean equal events.

    Attributes:
        name: the workload file, as messages call it.
        file: what the file says.
        topics: the topics, in the file's order.
    """

    name: str
    file: WorkloadFile
    topics: tuple[WorkloadTopic, ...]

    @classmethod
    def of(cls, name: str, file: WorkloadFile, schemas: dict[str, str], key_schemas: dict[str, str]) -> Self:
        """A workload of what a file says and the schemas that it names; nothing is checked.

        Args:
            name: what messages call the file.
            file: what it says.
            schemas: the values' schemas by topic, each self-contained.
            key_schemas: the keys' schemas of the topics that have one.
        """
        shares = shares_of(file)
        topics = (
            WorkloadTopic(
                topic,
                schemas[topic],
                f"{topic}-value" if isinstance(table.schema_, str) else table.schema_.subject,
                table.stopwatch if isinstance(table.stopwatch, str) else "",
                table.id_header,
                table.key or (),
                key_schemas.get(topic),
                shares[topic],
                table,
            )
            for topic, table in file.topics.items()
        )
        return cls(name, file, tuple(topics))

    def __str__(self) -> str:
        """The file, as an option names it."""
        return self.name

    @property
    def with_headers(self) -> tuple[str, ...]:
        """The topics whose records have headers."""
        return tuple(topic.name for topic in self.topics if topic.id_header or topic.table.headers)

    def check_share(self, topics: Iterable[str]) -> None:
        """See that some topics have enough of the events to be made alone: all events between theirs are counted off.

        Raises:
            ValueError: they have not; a sentence's end.
        """
        told = set(topics)
        if sum(topic.share for topic in self.topics if topic.name in told) < _LEAST_TOLD:
            raise ValueError(
                f"of {1 / _LEAST_TOLD:,.0f} events of {self.name} not one is of {', '.join(sorted(told))}: give larger shares"
            )

    def seeded(self, seed: int) -> Self:
        """This workload with another seed than the file's."""
        return replace(self, file=self.file.model_copy(update={"seed": seed}))

    def packed(self) -> str:
        """The workload as JSON, to be sent to another process: no file is needed there."""
        content = {
            "format": _FORMAT,
            "name": self.name,
            "file": self.file.model_dump(mode="json", exclude_unset=True),
            "schemas": {topic.name: topic.schema_text for topic in self.topics},
            "key_schemas": {
                topic.name: topic.key_schema_text for topic in self.topics if topic.key_schema_text
            },
        }
        return json.dumps(content)

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """The workload that `packed` gave the text of."""
        content: dict[str, Any] = json.loads(text)
        file = WorkloadFile.model_validate(content["file"])
        return cls.of(content["name"], file, content["schemas"], content["key_schemas"])


def events_a_root(file: WorkloadFile) -> float:
    """How many events an event without a parent brings about on average, itself among them."""
    return 1 / sum(share for topic, share in shares_of(file).items() if file.topics[topic].parent is None)


def shares_of(file: WorkloadFile) -> dict[str, float]:
    """Which part of all events each topic has: as its share says, or as its parent's events have children."""
    weights: dict[str, float] = {}

    def weight(topic: str) -> float:
        if topic not in weights:
            table = file.topics[topic]
            if table.parent is None:
                weights[topic] = 1.0 if table.share is None else table.share
            else:
                weights[topic] = weight(table.parent) * counts.mean(table.children or (1, 1))
        return weights[topic]

    total = sum(weight(topic) for topic in file.topics)
    return {topic: weights[topic] / total for topic in file.topics}
