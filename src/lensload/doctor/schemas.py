"""The registry as a run meets it: whether it answers, has the schemas, or would take them."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from lensload.doctor.finding import Finding, finding, refusal
from lensload.errors import SchemaError
from lensload.schema import compatibility, registration
from lensload.schema.definitions import Schema, subject
from lensload.schema.registry import Entry, Register, Registry

_finding = partial(finding, "registry")
_refusal = partial(refusal, "registry")

_MODES: Final = "READWRITE"


def examined(registry: Registry, wanted: Mapping[str, Schema], prefix: str, mode: Register) -> list[Finding]:
    """What there is to find about the registry; nothing is registered.

    Args:
        registry: the registry.
        wanted: by topic name.
        prefix: goes before each topic's name in the subject.
        mode: which of them a run would register, as in `Registry.register`.

    Raises:
        RegistryError: it does not answer, or refuses.
    """
    found: list[Finding] = []
    missing: list[str] = []
    for topic, schema in wanted.items():
        name = subject(topic, prefix)
        if registry.there(name, schema, mode) is not None:
            continue
        latest = registry.latest(name)
        if mode == "never":
            found.append(_forbidden(registry, name, schema))
        elif latest is None:
            missing.append(name)
        else:
            found.append(_next_version(registry, name, schema, latest))
    known_count = len(wanted) - len(missing) - len(found)
    if known_count:
        text = f"The registry at {registry.url} has {known_count} of the {len(wanted)} schemas."
        found.append(_finding("schemas_registered", "ok", text))
    if missing:
        found.append(_missing(registry, missing))
    return found


def _forbidden(registry: Registry, name: str, schema: Schema) -> Finding:
    error = registry.lacking(name, schema)
    return _refusal("schema_not_registered", error.message, error.hint)


def _next_version(registry: Registry, name: str, schema: Schema, latest: Entry) -> Finding:
    which = f"{schema.topic.file} differs from the latest version ({latest.version}) of {name}"
    try:
        broken = registration.breaches(latest, name, schema)
    except SchemaError as error:
        return _refusal("foreign_subject", error.message, error.hint, "usage")
    if broken:
        return _finding(
            "schema_breaks_rule",
            "usage",
            f"{which}, and by LENS's rule may not be the next version: {compatibility.listed(broken).strip()}",
            "A run would register a version that older readers cannot read.",
            "Give a --topic-prefix, or use the lensload of that version.",
        )
    if registry.fits(name, schema) is False:
        return _refusal(
            "schema_refused",
            f"{which}, and the registry refuses it as the next version.",
            "Check the subject's compatibility level, or give a --topic-prefix.",
        )
    return _finding(
        "schema_new_version",
        "note",
        f"{which}.",
        "A run registers it as the next version.",
        "Use --register never to register nothing.",
    )


def _missing(registry: Registry, missing: list[str]) -> Finding:
    listed = ", ".join(missing)
    mode = _mode(registry)
    if mode not in (None, _MODES):
        return _refusal(
            "registry_read_only",
            f"The registry's mode is {mode}, and these schemas are not registered: {listed}.",
            "Ask an administrator to register the schemas, or to set the mode to READWRITE.",
        )
    return _finding(
        "schemas_missing",
        "note",
        f"These schemas are not registered yet: {listed}.",
        "The first run registers them. It is not known yet whether these credentials allow it.",
        "Run lensload schemas register to find out.",
    )


def _mode(registry: Registry) -> str | None:
    """The registry's mode; None where it has none, or tells none."""
    try:
        return registry.mode()
    except Exception:  # noqa: BLE001 - many registries have no modes, and each says so in its own way
        return None
