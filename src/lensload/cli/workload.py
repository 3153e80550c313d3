"""`lensload workload`: init, sample, check: a workload file from schemas, what its events are like, whether it is right."""

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lensload.atomic_file import check_writable, leave, read_text
from lensload.cli.options import Command, Given, Quantity, run_options
from lensload.config.fields import Registry
from lensload.errors import UsageError
from lensload.parse import nearest
from lensload.report.text_table import aligned

if TYPE_CHECKING:
    from lensload.schema.registry import Registry as Books
    from lensload.workload.inference.discovery import Found
    from lensload.workload.inference.draft import Draft
    from lensload.workload.loading import Fetch
    from lensload.workload.model import Workload

_REGISTRY = ("registry_url", "client_config")
_HELPS = {"registry_url": "Address of the Schema Registry whose subjects the file names."}
_DEFAULT: Final = Path("workload.toml")
_HEAD: Final = (
    "A workload of lensload: topics, their schemas, and how the values of each field are made.",
    "Written by lensload workload init from the schemas alone; edit what you know better.",
    "",
    "See events:      lensload workload sample FILE",
    "Check changes:   lensload workload check FILE",
    "All generators:  docs/workload-file.md",
)
_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=_DEFAULT)


@click.group()
def workload() -> None:
    """Your own events: workload files, made from schemas."""


