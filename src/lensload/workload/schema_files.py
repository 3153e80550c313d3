"""The schemas that a workload file names: read from files, or fetched from the registry, checked, and made self-contained."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fastavro.schema import parse_schema

from lensload.schema import avro_rules
from lensload.schema.self_contained import self_contained
from lensload.workload.complaint import Complaint
from lensload.workload.file import Subject
from lensload.workload.lines import Place

_OTHERS: Final = "lensload makes Avro events; JSON Schema and Protobuf are not supported."


def of(
    named: str | Subject,
    place: Place,
    include: tuple[str, ...],
    folder: Path,
    fetch: Callable[[str, int | None], str] | None,
) -> str:
    """The schema's JSON, which refers to no other.

    Args:
        named: a file, or a subject of the registry.
        place: the key that names it.
        include: files of types that it refers to.
        folder: where files are looked for.
        fetch: gives a subject's schema; None: there is no registry.

    Raises:
        Complaint: it is missing, or no Avro schema.
    """
    if isinstance(named, str):
        return read(folder / named, place, [folder / each for each in include])
    if fetch is None:
        raise Complaint(
            place,
            f"the subject {named.subject} is in a registry, and none is given.",
            "Name one with --schema-registry, or name a file.",
        )
    text = fetch(named.subject, named.version)
    checked(_document(text, named.subject, place), named.subject, place)
    return text


def read(path: Path, place: Place, include: list[Path]) -> str:
    """The schema of a file, with the types of other files that it refers to.

    Raises:
        Complaint: as `of` does.
    """
    others = [_read(each, (*place[:-1], "include")) for each in include]
    document = self_contained(_read(path, place), others)
    checked(document, str(path), place)
    return json.dumps(document)


def checked(document: Any, name: str, place: Place) -> Any:  # noqa: ANN401 - any JSON
    """The schema as fastavro parses it.

    Raises:
        Complaint: fastavro or Avro's specification refuses it.
    """
    try:
        parsed = parse_schema(document, named_schemas={})
    except RecursionError:
        raise Complaint(place, f"{name} is not an Avro schema: its types are nested too deeply.") from None
    # fastavro meets shapes that it does not expect with whatever Python raises there.
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise Complaint(
            place,
            f"{name} is not an Avro schema: {text}.",
            "If it is a type of another file, name that file in include.",
        ) from error
    if wrong := avro_rules.complaint(document):
        raise Complaint(place, f"{name} is not an Avro schema: {wrong}.", "Registries refuse it too (422).")
    return parsed


def _read(path: Path, place: Place) -> Any:  # noqa: ANN401 - any JSON
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Complaint(place, f"the schema file {path} cannot be read: {reason}.") from error
    return _document(text, str(path), place)


def _document(text: str, name: str, place: Place) -> Any:  # noqa: ANN401 - any JSON
    if name.endswith(".proto") or text.lstrip().startswith(("syntax", "message ")):
        raise Complaint(place, f"{name} is Protobuf.", _OTHERS)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise Complaint(place, f"{name}:{error.lineno}: not JSON: {error.msg}.") from error
    if isinstance(document, dict) and ("$schema" in document or "properties" in document):
        raise Complaint(place, f"{name} is a JSON Schema.", _OTHERS)
    return document
