"""Avro schemas from their JSON: parsed by fastavro and held to the specification, with errors that name file and line."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from lensload.errors import SchemaError
from lensload.schema import avro_rules

_ODD: Final = (SchemaParseException, ValueError, TypeError, KeyError, AttributeError)
"""What fastavro raises: its own error, and what Python raises at shapes that it does not expect."""
_AVRO = "Registries refuse it too (422): mend what is named."


def parse(text: str, place: Path | str, advice: str, *, of_record: bool = True) -> Any:  # noqa: ANN401 - any JSON
    """A schema in fastavro's parsed form.

    Args:
        text: its JSON; it defines all the types that it uses.
        place: what messages call it: a file, or a subject.
        advice: what to do where it is none.
        of_record: it has to be a JSON object, as a record's is.

    Raises:
        SchemaError: it is not JSON, or not an Avro schema; names the place and the line.
    """
    try:
        document: Any = json.loads(text)
        if of_record and not isinstance(document, dict):
            raise broken(place, 1, f"not an Avro record, but {type(document).__name__}", advice)
        parsed: Any = parse_schema(document)
    except json.JSONDecodeError as error:
        raise broken(place, error.lineno, f"not JSON: {error.msg}", advice) from error
    except UnknownType as error:
        unknown: Any = error.name  # now and then the whole type
        name = str(unknown.get("type") if isinstance(unknown, dict) else unknown).rpartition(".")[2]
        raise broken(place, line_of(text, name), f"{name!r} is not an Avro type", advice) from error
    except RecursionError:
        raise broken(place, 1, "its types are nested too deeply", advice) from None
    except _ODD as error:
        raise broken(place, 1, f"not an Avro schema: {_where(text, error)}", advice) from error
    return parsed


def _where(text: str, error: Exception) -> str:
    """What fastavro refuses; for a default also in which field, which it does not say."""
    if str(error).startswith("Default value"):
        with suppress(*_ODD):
            return avro_rules.complaint(json.loads(text)) or str(error)
    return str(error)


def check(text: str, place: Path | str) -> None:
    """Hold a schema that `parse` took to Avro's specification.

    Raises:
        SchemaError: the specification refuses what fastavro lets pass; says what.
    """
    if wrong := avro_rules.complaint(json.loads(text)):
        raise broken(place, 1, f"not an Avro schema: {wrong}", _AVRO)


def broken(place: Path | str, line: int, what: str, advice: str) -> SchemaError:
    """The error to raise for a schema that cannot be used."""
    return SchemaError(f"{place}:{line}: {what}{'' if what.endswith('?') else '.'}", advice)


def line_of(text: str, word: str) -> int:
    """The first line that has `word` as a JSON string; 1 if none has."""
    before, found, _ = text.partition(f'"{word}"')
    return before.count("\n") + 1 if found else 1
