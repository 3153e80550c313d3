"""The schemas of a workload: from .avsc files or a registry's subjects, as one text that needs no other."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lensload.atomic_file import read_text
from lensload.errors import SchemaError
from lensload.parse import nearest
from lensload.schema import named_types, parsing
from lensload.schema.named_types import Node

if TYPE_CHECKING:  # whose import takes longer than reading a workload file
    from lensload.schema.confluent_client import RegisteredSchema
    from lensload.schema.registry import Registry

AVRO_ONLY: Final = "lensload makes Avro events alone: JSON Schema and Protobuf are not supported."
_MEND: Final = "Mend the schema; `lensload workload check` tells whether it is one."
_COMMENT: Final = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_KINDS: Final = {
    ".proto": "Protobuf",
    ".avdl": "Avro IDL (Avro's own tools make .avsc files of it: idl2schemata)",
    ".avpr": "an Avro protocol (its types have to be in .avsc files)",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A version of a subject.

    Attributes:
        text: its schema as Avro's JSON, with the types of the schemas that it refers to.
        schema_id: the registry's id of it.
        version: its number in the subject.
    """

    text: str
    schema_id: int
    version: int


def of_files(path: Path, include: Sequence[Path] = ()) -> str:
    """The schema of a file as one text: word for word but comments, or with types of other files where it mentions them.

    Args:
        path: an .avsc file; if that has a list of types, of which one is a record that uses the others, it is that record's.
        include: files that define types which it only mentions.

    Raises:
        UsageError: a file cannot be read, is not Avro, or mentions a type that none defines; names file and line.
    """
    others: dict[str, Node] = {}
    for each in include:
        others |= named_types.defined(named_types.full_names(document_of(each)))
    return self_contained(read_schema(path), path, others)


def fetched(registry: "Registry", subject: str, version: int | None = None) -> Fetched:
    """A version of a subject, or its latest, with the types of the schemas that it refers to.

    Raises:
        SchemaError: there is none, or it is no Avro schema.
        RegistryError: the registry does not answer, or refuses.
    """
    found = registered(registry, subject, version)
    place = f"{subject} version {found.version}"
    others = _referred(registry, found, {})
    text = self_contained(str(found.schema.schema_str or ""), place, others)
    return Fetched(text, int(found.schema_id or 0), int(found.version or 0))


def registered(registry: "Registry", subject: str, version: int | None = None) -> "RegisteredSchema":
    """What the registry has of a subject.

    Raises:
        SchemaError: it has no such subject or version, or it is not Avro.
        RegistryError: it does not answer, or refuses.
    """
    which = version or "latest"
    found = registry.ask(subject, lambda client: client.get_version(subject, which))
    if found is None:
        named = f"{subject} version {version}" if version else subject
        raise SchemaError(
            f"The registry at {registry.url} has no {named}.",
            "Name a subject that it has; `lensload workload init` lists what it finds there.",
        )
    if (kind := found.schema.schema_type or "AVRO") != "AVRO":
        shown = {"JSON": "JSON Schema", "PROTOBUF": "Protobuf"}.get(kind, kind)
        raise SchemaError(f"The subject {subject} is {shown}.", AVRO_ONLY)
    return found


def read_schema(path: Path) -> str:
    """The text of a schema file, without comments, which Avro for Java lets pass; its lines keep their numbers.

    Raises:
        UsageError: it cannot be read, or is of a kind that is not supported.
    """
    if kind := _KINDS.get(path.suffix):
        raise SchemaError(f"{path} is {kind}.", AVRO_ONLY)
    text = read_text(path, "schema", "Check its path; it is relative to the file that names it.")
    return _COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)


def document_of(path: Path) -> Node:
    """The JSON of a schema file.

    Raises:
        UsageError: as `read_schema`; or it is not JSON.
    """
    return _json(read_schema(path), path)


def self_contained(text: str, place: Path | str, others: Mapping[str, Node]) -> str:
    """The schema with each type that it only mentions; word for word where it mentions none.

    Args:
        text: the schema.
        place: what messages call it.
        others: the definitions of other schemas, by full name.

    Raises:
        SchemaError: it is not Avro, or mentions a type that is not among the others.
    """
    document = _json(text, place)
    if not isinstance(document, (dict, list, str)):
        raise parsing.broken(place, 1, "a schema is a JSON object, a name or a list of these", _MEND)
    if isinstance(document, dict) and ("$schema" in document or "properties" in document):
        raise SchemaError(f"{place} is a JSON Schema.", AVRO_ONLY)
    qualified = named_types.full_names(document)
    # A list of types is a union to Avro; people keep a record and the types that it uses in one.
    known = {**others, **(named_types.defined(qualified) if isinstance(qualified, list) else {})}
    top = _top(qualified)
    missing = [name for name in named_types.mentioned(named_types.joined(top, known)) if name not in known]
    if missing:
        raise _unknown(missing, text, place)
    verbatim = top is qualified and not named_types.mentioned(qualified)
    whole = text.strip() if verbatim else json.dumps(named_types.joined(top, known), ensure_ascii=False)
    parsing.parse(whole, place, _MEND, of_record=False)
    parsing.check(whole, place)
    return whole


def _top(document: Node) -> Node:
    """The schema that a document is: of a list of types the record that uses the others, if there is one."""
    records = roots(document) if isinstance(document, list) else []
    return records[0] if len(records) == 1 else document


def roots(documents: Iterable[Node]) -> list[dict[str, Any]]:
    """The records among schemas with full names that no other of them mentions."""
    every = list(documents)
    used = {name for document in every for name in named_types.mentioned(document)}
    return [
        each
        for each in every
        if isinstance(each, dict) and each.get("type") in ("record", "error") and each["name"] not in used
    ]


def _referred(
    registry: "Registry", schema: "RegisteredSchema", seen: dict[tuple[str, int], dict[str, Node]]
) -> dict[str, Node]:
    """The types of the schemas that a schema refers to, and of those that they refer to, by name."""
    found: dict[str, Node] = {}
    references: Any = schema.schema.references or ()
    for reference in references:
        which = (str(reference.subject), int(reference.version))
        if which not in seen:
            seen[which] = {}
            other = registered(registry, *which)
            document = named_types.full_names(_json(str(other.schema.schema_str or ""), which[0]))
            seen[which] = _referred(registry, other, seen) | named_types.defined(document)
        found |= seen[which]
    return found


def _json(text: str, place: Path | str) -> Node:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        # Text in an .avsc that is none: {"type" ...} is what it should begin with.
        raise parsing.broken(place, error.lineno, f"not JSON: {error.msg}", _MEND) from error
    except RecursionError:
        raise parsing.broken(place, 1, "its types are nested too deeply", _MEND) from None


def _unknown(missing: Sequence[str], text: str, place: Path | str) -> SchemaError:
    words = (missing[0], missing[0].rpartition(".")[2])
    line = next((parsing.line_of(text, word) for word in words if f'"{word}"' in text), 1)
    names = ", ".join(map(repr, missing))
    near = nearest(missing[0], sorted(named_types.PRIMITIVES)).removesuffix(".")
    return parsing.broken(
        place,
        line,
        f"it uses {names}, which it does not define{near}",
        "Name the files that define them: beside it for `lensload workload init`, by include = [...] in a workload file.",
    )
