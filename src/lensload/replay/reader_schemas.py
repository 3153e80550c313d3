"""The schema a reader wants: the latest version of a topic's subject, a version of it, or a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lensload.atomic_file import read_text
from lensload.errors import SchemaError, UsageError
from lensload.replay.writer_schemas import parse
from lensload.schema.definitions import subject
from lensload.schema.registry import Registry


def load(wanted: str, topics: Sequence[str], registry: Registry) -> dict[str, Any]:
    """The reader's schema of each topic, parsed.

    Args:
        wanted: "latest", the number of a version, or the path of an .avsc file, which is for all topics.
        topics: their names in the cluster.
        registry: where the versions are.

    Raises:
        UsageError: a subject, a version or the file is not there.
        SchemaError: the schema is not Avro.
        RegistryError: the registry does not answer, or refuses.
    """
    if wanted != "latest" and not wanted.isdecimal():
        parsed = _from_file(Path(wanted))
        return dict.fromkeys(topics, parsed)
    return {topic: _from_registry(wanted, subject(topic), registry) for topic in topics}


def _from_file(path: Path) -> Any:  # noqa: ANN401 - a schema is any JSON
    advice = "--as-version is latest, the number of a version, or the path of an .avsc file."
    try:
        return parse(read_text(path, "schema file", advice))
    except ValueError as error:
        raise SchemaError(f"{path} is not an Avro schema: {error}.", "Check --as-version.") from error


def _from_registry(wanted: str, name: str, registry: Registry) -> Any:  # noqa: ANN401 - as above
    version = "latest" if wanted == "latest" else int(wanted)
    registered = registry.ask(name, lambda client: client.get_version(name, version))
    if registered is None:
        known = registry.ask(name, lambda client: client.get_versions(name))
        if not known:
            raise UsageError(
                f"The registry at {registry.url} has no subject {name}.",
                "Give --as-version the path of an .avsc file, or leave it out.",
            )
        raise UsageError(
            f"The subject {name} has no version {wanted}.", f"It has {', '.join(map(str, known))}."
        )
    try:
        return parse(registered.schema.schema_str or "")
    except ValueError as error:
        raise SchemaError(f"Version {wanted} of {name} is not Avro: {error}.", "Give another.") from error
