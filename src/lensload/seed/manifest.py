"""The manifest: what was to be seeded, what was, and a digest of each partition; JSON, with a schema of its own."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, NotRequired, TypedDict, cast

from lensload.atomic_file import leave, read_text
from lensload.errors import UsageError
from lensload.kafka.reading import Place
from lensload.results.environment import versions

FORMAT: Final = "lensload/manifest/1"
SCHEMA_FILE: Final = Path(__file__).with_name("manifest.schema.json")
_EXPECTED: Final = f'A manifest is what `lensload seed` writes; its "format" is "{FORMAT}".'


class PartitionEntry(TypedDict):
    """One partition; all but the first two are 0, "" or null until the seed is complete.

    Offsets from `first_offset` on are the seed's; `digest` is over them, as `lensload.seed.digest` says.
    """

    partition: int
    first_offset: int
    count: int
    bytes: int
    digest: str
    first_timestamp_ms: int | None
    last_timestamp_ms: int | None


class TopicEntry(TypedDict):
    """One topic: its name in the cluster, what wrote its records, and its partitions.

    `key_schema_id` is missing where keys are text.
    """

    name: str
    schema_id: int
    key_schema_id: NotRequired[int]
    fingerprint: str
    settings_changed: dict[str, str]
    partitions: list[PartitionEntry]


class FileEntry(TypedDict):
    """One file, by its name beside the manifest, and what it holds."""

    file: str
    count: int
    bytes: int
    sha256: str


class Manifest(TypedDict):
    """The whole; `plan` is what `Plan.as_dict` gives. Of `topics` and `files` one is empty."""

    format: str
    state: Literal["incomplete", "complete"]
    started_at: str
    finished_at: str | None
    plan: dict[str, Any]
    topics: dict[str, TopicEntry]
    files: dict[str, FileEntry]
    planted: dict[str, Any]
    realised: dict[str, Any]
    faults: dict[str, Any]
    versions: dict[str, str]
    cluster: dict[str, Any]
    options: dict[str, Any]


def empty_partition(number: int, first_offset: int) -> PartitionEntry:
    """A partition of a seed that is not complete."""
    return PartitionEntry(
        partition=number, first_offset=first_offset, count=0, bytes=0, digest="",
        first_timestamp_ms=None, last_timestamp_ms=None,
    )  # fmt: skip


def now() -> str:
    """This moment, as a manifest writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def begin(
    plan: dict[str, Any],
    ground_truth: dict[str, Any],
    *,
    topics: dict[str, TopicEntry],
    cluster: dict[str, Any],
    options: dict[str, Any],
) -> Manifest:
    """The manifest of a seed that starts now: incomplete, with nothing counted yet."""
    return {
        "format": FORMAT,
        "state": "incomplete",
        "started_at": now(),
        "finished_at": None,
        "plan": plan,
        "topics": topics,
        "files": {},
        "planted": ground_truth,
        "realised": {},
        "faults": {},
        "versions": versions(),
        "cluster": cluster,
        "options": options,
    }


def complete(manifest: Manifest, realised: dict[str, Any]) -> None:
    """Mark it as complete, with the counts of what was written."""
    manifest["state"], manifest["finished_at"] = "complete", now()
    manifest["realised"] = realised


def write(path: Path, manifest: Manifest) -> None:
    """Write the manifest whole or not at all.

    Raises:
        UsageError: the place cannot take it.
    """
    leave(path, json.dumps(manifest, indent=1, allow_nan=False) + "\n", "manifest", "--manifest")


def read(path: Path) -> Manifest:
    """The manifest that a file holds.

    Raises:
        UsageError: the file is missing, not whole, no manifest, or of a format that this version cannot read.
    """
    try:
        document: object = json.loads(read_text(path, "manifest", _EXPECTED))
    except ValueError as error:
        raise UsageError(f"{path} is not whole JSON: {error}.", _EXPECTED) from error
    content = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    if content.get("format") != FORMAT:
        named = content.get("format")
        kind = f'has the format "{named}"' if isinstance(named, str) else "is JSON of another kind"
        raise UsageError(f"{path} {kind}, and is no manifest that this version can read.", _EXPECTED)
    missing = [name for name in Manifest.__annotations__ if name not in content]
    if missing:
        raise UsageError(f"{path} is a manifest without {', '.join(missing)}.", _EXPECTED)
    return cast("Manifest", document)


def places(topics: Mapping[str, TopicEntry]) -> dict[Place, PartitionEntry]:
    """Every partition by its place in the cluster."""
    return {
        (each["name"], entry["partition"]): entry for each in topics.values() for entry in each["partitions"]
    }


def partitions(manifest: Manifest) -> list[tuple[str, PartitionEntry]]:
    """Every partition with its topic's name without the prefix."""
    return [(topic, entry) for topic, each in manifest["topics"].items() for entry in each["partitions"]]
