"""Events of a workload, made and encoded as a run does, and read back: for `lensload workload`."""

import json
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np
from fastavro import parse_schema, schemaless_reader

from lensload.encoding.encoders import Encoded, FragmentEncoder
from lensload.encoding.keys import KeySchema
from lensload.encoding.wire import header
from lensload.files.plainjson import as_json
from lensload.ids import NS_PER_S
from lensload.workload.model import Workload, WorkloadTopic
from lensload.workload.source import WorkloadSource

_AT_A_TIME: Final = 512
_HEADER_BYTES: Final = len(header(0))
_MOST: Final = 1_000_000
_MEASURED: Final = 500
_STEP_NS: Final = NS_PER_S // 1_000


def some(workload: Workload, topics: Sequence[str], count: int) -> Iterator[str]:
    """Events as JSON lines, in the order in which they would be due, `count` of each topic.

    Each line has the topic, the key, the headers where there are some, and the value as a consumer of the Avro reads it.
    """
    reader = _Reader(workload)
    left = dict.fromkeys(topics, count)
    for encoded in _encoded(workload, tuple(topics)):
        taken = min(left[encoded.topic], len(encoded))
        left[encoded.topic] -= taken
        for place in range(taken):
            headers = {name: texts[place].decode() for name, texts in encoded.headers.items()}
            yield as_json(
                {
                    "topic": encoded.topic,
                    "key": reader.key(encoded.topic, encoded.keys[place]),
                    **({"headers": headers} if headers else {}),
                    "value": reader.value(encoded.topic, encoded.values[place]),
                }
            )
        if not any(left.values()):
            return


def overview(workload: Workload) -> list[tuple[str, ...]]:
    """A table of the topics: what each is, and how large its events are."""
    sizes = dict.fromkeys((topic.name for topic in workload.topics), 0.0)
    for encoded in _encoded(workload, tuple(sizes)):
        sizes[encoded.topic] = sizes[encoded.topic] or float(encoded.packed_values.lengths.mean())
        if all(sizes.values()):
            break
    head = ("topic", "record", "fields", "share", "key", "stopwatch", "bytes an event")
    return [head, *(_row(topic, sizes[topic.name]) for topic in workload.topics)]


def _row(topic: WorkloadTopic, size: float) -> tuple[str, ...]:
    schema = json.loads(topic.schema_text)
    return (
        topic.name,
        str(schema["name"]).rpartition(".")[2],
        str(len(schema["fields"])),
        f"{topic.share:.1%}",
        " | ".join(topic.key) or "-",
        topic.stopwatch or f"header {topic.id_header}",
        f"{size:,.0f}",
    )


def _encoded(workload: Workload, topics: tuple[str, ...]) -> Iterator[Encoded]:
    """Events of the topics, each batch encoded, from now on a millisecond apart."""
    encoder = FragmentEncoder(
        {topic.name: json.loads(topic.schema_text) for topic in workload.topics},
        {topic.name: 0 for topic in workload.topics},
        {
            topic.name: KeySchema(json.loads(topic.key_schema_text), 0)
            for topic in workload.topics
            if topic.key_schema_text is not None
        },
    )
    source = WorkloadSource(workload, (0,), topics=topics)
    now_ns = time.time_ns()
    for start in range(0, _MOST, _AT_A_TIME):
        due_ns = now_ns + np.arange(start, start + _AT_A_TIME) * _STEP_NS
        yield from map(encoder.encode, source.events_at(due_ns))


class _Reader:
    """Reads keys and values as a consumer does."""

    def __init__(self, workload: Workload) -> None:
        self._values = {topic.name: parse_schema(json.loads(topic.schema_text)) for topic in workload.topics}
        self._keys = {
            topic.name: parse_schema(json.loads(topic.key_schema_text))
            for topic in workload.topics
            if topic.key_schema_text is not None
        }

    def value(self, topic: str, value: bytes) -> Any:  # noqa: ANN401 - any Avro value
        """A record."""
        return schemaless_reader(BytesIO(value[_HEADER_BYTES:]), self._values[topic], None)

    def key(self, topic: str, key: bytes | str | None) -> Any:  # noqa: ANN401 - any Avro value
        """A key: text, or what its schema says."""
        if topic in self._keys and isinstance(key, bytes):
            return schemaless_reader(BytesIO(key[_HEADER_BYTES:]), self._keys[topic], None)
        return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else key
