"""A replay from what was asked for to what came of it: everything is checked before the first message is read."""

import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import click
from rich.console import Console

from lensload.config.groups import Cluster
from lensload.errors import InvalidRunError, UsageError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.topics import ensure_topics
from lensload.replay import reader_schemas, topics
from lensload.replay.counts import Counts
from lensload.replay.decoder import Decoder
from lensload.replay.file_output import AvroFiles, ParquetFiles
from lensload.replay.forward import Forward
from lensload.replay.pace import Pace
from lensload.replay.printer import Layout, Printer
from lensload.replay.rejects import DEFAULT_PATH, Rejects
from lensload.replay.session import Output, Session
from lensload.replay.source import Source
from lensload.replay.start import Start
from lensload.replay.writer_schemas import Writers
from lensload.report.progress import ProgressView
from lensload.report.units import latencies, per_s
from lensload.schema import registry

_REACH_S = 8.5  # so that an address that never answers is named within ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be replayed, and what is to be done with it, as it stands on the command line.

    Attributes:
        topics: names without prefix.
        start: --start; None if not given.
        group: --group.
        partitions: --partition; empty for all.
        follow: --follow.
        as_version: --as-version.
        layout: --print.
        limit: --limit.
        file_format: --output-format.
        folder: --output-dir, with --output-format.
        into: --into-topic, without prefix.
        speed: --speed; None if not given.
        decode: --decode.
        rejects: --rejects; None if not given.
    """

    topics: tuple[str, ...]
    start: str | None = None
    group: str | None = None
    partitions: tuple[int, ...] = ()
    follow: bool = False
    as_version: str | None = None
    layout: Layout | None = None
    limit: int | None = None
    file_format: Literal["avro", "parquet"] | None = None
    folder: Path | None = None
    into: str | None = None
    speed: str | None = None
    decode: bool = False
    rejects: Path | None = None

    @property
    def deep(self) -> bool:
        """Values are to be decoded; otherwise their headers are all that is looked at."""
        return bool(self.layout or self.folder or self.decode or self.as_version)

    @property
    def counting(self) -> bool:
        """Messages are only counted, because nothing else is done with them."""
        return not (self.layout or self.folder or self.into)

    @property
    def begin(self) -> Start | None:
        """Where to begin, if that was said."""
        return Start.parse(self.start) if self.start else None

    @property
    def pace(self) -> Pace:
        """How fast to write into another topic."""
        return Pace.parse(self.speed or "full")

    def check(self) -> None:
        """Find what cannot be, or contradicts itself.

        Raises:
            UsageError: something does.
        """
        _ = self.begin, self.pace
        if bool(self.file_format) != bool(self.folder):
            raise UsageError(
                "--output-format and --output-dir go together.", "Give --output-format avro --output-dir DIR."
            )
        if self.limit is not None and not self.layout:
            raise UsageError(
                "--limit says how many messages to print.", "Give --print table or --print jsonl."
            )
        if self.speed is not None and not self.into:
            raise UsageError(
                "--speed is the pace of --into-topic.", "Give --into-topic TOPIC, or leave out --speed."
            )
        if self.into in self.topics:
            raise UsageError(
                f"--into-topic {self.into} is one of the topics to replay.", "Give another topic."
            )
        if self.group and self.partitions:
            raise UsageError(
                "A group shares out the partitions itself.", "Give --group or --partition, not both."
            )
        if self.as_version and self.into and not (self.layout or self.folder or self.decode):
            raise UsageError(
                "--into-topic copies the bytes as they are, whatever --as-version says.",
                "Leave one of the two out.",
            )


def run(wish: Wish, config: Cluster) -> None:
    """Replay.

    Raises:
        UsageError: what was asked for contradicts itself, or is not there.
        RefusedError: cluster or registry cannot be reached, or refuse.
        InvalidRunError: it was stopped before the end.
    """
    wish.check()
    url = _registry_url(wish, config)
    settings = connection.client_settings(config, config.bootstrap_servers or "")
    connection.check(settings, timeout_s=_REACH_S)
    found = topics.find(settings, [config.topic_prefix + name for name in dict.fromkeys(wish.topics)])
    _check_partitions(wish.partitions, found)
    if url is None:
        _replay(wish, config, settings, found, None)
        return
    with registry.connect(url) as books:
        # Asked before anything is read, so that a registry that is down is told at once.
        books.ask(next(iter(found)), lambda client: client.get_versions(f"{next(iter(found))}-value"))
        _replay(wish, config, settings, found, books)


def _registry_url(wish: Wish, config: Cluster) -> str | None:
    if config.embedded:
        raise UsageError(
            "There is nothing to replay: the embedded cluster is empty whenever it starts.",
            "Give --bootstrap-servers and --registry-url.",
        )
    url = config.registry_url or "mock://"
    if not url.startswith("mock:"):
        return url
    if wish.deep:
        raise UsageError(
            "Without the registry that knows the schemas, nothing can be decoded.",
            "Give --registry-url. Counting and --into-topic do not need it.",
        )
    return None


def _check_partitions(wanted: Sequence[int], found: dict[str, int]) -> None:
    most = max(found.values())
    for number in wanted:
        if number >= most:
            raise UsageError(
                f"There is no partition {number}: there are {most}, counted from 0.", "Check --partition."
            )


def _replay(
    wish: Wish,
    config: Cluster,
    settings: dict[str, Any],
    found: dict[str, int],
    books: registry.Registry | None,
) -> None:
    names = tuple(found)
    writers = Writers(books)
    wanted = reader_schemas.load(wish.as_version, names, books) if wish.as_version and books else {}
    counts = Counts(names)
    form = ParquetFiles if wish.file_format == "parquet" else AvroFiles
    files = form(wish.folder, names, writers, wanted) if wish.folder else None
    forward = _forward(config.topic_prefix + wish.into, config, settings, found) if wish.into else None
    # A table is cut to the terminal; where it goes to a file or a pipe, it is whole.
    width = Console().width if sys.stdout.isatty() else 100_000
    printer = Printer(wish.layout, wish.limit, sys.stdout, width, writers.version) if wish.layout else None
    outputs: list[Output] = [output for output in (printer, files, forward) if output is not None]
    with ProgressView("replaying", "messages", quiet=bool(printer) and sys.stdout.isatty()) as view:
        session = Session(
            source=Source(
                settings, found, wish.begin, group=wish.group, only=wish.partitions, follow=wish.follow
            ),
            decoder=Decoder(names, writers, wanted, deep=wish.deep),
            counts=counts,
            rejects=Rejects(wish.rejects or DEFAULT_PATH, eager=wish.rejects is not None),
            outputs=outputs,
            forward=forward,
            pace=wish.pace,
            view=view,
            follow=wish.follow,
        )
        complete = _run(session)
    if wish.counting:
        click.echo(counts.table(writers.version), nl=False)
    _tell(session, files, forward)
    if not complete and not wish.follow:
        passed, total = session.source.progress()
        raise InvalidRunError(
            f"The replay was stopped at {passed:,} of {total:,} offsets; what was done until then stands.",
            f"The group {wish.group} goes on from there." if wish.group else "",
        )


def _run(session: Session) -> bool:
    """Run to the end or to Ctrl-C, and close, whatever happens."""
    try:
        try:
            with _stop_signals() as stopped:
                complete = session.run(stopped)
        except BaseException:
            _close_after_failure(session)
            raise
        session.close()
    except OSError as error:
        raise UsageError(
            f"What is replayed cannot be written any more: {error.strerror}.",
            "See whether the disk is full, then replay again, to another folder.",
        ) from error
    return complete


def _close_after_failure(session: Session) -> None:
    """The first error is the one to tell."""
    try:
        session.close()
    except Exception as error:  # noqa: BLE001 - told beside the first, which goes on its way
        click.echo(f"Also: {error}", err=True)


@contextmanager
def _stop_signals() -> Generator[Callable[[], bool]]:
    """Whether Ctrl-C or a termination has come: seen between batches, so that none is left half done."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt  # asked twice: at once
        came.append(number)

    earlier = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _forward(name: str, config: Cluster, settings: dict[str, Any], found: dict[str, int]) -> Forward:
    partitions = TopicAdmin(settings).counts([name]).get(name)
    if partitions is None:
        wanted = max(found.values())
        click.echo(f"Creating the topic {name} with {wanted} partitions.", err=True)
        made = ensure_topics(settings, [name], wanted, config.replication_factor, embedded=False)
        partitions = made[name]
    return Forward(settings, name, partitions, found)


