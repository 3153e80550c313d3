"""Publishing the schemas: all of them in the registry, each subject BACKWARD; or none, and a reason.

Before anything is written, every schema that the registry does not have yet is held to LENS's rule and to the
registry's own verdict, both against its latest version. What fails after that is told with what is registered by
then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lensload.errors import RegistryError, SchemaError
from lensload.schema import compatibility, definitions
from lensload.schema.definitions import Schema, subject
from lensload.schema.registry import Entry, Known, Register, Registry, schema_ids

LEVEL = "BACKWARD"
_WITH_BACKWARD = {None: LEVEL, "NONE": LEVEL, "FORWARD": "FULL", "FORWARD_TRANSITIVE": "FULL_TRANSITIVE"}
"""What a level becomes so that it includes BACKWARD; all others do. What somebody decided is never weakened."""


@dataclass(frozen=True, slots=True)
class Published:
    """A subject as it stands after publishing.

    Attributes:
        subject: its name.
        schema_id: the id of our schema.
        version: which version of the subject that is.
        new: whether it was registered now; else it was known.
        same_text: whether the registry has it as it is here; else with other docs or properties.
        was_level: the subject's compatibility level before, None if it had none of its own.
        level: the level that counts for it now; None where the registry does not let it be set.
    """

    subject: str
    schema_id: int
    version: int
    new: bool
    same_text: bool
    was_level: str | None
    level: str | None = LEVEL


def publish(
    registry: Registry, wanted: Mapping[str, Schema], prefix: str = "", mode: Register = "missing"
) -> tuple[Published, ...]:
    """Have every schema registered under its subject, and every subject BACKWARD; again and again is once.

    What is there already is only looked up. A level that includes BACKWARD stays, the registry's default too;
    FORWARD becomes FULL.

    Args:
        registry: the registry.
        wanted: by topic name, as `schemas.load` gives them.
        prefix: goes before each topic's name in the subject.
        mode: as in `Registry.register`; with "never" the levels stay as they are, too.

    Raises:
        SchemaError: a schema breaks LENS's rule towards the latest version; nothing was registered.
        RegistryError: as `Registry.register` does; names what was registered before that, if anything was.
    """
    named = {subject(topic, prefix): schema for topic, schema in wanted.items()}
    for name, schema in named.items():
        _require_fit(registry, name, schema, mode)
    done: list[Published] = []
    try:
        for name, schema in named.items():
            done.append(_published(registry, name, schema, mode))
    except RegistryError as error:
        raise RegistryError(f"{error.message}\n{_told(done, list(named))}", error.hint) from error
    return tuple(done)


def register(
    registry: Registry, wanted: Mapping[str, Schema], prefix: str = "", mode: Register = "missing"
) -> dict[str, Known]:
    """`Registry.register`, for schemas that may follow what is there by LENS's rule.

    Raises:
        SchemaError: as `publish` does; nothing was registered.
        RegistryError: as `Registry.register` does.
    """
    for topic, schema in wanted.items():
        _require_fit(registry, subject(topic, prefix), schema, mode)
    return registry.register(wanted, prefix, mode)


def register_newer(
    registry: Registry, newer: Mapping[str, Schema], older_ids: Mapping[str, int], prefix: str
) -> dict[str, int]:
    """Have the newer versions that a run changes over to registered behind those it has; gives their ids.

    Raises:
        SchemaError: the registry's verdict is against one, or it takes one for the version that there is; nothing
            was registered of it.
        RegistryError: as `Registry.register` does.
    """
    for topic, schema in newer.items():
        name = subject(topic, prefix)
        if verdict(registry, name, schema) is False:
            raise SchemaError(
                f"The registry at {registry.url} will not have the newer {schema.topic.file} follow on {name}.",
                "Nothing was sent. LENS's rule allows it: see the subject's compatibility level and its versions.",
            )
    newer_ids = schema_ids(registry.register(newer, prefix))
    for topic, number in newer_ids.items():
        if number == older_ids[topic]:
            raise SchemaError(
                f"The registry at {registry.url} takes the newer schema of {topic} for the one it has (id {number}).",
                "Nothing was sent. Name a version that differs in more than its docs.",
            )
    return newer_ids


def verdict(registry: Registry, name: str, schema: Schema) -> bool | None:
    """Whether the registry lets the schema be, or become, a version of subject `name`; None if it has no opinion."""
    if registry.url.startswith("mock:") or registry.find(name, schema) is not None:
        return None
    # Some registries let anything be the first version, and some know no subject to ask about.
    return registry.fits(name, schema) if registry.latest(name) else None


def breaches(entry: Entry, name: str, schema: Schema) -> tuple[compatibility.Breach, ...]:
    """Where the schema breaks LENS's rule towards a version in the registry.

    Raises:
        SchemaError: that version is not of the topic's record, or no Avro at all: the subject is someone else's.
    """
    if entry.refers_to:
        raise SchemaError(
            f"Version {entry.version} of {name} refers to other subjects ({', '.join(entry.refers_to)}), which lensload"
            " does not follow.",
            "Give a --topic-prefix, so that topics and subjects are your own.",
        )
    try:
        older = definitions.of_text(schema.topic, entry.text, Path(f"version {entry.version} of {name}"))
    except SchemaError as error:
        raise SchemaError(
            f"The subject {name} belongs to somebody else: {error.message}",
            "Give a --topic-prefix, so that topics and subjects are your own.",
        ) from error
    return compatibility.breaches(older.parsed, schema.parsed)


def _require_fit(registry: Registry, name: str, schema: Schema, mode: Register) -> None:
    if registry.there(name, schema, mode) is not None:
        return
    if mode == "never":
        raise registry.lacking(name, schema)
    if (latest := registry.latest(name)) is None:
        return
    if broken := breaches(latest, name, schema):
        raise SchemaError(
            f"{schema.topic.file} may not follow version {latest.version} of {name}, by LENS's rule:\n"
            f"{compatibility.listed(broken)}",
            "Nothing was registered.",
        )
    if registry.fits(name, schema) is False:
        raise RegistryError(
            f"The registry at {registry.url} will not have {schema.topic.file} follow version {latest.version} of {name}.",
            "Nothing was registered. See the subject's compatibility level: LENS's is BACKWARD.",
        )


def _published(registry: Registry, name: str, schema: Schema, mode: Register) -> Published:
    known = registry.there(name, schema, mode)
    fresh = known is None and registry.latest(name) is None
    # Only a subject that exists can be given a level, at least by some registries.
    levels = (None, None) if fresh else _levelled(registry, name, mode)
    if known is None:
        registry.put(name, schema)
    if fresh:
        levels = _levelled(registry, name, mode)
    entry = known or registry.find(name, schema)
    if entry is None:
        raise RegistryError(
            f"The registry at {registry.url} took {name} and does not know it.",
            "See its log, and register again.",
        )
    same_text = known is None or known == registry.find(name, schema)
    return Published(name, entry.schema_id, entry.version, known is None, same_text, *levels)


def _levelled(registry: Registry, name: str, mode: Register) -> tuple[str | None, str | None]:
    """The subject's level before, and the level that counts now: it includes LENS's where the registry lets it be set."""
    before = registry.level(name)
    counts = before or registry.level()
    wanted = _WITH_BACKWARD.get(counts, counts)
    if mode == "never" or (wanted == counts and (before or counts != LEVEL)):
        return before, counts
    return before, wanted if wanted and registry.set_level(name, wanted) else None


def _told(done: Sequence[Published], every: Sequence[str]) -> str:
    if not done:
        return "  Nothing is known to be registered by this."
    registered = ", ".join(f"{each.subject} (id {each.schema_id})" for each in done)
    return f"  Registered: {registered}.\n  Not, or not known to be: {', '.join(every[len(done) :])}."
