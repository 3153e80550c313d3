"""The schema that a key of a workload file names: of a file or a subject, as one text; complaints are about that key."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from lensload.errors import UsageError
from lensload.schema import parsing
from lensload.workload import schema_source
from lensload.workload.complaint import Complaint
from lensload.workload.file import Subject
from lensload.workload.toml_lines import Place

Fetch = Callable[[str, int | None], str]
"""The self-contained Avro schema, as JSON, of a subject's version in the registry; None: the latest."""

_MEND: Final = "Name an Avro schema: a record, or a type such as a string."


def of(
    named: str | Subject, place: Place, include: tuple[str, ...], folder: Path, fetch: Fetch | None
) -> str:
    """The schema of a topic's values, which is a record.

    Args:
        named: a file, or a subject of the registry.
        place: the key that names it.
        include: files of types that it refers to.
        folder: where files are looked for.
        fetch: gives a subject's schema; None: there is no registry.

    Raises:
        Complaint: a file is missing, or no Avro schema of a record.
        LensloadError: what `fetch` raises.
    """
    try:
        if isinstance(named, str):
            return schema_source.of_files(folder / named, [folder / each for each in include])
        return _fetched(named, place, fetch)
    except UsageError as error:
        raise Complaint(place, error.message, error.hint) from error


def of_key(
    named: str | Subject, place: Place, include: tuple[str, ...], folder: Path, fetch: Fetch | None
) -> str:
    """The schema of a topic's keys, which may be of any type; raises as `of` does."""
    try:
        if isinstance(named, Subject):
            return _fetched(named, place, fetch)
        return key_of_files(folder / named, [folder / each for each in include])
    except UsageError as error:
        raise Complaint(place, error.message, error.hint) from error


def key_of_files(path: Path, include: Sequence[Path]) -> str:
    """The schema of keys in a file, of any type, which refers to the types of other files at most.

    Raises:
        SchemaError: a file cannot be read, or has no Avro schema.
    """
    document = schema_source.document_of(path)
    if isinstance(document, dict) and document.get("type") == "record":
        return schema_source.of_files(path, include)
    text = json.dumps(document if isinstance(document, dict) else {"type": document})
    parsing.parse(text, path, _MEND)
    return text


def _fetched(named: Subject, place: Place, fetch: Fetch | None) -> str:
    if fetch is None:
        raise Complaint(
            place,
            f"the subject {named.subject} is in a registry, and none is given.",
            "Give its address with --registry-url, or name a file.",
        )
    return fetch(named.subject, named.version)