@workload.command(
    cls=Command,
    epilog="The address of the registry may also come from LENSLOAD_REGISTRY_URL or lensload.toml; credentials as for"
    " lensload schemas.",
)
@click.argument("sources", nargs=-1, metavar="[FILE|FOLDER]...", type=click.Path(path_type=Path))
@click.option(
    "--subject",
    "subjects",
    metavar="NAME",
    multiple=True,
    help="A subject, or several: 'orders*'. May be repeated.",
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), default=_DEFAULT, show_default=True,
    help="The workload file to write.",
)  # fmt: skip
@click.option(
    "--locale",
    metavar="NAME",
    default="en_US",
    show_default=True,
    help="Faker's locale for names and addresses: de_DE.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@run_options(_REGISTRY, helps={"registry_url": "Address of a Schema Registry: make topics of its subjects."})
def init(
    given: Given, sources: tuple[Path, ...], subjects: tuple[str, ...], output: Path, locale: str, force: bool
) -> None:
    """Write a workload file for schemas: .avsc files, folders of them, or the subjects of a registry.

    Generators are chosen by the fields' names, types, docs and defaults. The file says of each field how it is made, and is
    yours to edit: lensload workload sample shows what comes of it.
    """
    if output.exists() and not force:
        raise UsageError(
            f"{output} exists already.", "Give another place with --output, or --force to replace it."
        )
    check_writable(output, "workload file", "--output")
    has_faker = _faker_of(locale)
    from lensload.workload.inference import inference  # noqa: PLC0415 - slow to import

    with _registry(given) as registry:
        found = _found(sources, subjects, output, registry)
        draft = inference.infer(found.topics, locale, has_faker)
        text = _accepted(draft, output, _fetch_of(registry))
    leave(output, text, "workload file", "--output")
    for notice in (*draft.notices, *found.left_out):
        click.echo(f"Notice: {notice}", err=True)
    _tell(draft, output, None if sources else given.group(Registry).registry_url)


@workload.command(cls=Command)
@_file
@click.option(
    "--count",
    metavar="N",
    type=Quantity(1, 10_000),
    default=5,
    show_default=True,
    help="Events of each topic.",
)
@click.option("--topic", "topics", metavar="NAME", multiple=True, help="Only this topic. May be repeated.")
@run_options(_REGISTRY, helps=_HELPS)
def sample(given: Given, file: Path, count: int, topics: tuple[str, ...]) -> None:
    """Print events of a workload file as JSON lines, as a consumer would read them. Nothing is sent."""
    loaded = _checked(given, file)
    known = [topic.name for topic in loaded.topics]
    for name in topics:
        if name not in known:
            raise UsageError(
                f"{file} has no topic {name!r}{nearest(name, known)}", f"It has {', '.join(known)}."
            )
    from lensload.cli import workload_events  # noqa: PLC0415 - slow to import

    chosen = topics or tuple(known)
    try:
        loaded.check_share(chosen)
    except ValueError as error:
        raise UsageError(f"--topic: {error}.") from error
    for event in workload_events.some(loaded, chosen, count):
        click.echo(event)


@workload.command(
    cls=Command, epilog="Exit codes: 0 the file is right; 2 it is not; 4 the registry cannot be reached."
)
@_file
@run_options(_REGISTRY, helps=_HELPS)
def check(given: Given, file: Path) -> None:
    """Find everything that would be refused of a workload file, and show its topics."""
    loaded = _checked(given, file)
    from lensload.cli import workload_events  # noqa: PLC0415 - slow to import

    click.echo("\n".join(aligned(workload_events.overview(loaded), "<")))


def _found(
    sources: tuple[Path, ...], subjects: tuple[str, ...], output: Path, registry: "Books | None"
) -> "Found":
    """The topics of the files or of the registry."""
    from lensload.workload.inference import discovery  # noqa: PLC0415 - slow to import

    if sources and subjects:
        raise UsageError("--subject is of a registry, and files are given.", "Give the one or the other.")
    if sources:
        return discovery.in_files(sources, output.parent)
    if registry is None:
        raise UsageError(
            "There is nothing to make a workload of.",
            "Name .avsc files or folders, or the address of a registry: --registry-url.",
        )
    return discovery.in_registry(registry, subjects)


def _checked(given: Given, file: Path) -> "Workload":
    """The workload of a file.

    Raises:
        UsageError: something is wrong with it; says everything that is.
    """
    from lensload.workload import findings  # noqa: PLC0415 - slow to import

    text = read_text(file, "workload file", "Name one, or make one: lensload workload init.")
    with _registry(given) as registry:
        checked = findings.of(text, file, _fetch_of(registry))
    if checked.workload is None:
        raise UsageError("\n".join(str(each.error) for each in checked.findings))
    return checked.workload


@contextmanager
def _registry(given: Given) -> "Generator[Books | None]":
    """The registry whose address was given; None for none."""
    where = given.group(Registry)
    if where.registry_is_mocked:
        yield None
        return
    from lensload.kafka import connection  # noqa: PLC0415 - slow to import

    with connection.registry_of(where) as registry:
        yield registry


def _fetch_of(registry: "Books | None") -> "Fetch | None":
    if registry is None:
        return None
    from lensload.workload import schema_source  # noqa: PLC0415 - slow to import

    return lambda subject, version: schema_source.fetched(registry, subject, version).text


def _faker_of(locale: str) -> Callable[[str], bool]:
    """Whether Faker has a method in the locale.

    Raises:
        UsageError: there is no such locale.
    """
    from faker import Faker  # noqa: PLC0415 - slow to import
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415

    if locale not in AVAILABLE_LOCALES:
        raise UsageError(
            f"Faker has no locale {locale!r}{nearest(locale, AVAILABLE_LOCALES)}",
            "Check --locale: en_US, de_DE, ...",
        )
    return functools.partial(hasattr, Faker(locale))


def _accepted(draft: "Draft", output: Path, fetch: "Fetch | None") -> str:
    """The draft as text that `check` accepts: what it refuses of the guesses is made by its type instead."""
    from lensload.workload import findings  # noqa: PLC0415 - slow to import
    from lensload.workload.inference import draft as drafts  # noqa: PLC0415

    text = drafts.as_toml(draft, _HEAD)
    checked = findings.of(text, output, fetch)
    for finding in checked.findings:
        draft.give_up(finding.place, finding.error.message.partition(": ")[2])
    if checked.findings:
        text = drafts.as_toml(draft, _HEAD)
        left = any(topic.stopwatch for topic in draft.topics)
        again = findings.of(text, output, fetch).findings if left else checked.findings
        for finding in again:
            raise finding.error
    return text


def _tell(draft: "Draft", output: Path, registry_url: str | None) -> None:
    """Say what was written, and how to see what comes of it."""
    topics = [topic for topic in draft.topics if topic.stopwatch]
    fields = sum(len(topic.lines) for topic in topics)
    names = ", ".join(topic.name for topic in topics)
    click.echo(
        f"{output}: {fields} fields of {len(topics)} {'topic' if len(topics) == 1 else 'topics'}: {names}"
    )
    flag = f" --registry-url {registry_url}" if registry_url else ""
    click.echo(f"To see events: lensload workload sample {output}{flag}")
