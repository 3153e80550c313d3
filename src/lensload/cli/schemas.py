"""`lensload schemas`: list, register, check."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from lensload.cli.options import Command, Given, run_options
from lensload.config.fields import Registry
from lensload.errors import SchemaError, UsageError
from lensload.report.text_table import aligned
from lensload.schema import compatibility, definitions, history
from lensload.schema.definitions import Schema, subject

LOCAL_REGISTRY = "http://localhost:8081"
"""Where `register` looks when nobody says where: what docker-compose and LENS's own guide start."""

_KEPT = "Put the schema back, or mend the field; what must change that much belongs into a new field or a new topic."

_REGISTRY = ("registry_url", "topic_prefix", "client_config")
_folder = click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="The folder of the schema files, in place of lensload's own.",
)


@click.group()
def schemas() -> None:
    """The five LENS schemas."""


@schemas.command(name="list", cls=Command)
@run_options(("topic_prefix",))
def list_schemas(given: Given) -> None:
    """Show each schema's subject, record, key, number of fields and fingerprint."""
    prefix = given.group(Registry).topic_prefix
    rows = [("subject", "record", "key", "fields", "fingerprint")]
    for name, schema in definitions.load().items():
        topic = schema.topic
        named = subject(name, prefix)
        rows.append((named, topic.record, topic.key_field, str(len(schema.fields)), schema.fingerprint))
    _show(rows)


_HELPS = {
    "registry_url": "Address of the Schema Registry.",
    "register_schemas": "Which to register. missing: those that the latest version of their subject is not equal to, docs and"
    " properties apart. never: none; it fails if one is missing. always: each text that is not there word for word.",
}


@schemas.command(cls=Command, epilog=f"Without an address anywhere: {LOCAL_REGISTRY}.")
@_folder
@run_options((*_REGISTRY, "register_schemas"), helps=_HELPS)
def register(given: Given, folder: Path | None) -> None:
    """Register all five schemas, each subject BACKWARD, and show their ids.

    Doing so again changes nothing. A compatibility level that includes BACKWARD stays, and FORWARD becomes FULL. A schema that breaks LENS's rule towards the subject's latest version is refused
    before anything is registered. The address may also come from LENSLOAD_REGISTRY_URL, SCHEMA_REGISTRY_URL or
    lensload.toml; credentials and TLS files from the environment (LENSLOAD_REGISTRY_USER_INFO, _TOKEN, _CA_FILE,
    _CERT_FILE, _KEY_FILE, _KEY_PASSWORD) or the --client-config file.
    """
    from lensload.kafka import connection  # noqa: PLC0415 - half of a start's time
    from lensload.schema import registration  # noqa: PLC0415

    where = _registry(given)
    if where.registry_url is None:
        where = where.model_copy(update={"registry_url": LOCAL_REGISTRY})
    url = where.registry
    with connection.registry_of(where) as books:
        done = registration.publish(
            books, definitions.load(folder), where.topic_prefix, where.register_schemas
        )
    click.echo(f"registry: {url}")
    rows = [("subject", "id", "version", "state", "compatibility")]
    for each in done:
        was = "" if each.was_level in (each.level, None) or each.new else f" (was {each.was_level})"
        news = "new" if each.new else "known"
        rows.append(
            (each.subject, str(each.schema_id), str(each.version), news, f"{each.level or 'not set'}{was}")
        )
    _show(rows)
    if unset := [each.subject for each in done if each.level is None]:
        click.echo(
            f"Notice: the registry does not let the compatibility level of {', '.join(unset)} be set; LENS's is"
            f" {registration.LEVEL}.",
            err=True,
        )
    if other := [each.subject for each in done if not each.same_text]:
        click.echo(
            f"Notice: the versions of {', '.join(other)} have other docs or properties and are equal else, so that none was"
            " added; --register always adds one.",
            err=True,
        )


