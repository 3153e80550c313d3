"""Which fields of an event its record's key is made of, where the key has a schema of its own."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from lensload.workload.inference import places
from lensload.workload.inference.places import Place

_ENVELOPE: Final = {"before", "after", "op"}
"""Fields of the value of a row that was changed, as Debezium writes it; the key is of the row in `after`."""
ROW: Final = "after"


def chosen(key_text: str, of_value: Sequence[Place], usual: str) -> tuple[str, ...]:
    """The paths of the fields that a key by that schema is made of, in the order of the schema's fields.

    Args:
        key_text: the Avro schema of the key, as JSON.
        of_value: the places of the event's value.
        usual: the field that would be the key without a schema; "" for none.

    Returns:
        Nothing where a field of the key has none in the value of its name and type.
    """
    usable = [place for place in of_value if place.sure and not place.nullable and not place.several]
    document = json.loads(key_text)
    if not isinstance(document, dict) or document.get("type") != "record":
        record: dict[str, Any] = {
            "type": "record",
            "name": "Key",
            "fields": [{"name": "key", "type": document}],
        }
        (of_key,) = places.of_record(record)[:1]
        return _match(of_key, usable, usual, single=True)
    wanted = places.of_record(document)
    if any("." in each.path or each.several or each.kind in ("record", "union") for each in wanted):
        return ()
    paths = [_of_row(each, of_value) for each in wanted]
    if not all(paths):
        paths = [_match(each, usable, usual, single=len(wanted) == 1) for each in wanted]
    return tuple(path[0] for path in paths) if all(paths) else ()


def _of_row(of_key: Place, of_value: Sequence[Place]) -> tuple[str, ...]:
    """The field of the row that a change leaves behind, of the name and type of the key's; () where there is none."""
    if not {place.path for place in of_value} >= _ENVELOPE:
        return ()
    path = f"{ROW}.{of_key.path}"
    return _first(p.path for p in of_value if p.path == path and not p.nullable and _alike(p, of_key))


def _match(of_key: Place, usable: Sequence[Place], usual: str, *, single: bool) -> tuple[str, ...]:
    """The field for one of the key's: of its very name, or of the same words.

    For a single one else the usual key, or the only field of its type.
    """
    able = [place for place in usable if _alike(place, of_key)]
    same = [place.path for place in able if place.path == of_key.path]
    words = [place.path for place in able if "." not in place.path and place.name == of_key.name]
    others = [place.path for place in able if place.path == usual or len(able) == 1] if single else []
    return _first((*same, *words, *others))


def _alike(place: Place, other: Place) -> bool:
    return (place.kind, place.logical) == (other.kind, other.logical)


def _first(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(paths)[:1]