def _tell(session: Session, files: AvroFiles | ParquetFiles | None, forward: Forward | None) -> None:
    """What came of it, on standard error."""
    counts, elapsed_s = session.counts, session.elapsed_s
    rate = f" ({per_s(counts.total / elapsed_s)}/s)" if elapsed_s else ""
    lines = [f"{counts.total:,} messages in {elapsed_s:,.1f} s{rate}."]
    if session.source.resumed:
        lines.append("The group went on where it had stopped.")
    if counts.rejected:
        reasons: dict[str, int] = {}
        for (_, kind), count in counts.by_kind().items():
            if kind.rejected:
                reasons[kind.reason] = reasons.get(kind.reason, 0) + count
        told = ", ".join(f"{count:,} x {reason}" for reason, count in reasons.items())
        lines.append(f"{counts.rejected:,} cannot be decoded ({told}): kept aside in {session.rejects.path}.")
    if session.source.skipped:
        lines.append(
            f"{session.source.skipped:,} offsets hold no message: compacted, transactional or deleted."
        )
    lines += [f"{count:,} records in {path}." for path, count in (files.written if files else {}).items()]
    if forward:
        lines.append(_told_of(forward))
    click.echo("\n".join(lines), err=True)


def _told_of(forward: Forward) -> str:
    late = forward.lateness
    if not late.count:
        return f"{forward.sent:,} messages sent on."
    told = latencies(late.percentile_us(50), late.percentile_us(99))
    return f"{forward.sent:,} messages sent on, p50/p99 {told} after they were due."
