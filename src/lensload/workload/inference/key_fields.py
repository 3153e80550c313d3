"""Which fields of an event its record's key is made of, where the key has a schema of its own."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from lensload.workload.inference import places
from lensload.workload.inference.places import Place


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
    paths = [_match(each, usable, usual, single=len(wanted) == 1) for each in wanted]
    return tuple(path[0] for path in paths) if all(paths) else ()


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
