"""Small workloads, made of a schema and what a file would say of it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lensload.batches.topic_batch import TopicBatch
from lensload.workload.file import WorkloadFile
from lensload.workload.model import Workload
from lensload.workload.source import WorkloadSource

DUE_NS = 1_770_000_000_000_000_000
"""When the first event of every test is due."""


def record(name: str = "Event", **types: Any) -> dict[str, Any]:
    """The schema of a record with fields of these types."""
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": type_} for field, type_ in types.items()],
    }


def workload(schemas: dict[str, Any], **content: Any) -> Workload:
    """A workload of these schemas by topic; `content` is what the file says, in which topics name no schema."""
    topics = {
        name: {"schema": "-", "stopwatch": "id", **content.get("topics", {}).get(name, {})}
        for name in schemas
    }
    file = WorkloadFile.model_validate({**content, "topics": topics})
    return Workload.of("test.toml", file, {name: json.dumps(schema) for name, schema in schemas.items()}, {})


def batches(
    of: Workload, count: int, lanes: Iterable[int] = range(8), **options: Any
) -> tuple[TopicBatch, ...]:
    """The first events of some lanes, due a millisecond one after another."""
    source = WorkloadSource(of, tuple(lanes), **options)
    return tuple(source.events_at(DUE_NS + np.arange(count) * 1_000_000))


def values(type_: Any, table: dict[str, Any], count: int = 2_000, **content: Any) -> list[Any]:
    """What one field of a type is in the first events, if its table in the file is this one."""
    topics = {"events": {"fields": {"value": table}}}
    of = workload({"events": record(id="string", value=type_)}, topics=topics, **content)
    (batch,) = batches(of, count)
    return [each["value"] for each in batch.records()]


def written(folder: Path, schemas: dict[str, Any], text: str) -> Path:
    """A workload file in a folder, and beside it the schemas by their file names."""
    for name, schema in schemas.items():
        (folder / name).write_text(json.dumps(schema), encoding="utf-8")
    path = folder / "workload.toml"
    path.write_text(text, encoding="utf-8")
    return path