@schemas.command(cls=Command)
@_folder
@click.option(
    "--record", is_flag=True, help="Keep what has changed, and is allowed, as the next version in history/."
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@run_options(_REGISTRY, helps={"registry_url": "Ask this registry for its own verdict too."})
def check(given: Given, folder: Path | None, files: tuple[Path, ...], *, record: bool) -> None:
    """Hold the schema files to LENS's rule: against every earlier version, and against a registry.

    A new field is optional and has a default; no field is removed; no type changes. Earlier versions are those in
    history/ beside the schema files. With an address (--registry-url, LENSLOAD_REGISTRY_URL, SCHEMA_REGISTRY_URL or
    lensload.toml) the latest version in the registry counts as well, and so does the registry's own verdict.

    FILES, as a pre-commit hook gives them, are not needed: all five schemas are checked in any case.
    """
    del files
    where = _registry(given)
    place = folder or definitions.default_folder()
    loaded = definitions.load(place)
    complaints: list[str] = []
    notes = {name: [_against_history(schema, place, complaints)] for name, schema in loaded.items()}
    if not where.registry_is_mocked:
        _against_registry(loaded, where, notes, complaints)
    if complaints:
        raise SchemaError("\n".join(complaints), _KEPT)
    if record:
        for name, schema in loaded.items():
            if path := history.record(schema, place):
                notes[name][0] = f"recorded as {path.name}"
    _show([(schema.topic.file, "; ".join(notes[name])) for name, schema in loaded.items()])


def _registry(given: Given) -> Registry:
    """What was said of the registry; LENS's own variable for the address is the last to be asked."""
    found = given.group(Registry)
    if found.registry_url is None and (lens := os.environ.get("SCHEMA_REGISTRY_URL")):
        try:
            found = given.group(Registry, registry_url=lens)
        except UsageError as error:
            text = error.message.replace("--registry-url", "SCHEMA_REGISTRY_URL")
            raise UsageError(text, error.hint) from error
    return found


def _against_history(schema: Schema, place: Path, complaints: list[str]) -> str:
    """What there is to say of a file and its earlier versions; what is wrong goes to the complaints."""
    known = history.versions(schema.topic, place)
    for number, older in known.items():
        found = compatibility.breaches(older.parsed, schema.parsed)
        if found:
            complaints.append(
                f"{schema.topic.file} may not follow its version {number}, by LENS's rule:\n{compatibility.listed(found)}"
            )
            return ""
    if not known:
        return "no earlier version: record it with --record"
    if known[len(known)].text == schema.text:
        return f"is version {len(known)}"
    return f"may follow version {len(known)}: record it with --record once it is released"


def _against_registry(
    loaded: Mapping[str, Schema], where: Registry, notes: Mapping[str, list[str]], complaints: list[str]
) -> None:
    from lensload.kafka import connection  # noqa: PLC0415 - half of a start's time
    from lensload.schema import registration  # noqa: PLC0415

    with connection.registry_of(where) as books:
        for name, schema in loaded.items():
            named = subject(name, where.topic_prefix)
            known = books.find(named, schema)
            latest = None if known else books.latest(named)
            if known:
                which = f"as version {known.version}, id" if known.version > 0 else "with the id"
                notes[name].append(f"registered {which} {known.schema_id}")
            elif latest is None:
                notes[name].append(f"{named} has no version yet")
            else:
                which = f"{schema.topic.file} may not follow version {latest.version} of {named}"
                found = registration.breaches(latest, named, schema)
                fits = books.fits(named, schema)
                if found:
                    says = {True: "takes it all the same", False: "refuses it too", None: "has no verdict"}[
                        fits
                    ]
                    rule = f"by LENS's rule (the registry itself {says})"
                    complaints.append(f"{which}, {rule}:\n{compatibility.listed(found)}")
                elif fits is False:
                    complaints.append(f"{which}, says the registry itself at {where.registry}.")
                else:
                    says = "accepts it after" if fits else "does not say whether it may follow"
                    notes[name].append(f"the registry {says} version {latest.version}")


def _show(rows: Sequence[tuple[str, ...]]) -> None:
    click.echo("\n".join(aligned(rows, "<")))
