"""`lensload clean`: delete the topics and subjects that lensload created under a prefix."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from lensload.cli.options import Command, Given, run_options
from lensload.config.fields import Cluster
from lensload.errors import UsageError
from lensload.report.text_table import aligned

if TYPE_CHECKING:
    from lensload.kafka.admin import TopicAdmin

_WHERE = ("bootstrap_servers", "registry_url", "client_config", "topic_prefix", "workload")


@click.command(
    cls=Command,
    epilog="Exit codes: 0 done, or nothing there; 2 wrong usage, or not confirmed; 4 the cluster or the registry cannot"
    " be reached or refused.",
)
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@run_options(_WHERE)
def clean(given: Given, *, yes: bool) -> None:
    """Delete the topics and subjects that lensload creates under --topic-prefix, and nothing else.

    These are the five LENS topics with the prefix, or those of --workload, with all their records, and the subjects
    of their schemas. The prefix must not be empty: without one they may be the topics that your services use.
    """
    cluster = given.group(Cluster)
    if not cluster.bootstrap_servers or not cluster.registry_url:
        raise UsageError(
            "Nothing says which cluster to clean.", "Give --bootstrap-servers and --registry-url."
        )
    if not cluster.topic_prefix:
        raise UsageError(
            "clean needs a prefix: without one it would delete topics that others may use.",
            "Give the --topic-prefix that the topics were created with.",
        )
    # The clients cost half a second, which --help need not pay.
    from lensload.kafka import connection  # noqa: PLC0415
    from lensload.kafka.admin import TopicAdmin  # noqa: PLC0415
    from lensload.kafka.created import subjects_of  # noqa: PLC0415

    load, prefix = given.config().load, cluster.topic_prefix
    settings = connection.client_settings(cluster, cluster.bootstrap_servers)
    connection.check(settings)
    admin = TopicAdmin(settings)
    with connection.registry_of(cluster) as books:
        counts = admin.counts([prefix + name for name in load.known_topics])
        named = subjects_of(load.known_topics, prefix, load.workload)
        subjects = [each for each in named if books.latest(each)]
        if not counts and not subjects:
            whose = f"of {load.workload}" if load.workload else "of LENS"
            more = "" if load.workload else " Give --workload for those of a workload."
            click.echo(f"There is no topic or subject {whose} with the prefix {prefix!r}.{more}")
            return
        _show(counts, admin, subjects)
        if not yes and not _confirmed(f"Delete them from {cluster.bootstrap_servers}?"):
            raise UsageError("Nothing was deleted.", "Answer y, or give --yes.")
        admin.delete(list(counts))
        for each in subjects:
            books.delete(each)
    click.echo(f"deleted {len(counts)} topics and {len(subjects)} subjects")


def _confirmed(question: str) -> bool:
    """Whether a person says yes; not where there is nobody to ask, as in CI."""
    try:
        return click.confirm(question)
    except click.Abort:
        click.echo()
        return False


def _show(counts: Mapping[str, int], admin: "TopicAdmin", subjects: list[str]) -> None:
    held = dict.fromkeys(counts, 0)
    for (name, _), (first, behind) in admin.ranges(counts).items():
        held[name] += behind - first
    rows = [
        ("topic", "partitions", "records"),
        *((name, str(count), f"{held[name]:,}") for name, count in counts.items()),
    ]
    click.echo("\n".join(aligned(rows, "<>>")))
    if subjects:
        click.echo("\n".join(("subjects", *subjects)))
