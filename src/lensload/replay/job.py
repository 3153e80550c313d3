"""A replay from what was asked for to what came of it: everything is checked before the first message is read."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import click
from rich.console import Console

from lensload.config.fields import Cluster
from lensload.errors import InvalidRunError, UsageError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.topic_settings import KEPT_FOR_GOOD
from lensload.kafka.topics import ensure_topics
from lensload.processes.stop_signals import stop_signals
from lensload.replay import reader_schemas, topics
from lensload.replay.counts import Counts
from lensload.replay.decoder import Decoder
from lensload.replay.file_output import Files
from lensload.replay.forward import Forward
from lensload.replay.options import ReplayOptions
from lensload.replay.printer import Printer
from lensload.replay.rejects import DEFAULT_PATH, Rejects
from lensload.replay.session import Output, Session
from lensload.replay.source import Source
from lensload.report.progress import ProgressView
from lensload.report.units import latencies, per_s
from lensload.schema.definitions import subject
from lensload.schema.registry import Registry
from lensload.schema.writer_schemas import WriterSchemas


def run(options: ReplayOptions, config: Cluster) -> None:
    """Replay.

    Raises:
        UsageError: what was asked for contradicts itself, or is not there.
        RefusedError: cluster or registry cannot be reached, or refuse.
        InvalidRunError: it was stopped before the end.
    """
    options.check()
    url = _registry_url(options, config)
    settings = connection.client_settings(config)
    connection.check(settings)
    partition_counts = topics.find(
        settings, [config.topic_prefix + name for name in dict.fromkeys(options.topics)]
    )
    _check_partitions(options.partitions, partition_counts)
    with connection.registry_of(config) if url else nullcontext() as registry:
        if registry:
            # Asked before anything is read, so that a registry that is down is told at once.
            first = next(iter(partition_counts))
            registry.ask(first, lambda client: client.get_versions(subject(first)))
        _replay(options, config, settings, partition_counts, registry)


def _registry_url(options: ReplayOptions, config: Cluster) -> str | None:
    if config.embedded:
        raise UsageError(
            "There is nothing to replay: the embedded cluster is empty whenever it starts.",
            "Give --bootstrap-servers and --registry-url.",
        )
    if not config.registry_is_mocked:
        return config.registry
    if options.deep:
        raise UsageError(
            "Without the registry that knows the schemas, nothing can be decoded.",
            "Give --registry-url. Counting and --into-topic do not need it.",
        )
    return None


def _check_partitions(wanted: Sequence[int], partition_counts: dict[str, int]) -> None:
    most = max(partition_counts.values())
    for number in wanted:
        if number >= most:
            raise UsageError(
                f"There is no partition {number}: there are {most}, counted from 0.", "Check --partition."
            )


def _replay(
    options: ReplayOptions,
    config: Cluster,
    settings: dict[str, Any],
    partition_counts: dict[str, int],
    registry: Registry | None,
) -> None:
    names = tuple(partition_counts)
    writers = WriterSchemas(registry)
    wanted = (
        reader_schemas.load(options.as_version, names, registry) if options.as_version and registry else {}
    )
    files = forward = None
    if options.folder and options.file_format:
        files = Files(options.folder, options.file_format, names, writers, wanted)
    if options.into:
        forward = _forward(config.topic_prefix + options.into, config, settings, partition_counts)
    printer = _printer(options, writers)
    outputs: list[Output] = [output for output in (printer, files, forward) if output is not None]
    how: dict[str, Any] = {"group": options.group, "only": options.partitions, "follow": options.follow}
    with ProgressView("replaying", "messages", quiet=bool(printer) and sys.stdout.isatty()) as view:
        session = Session(
            source=Source(settings, partition_counts, options.begin, **how),
            decoder=Decoder(names, writers, wanted, deep=options.deep),
            counts=Counts(names),
            rejects=Rejects(options.rejects or DEFAULT_PATH, eager=options.rejects is not None),
            outputs=outputs,
            forward=forward,
            pace=options.pace,
            view=view,
            earliest=options.limit is not None,
        )
        complete = _run(session)
    if options.counting:
        # Standard output belongs to the messages, where they are printed.
        click.echo(session.counts.table(writers.version), nl=False, err=options.layout is not None)
    _tell(session, files, forward)
    if not complete and not options.follow:
        passed, total = session.source.progress()
        raise InvalidRunError(
            f"The replay was stopped at {passed:,} of {total:,} offsets; what was done until then stands.",
            f"The group {options.group} goes on from there." if options.group else "",
        )


def _printer(options: ReplayOptions, writers: WriterSchemas) -> Printer | None:
    if not options.layout:
        return None
    # A table is cut to the terminal; where it goes to a file or a pipe, it is whole.
    width = Console().width if sys.stdout.isatty() else 100_000
    return Printer(options.layout, options.limit, sys.stdout, width, writers.version)


def _run(session: Session) -> bool:
    """Run to the end or to Ctrl-C, and close, whatever happens."""
    try:
        try:
            with stop_signals() as stopped:
                complete = session.run(stopped)
        except BaseException:
            _close_after_failure(session)
            raise
        session.close()
    except OSError as error:
        raise UsageError(
            f"What is replayed cannot be written any more: {error.strerror}.",
            "Check that the disk is not full, then replay again, to another folder.",
        ) from error
    return complete


def _close_after_failure(session: Session) -> None:
    """The first error is the one to tell."""
    try:
        session.close()
    except Exception as error:  # noqa: BLE001 - told beside the first, which goes on its way
        click.echo(f"Also: {error}", err=True)


def _forward(
    name: str, config: Cluster, settings: dict[str, Any], partition_counts: dict[str, int]
) -> Forward:
    admin = TopicAdmin(settings)
    partitions = admin.counts([name]).get(name)
    if partitions is None:
        wanted = max(partition_counts.values())
        click.echo(f"Creating the topic {name} with {wanted} partitions.", err=True)
        made = ensure_topics(
            settings, [name], wanted, config.replication_factor, embedded=False, topic_settings=KEPT_FOR_GOOD
        )
        partitions = made[name]
    return Forward(settings, name, partitions, partition_counts, admin.settings(name), _notice)


def _notice(text: str) -> None:
    click.echo(f"Notice: {text}", err=True)


def _tell(session: Session, files: Files | None, forward: Forward | None) -> None:
    """What came of it, on standard error."""
    counts, elapsed_s = session.counts, session.elapsed_s
    rate = f" ({per_s(counts.total / elapsed_s)}/s)" if elapsed_s else ""
    lines = [f"{counts.total:,} messages in {elapsed_s:,.1f} s{rate}."]
    if session.source.resumed:
        lines.append("The group went on where it had stopped.")
    if counts.rejected:
        reasons: Counter[str] = Counter()
        for (_, kind), count in counts.by_kind().items():
            if kind.rejected:
                reasons[kind.reason] += count
        text = ", ".join(f"{count:,} x {reason}" for reason, count in reasons.items())
        lines.append(f"{counts.rejected:,} cannot be decoded ({text}): kept aside in {session.rejects.path}.")
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
    text = latencies(late.percentile_us(50), late.percentile_us(99))
    return f"{forward.sent:,} messages sent on, p50/p99 {text} after they were due."
