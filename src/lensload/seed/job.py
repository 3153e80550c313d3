"""A seed from its options to its manifest: what `lensload seed` does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from lensload import atomic_file
from lensload.config.model import RunConfig, told
from lensload.errors import ClusterError, InvalidRunError, UsageError
from lensload.ids import NS_PER_MS
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.created import noting_created
from lensload.processes.stop_signals import stop_signals
from lensload.report.progress import ProgressView
from lensload.seed import actuals, file_export, summary, verify
from lensload.seed import manifest as manifests
from lensload.seed.fingerprints import first_differences
from lensload.seed.ground_truth import ground_truth
from lensload.seed.manifest import Manifest
from lensload.seed.messages import SeedOrder
from lensload.seed.options import SeedOptions, plan_of
from lensload.seed.plan import Plan
from lensload.seed.preflight import Target, prepare, ranges_written, reopen
from lensload.seed.workers import Workers

_LISTEN_S: Final = 0.1
_COMPARED: Final = 500  # records at each partition's end, before a seed is resumed


def seed(options: SeedOptions, config: RunConfig) -> None:
    """Fill a cluster, and write the manifest.

    Raises:
        UsageError: options contradict each other, or topics are not fit for it.
        RefusedError: cluster or registry cannot be reached, or refuse.
        InvalidRunError: it was stopped; it can be resumed.
    """
    plan = plan_of(options, config, time.time_ns() // NS_PER_MS)
    if options.output_dir:
        file_export.export(plan, options.output_dir, options.output_format or "avro")
        return
    _require_cluster(config)
    _check_place(options)
    with Workers(config.load.workers) as workers, stop_signals() as stopped:
        with noting_created(config.cluster, plan.topics, plan.workload) as created:
            target = prepare(plan, config, options)
        for text in created:
            click.echo(text, err=True)
        settings = {"topic_prefix": config.cluster.topic_prefix, "compression": config.producer.compression}
        facts = {"cluster_id": target.facts.cluster_id, "brokers": list(target.facts.brokers)}
        record = manifests.begin(
            plan.as_dict(), ground_truth(plan), topics=target.topics, cluster=facts, options=settings
        )
        manifests.write(options.manifest, record)
        entries = manifests.places(target.topics)
        begins = {place: (entry["first_offset"], entry["first_offset"]) for place, entry in entries.items()}
        _finish(_Seeding(plan, config, target, begins, options.manifest), record, workers, stopped)


def resume(path: Path, config: RunConfig) -> None:
    """Go on where a seed was interrupted; one that is complete stays as it is.

    Raises:
        UsageError: the manifest or the topics are not those of an interrupted seed.
        RefusedError: cluster or registry cannot be reached, or refuse.
        InvalidRunError: it was stopped again; it can be resumed.
    """
    record = manifests.read(path)
    if record["state"] == "complete":
        click.echo(f"The seed of {path} is complete: there is nothing to resume.")
        return
    _require_cluster(config)
    plan = Plan.from_dict(record["plan"])
    _require_same_workload(path, plan, config)
    with Workers(config.load.workers) as workers, stop_signals() as stopped:
        target = reopen(record, plan, config)
        ranges = ranges_written(target)
        _finish(_Seeding(plan, config, target, ranges, path), record, workers, stopped)


def verified(path: Path, config: RunConfig) -> bool:
    """Read the cluster back, say whether it is what the manifest says or where not, and give which.

    Raises:
        UsageError: the file is no manifest of a complete seed.
        RefusedError: the cluster cannot be reached, or refuses.
    """
    record = manifests.read(path)
    if record["state"] != "complete":
        raise UsageError(f"The seed of {path} is not complete.", f"Complete it with --resume {path}.")
    if record["files"]:
        return file_export.verified(record, path)
    _require_cluster(config)
    settings = connection.client_settings(config.cluster)
    connection.check(settings)
    begun_s = time.monotonic()
    with ProgressView("verifying", "events") as view:
        differences = verify.differences(record, settings, view)
    count = sum(entry["count"] for _, entry in manifests.partitions(record))
    took_s = time.monotonic() - begun_s
    if differences:
        click.echo("\n".join(["The cluster is not what the manifest says:", *map(str, differences)]))
    else:
        places = len(manifests.partitions(record))
        click.echo(f"Equal: {count:,} events in {places} partitions are what {path} says ({took_s:.1f} s).")
    return not differences


def _require_cluster(config: RunConfig) -> None:
    if config.cluster.embedded:
        raise UsageError(
            "There is no cluster to fill: the embedded one would be gone with this process.",
            "Give --bootstrap-servers and --registry-url.",
        )


def _require_same_workload(path: Path, plan: Plan, config: RunConfig) -> None:
    """A seed is completed by the manifest, which holds its workload: whoever names another means something else."""
    given = config.load.workload
    if given is None:
        return
    wanted = plan.workload and told(plan.workload)
    if wanted is None:
        raise UsageError(
            f"{path} is of LENS's history, and not of the workload {given}.",
            f"Leave --workload out, in lensload.toml and the environment too, to go on with --resume {path}.",
        )
    if told(given)["digest"] != wanted["digest"]:
        raise UsageError(
            f"{path} is of {wanted['file']} with the digest {wanted['digest']}, and {given} has {told(given)['digest']}:"
            " the file, its seed or one of its schemas is another.",
            "Leave --workload out, to go on by the manifest, which holds the workload; or begin anew with --recreate.",
        )


def _check_place(options: SeedOptions) -> None:
    """A manifest is the only way back to an interrupted seed, so it is not overwritten by the way."""
    path = options.manifest
    atomic_file.check_writable(path, "manifest", "--manifest")
    if not path.is_file() or options.recreate:
        return
    if manifests.read(path)["state"] == "incomplete":
        raise UsageError(
            f"{path} is the manifest of a seed that was interrupted.",
            f"Complete it with --resume {path}, begin anew with --recreate, or give another --manifest.",
        )
    click.echo(
        f"{path} is an earlier seed's manifest; this seed replaces it. Another --manifest keeps both.",
        err=True,
    )


@dataclass(frozen=True, slots=True)
class _Seeding:
    """A seed that is about to be sent."""

    plan: Plan
    config: RunConfig
    target: Target
    ranges: dict[tuple[str, int], tuple[int, int]]  # what is there already
    path: Path

    @property
    def earlier(self) -> int:
        """How many of its events are in the cluster already."""
        return sum(end - begin for begin, end in self.ranges.values())


def _finish(seeding: _Seeding, record: Manifest, workers: Workers, stopped: Callable[[], bool]) -> None:
    _require_own(seeding)
    with ProgressView("seeding", "events") as view:
        for notice in seeding.target.notices():
            view.say(notice)
        took_s = _conduct(seeding, workers, view, stopped)
    if not workers.complete:
        raise InvalidRunError(
            f"Stopped. {seeding.path} says incomplete, and what has been sent stays.",
            f"Continue with --resume {seeding.path}.",
        )
    _enter(record, workers)
    _check_ends(seeding, record)
    manifests.write(seeding.path, record)
    summary.show(record, seeding.path, took_s, seeding.earlier)


def _require_own(seeding: _Seeding) -> None:
    """See that the last records of each partition are this seed's: nobody else may have written behind them."""
    ranges = {
        place: (max(begin, end - _COMPARED), end)
        for place, (begin, end) in seeding.ranges.items()
        if begin < end
    }
    if not ranges:
        return
    target = seeding.target
    for (name, number), offset in first_differences(
        seeding.plan, target.topics, target.settings, ranges
    ).items():
        raise UsageError(
            f"Partition {number} of {name} holds something else than this seed from offset {offset:,} on.",
            "Somebody else has written there: begin anew with --recreate, or another --topic-prefix.",
        )


