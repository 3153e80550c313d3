"""A seed in files: a plan's events as Avro container files or Parquet, a file a topic, a manifest beside them.

Nothing half-written looks whole: files get their names when all of them are.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, Final

import click

from lensload.atomic_file import why
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.encoders import FragmentEncoder
from lensload.errors import InvalidRunError, UsageError
from lensload.files.avro import AvroFile
from lensload.files.folder import Format, prepare
from lensload.files.parquet import ParquetFile, fields_of
from lensload.report.progress import ProgressView
from lensload.report.units import per_s
from lensload.seed import manifest as manifests
from lensload.seed import summary
from lensload.seed.actuals import Actuals
from lensload.seed.arrow_tables import ArrowTables
from lensload.seed.ground_truth import ground_truth
from lensload.seed.manifest import FileEntry, Manifest
from lensload.seed.plan import Plan
from lensload.seed.sources import Source, source_of

MANIFEST: Final = "manifest.json"
_HEADER_BYTES: Final = 5


def export(plan: Plan, folder: Path, form: Format) -> None:
    """Write a plan's events as files, then the manifest.

    Raises:
        UsageError: the folder or the plan is not fit for it; no file has been written.
        InvalidRunError: it was stopped; no file has been written.
    """
    begun_s, done = time.monotonic(), 0
    scenario = None if plan.workload else plan.scenario()
    source = source_of(plan, scenario)
    record = manifests.begin(
        plan.as_dict(), ground_truth(plan, scenario), topics={}, cluster={}, options={"format": form}
    )
    with ProgressView("writing", "events") as view:

        def passed(events: int) -> None:
            nonlocal done
            done += events
            view.show(time.monotonic() - begun_s, done, done, plan.expected_events)

        try:
            record["files"], realised = write(plan, source, folder, form, passed)
        except KeyboardInterrupt as error:
            raise InvalidRunError(f"Stopped; nothing has been left in {folder}.", "Begin anew.") from error
    manifests.complete(record, realised)
    manifests.write(folder / MANIFEST, record)
    _tell(record, folder, time.monotonic() - begun_s)


def verified(record: Manifest, path: Path) -> bool:
    """Read the files beside a manifest back, say whether they are what it says or which is not, and give which."""
    wrong: list[str] = []
    for entry in record["files"].values():
        try:
            if _digest(path.parent / entry["file"]) != entry["sha256"]:
                wrong.append(f"{entry['file']}: other bytes")
        except OSError as error:
            wrong.append(f"{entry['file']}: {why(error)}")
    if wrong:
        click.echo("\n".join([f"The files are not what {path} says:", *wrong]))
    else:
        count = len(record["files"])
        click.echo(f"Equal: {count} {'file is' if count == 1 else 'files are'} what {path} says.")
    return not wrong


def _tell(record: Manifest, folder: Path, took_s: float) -> None:
    total = 0
    for entry in record["files"].values():
        click.echo(f"{entry['count']:>12,} events  {entry['bytes']:>14,} bytes  {folder / entry['file']}")
        total += entry["count"]
    click.echo(f"{total:,} events in {took_s:.1f} s ({per_s(total / max(took_s, 1e-9))}/s).")
    click.echo(summary.history(record["plan"]))
    click.echo(f"The manifest is {folder / MANIFEST}. Next:\n  lensload seed --verify {folder / MANIFEST}")


def write(
    plan: Plan, source: Source, folder: Path, form: Format, passed: Callable[[int], None] = lambda _: None
) -> tuple[dict[str, FileEntry], dict[str, Any]]:
    """Write a plan's events to DIR/<topic>.avro or .parquet.

    Args:
        plan: what to write.
        source: what `source_of` gave for it.
        folder: where to; made if missing, and must hold no such files.
        form: which kind of file.
        passed: is told how many events each portion had.

    Returns:
        The files by topic, and the realised counts.

    Raises:
        UsageError: the plan has faults, pyarrow is missing, Parquet has no type for a field, or the folder cannot be used,
            or is full.
    """
    if plan.faults:
        raise UsageError(
            "--fault needs a cluster: a file of events cannot hold headers, tombstones or what does not decode.",
            "Leave out --output-dir, or --fault.",
        )
    prepare(folder, form)
    if form == "parquet":
        _require_types(source)
    realised = Actuals(source.counted)
    with _all_or_none(folder, form, plan.topics) as parts:
        open_files = {
            topic: _TopicFile(form, topic, part, source.schemas[topic], plan.seed)
            for topic, part in parts.items()
        }
        for batches in source.portions():
            for batch in batches:
                open_files[batch.topic].add(batch)
                realised.add(batch)
            passed(sum(map(len, batches)))
        for file in open_files.values():
            file.close()
        entries = {
            topic: FileEntry(
                file=f"{topic}.{form}",
                count=open_files[topic].count,
                bytes=part.stat().st_size,
                sha256=_digest(part),
            )
            for topic, part in parts.items()
        }
    return entries, realised.as_dict()


def _require_types(source: Source) -> None:
    """See that Parquet has a type for all that there is: a field that may be of many types is none to analyse."""
    for topic, schema in source.schemas.items():
        for field, cell in fields_of(schema).items():
            if cell.as_text:
                raise UsageError(
                    f"--output-format parquet: {topic}.{field} is, or holds, a union of several types, a type within itself,"
                    " a record without fields or a decimal of more than 76 digits, for which Parquet has no type.",
                    "Give --output-format avro, or leave the topic out by --topics.",
                )


class _TopicFile:
    """The file of one topic."""

    def __init__(self, form: Format, topic: str, path: Path, schema: dict[str, Any], seed: int) -> None:
        # The same plan gives the same bytes: what separates blocks is no matter of chance either.
        marker = blake2b(f"{topic} of {seed}".encode(), digest_size=16).digest()
        self._file = AvroFile(path, schema, marker) if form == "avro" else ParquetFile(path, schema)
        self._encoder = FragmentEncoder({topic: schema}, {topic: 0})
        self._tables = ArrowTables(schema, self._file.fields) if isinstance(self._file, ParquetFile) else None

    @property
    def count(self) -> int:
        return self._file.count

    def add(self, batch: TopicBatch) -> None:
        if isinstance(self._file, AvroFile):
            self._file.copy([value[_HEADER_BYTES:] for value in self._encoder.encode(batch).values])
        elif self._tables:
            self._file.add_table(self._tables.table(batch))

    def close(self) -> None:
        self._file.close()


@contextmanager
def _all_or_none(folder: Path, form: Format, topics: tuple[str, ...]) -> Generator[dict[str, Path]]:
    """Hidden files to write to by topic, which get their names at the end; on failure there are none."""
    parts = {topic: folder / f".{topic}.{form}.part" for topic in topics}
    try:
        for part in parts.values():
            part.unlink(missing_ok=True)  # of a run that was killed
        yield parts
        for topic, part in parts.items():
            part.rename(folder / f"{topic}.{form}")
    except BaseException as error:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(
                f"--output-dir {folder} cannot be written: {why(error)}; nothing is left of it there.",
                "Check that the disk is not full, or give another folder.",
            ) from error
        raise


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