def _order(seeding: _Seeding) -> SeedOrder:
    target, topics = seeding.target, dict[str, Any]()
    for topic, each in target.topics.items():
        ranges = [seeding.ranges[each["name"], entry["partition"]] for entry in each["partitions"]]
        written = [end - begin for begin, end in ranges]
        ids = {"schema_id": each["schema_id"], "key_schema_id": each.get("key_schema_id")}
        topics[topic] = {"name": each["name"], **ids, "written": written}
    return SeedOrder(seeding.config, seeding.plan.as_dict(), topics, target.most_bytes())


def _conduct(seeding: _Seeding, workers: Workers, view: ProgressView, stopped: Callable[[], bool]) -> float:
    """See the workers through; gives how long it took from when the first one wrote, in seconds."""
    workers.configure(_order(seeding))
    stopping, since_s = False, time.monotonic()
    while not workers.done:
        workers.listen(_LISTEN_S)
        if stopped() and not stopping:
            workers.stop()
            stopping = True
        for notice in workers.take_notices():
            view.say(notice)
        if workers.writing:
            done = seeding.earlier + workers.acked()
            view.show(time.monotonic() - since_s, done, done, seeding.plan.expected_events, seeding.earlier)
        else:
            since_s = time.monotonic()
    return time.monotonic() - since_s


def _enter(record: Manifest, workers: Workers) -> None:
    """Put what the workers have found into the manifest."""
    for words in workers.last_words:
        for topic, number, facts in words.partitions:
            record["topics"][topic]["partitions"][number].update(facts)
    record["faults"] = actuals.merged([words.faults for words in workers.last_words])
    manifests.complete(record, actuals.merged([words.realised for words in workers.last_words]))


def _check_ends(seeding: _Seeding, record: Manifest) -> None:
    """Each partition ends where it must if everything has arrived, once."""
    # A client of its own: after a broker's restart, what an earlier one knows of the leaders is out of date.
    ranges = TopicAdmin(seeding.target.settings).ranges(seeding.target.counts)
    wrong: list[str] = []
    for place, entry in manifests.places(record["topics"]).items():
        (low, high), end = ranges[place], entry["first_offset"] + entry["count"]
        if low > entry["first_offset"]:
            wrong.append(f"{place[0]}, partition {place[1]}: deleted up to offset {low:,} by now")
        elif high != end:
            wrong.append(f"{place[0]}, partition {place[1]}: ends at {high:,} instead of {end:,}")
    if wrong:
        raise ClusterError(
            "Not everything is there as it was sent:\n" + "\n".join(wrong),
            "Somebody else has written there, or the topic deletes what is old (retention.ms), or a broker crashed: it then"
            " forgets producers of records older than producer.id.expiration.ms (1 day by default), and may have taken a"
            " batch twice. Begin anew with --recreate, or another --topic-prefix.",
        )
