"""What Kafka Connect and Debezium say of a type that Avro has no logical type for, in connect.name."""

import json
from collections.abc import Mapping
from typing import Any, Final

from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.places import Place

_YEAR_S: Final = (1_767_225_600, 1_798_761_600)  # 2026
_DAY_S: Final = 86_400
_DEBEZIUM: Final = "io.debezium.time."
_MOMENTS: Final[dict[tuple[str, str], Guess]] = {
    ("string", f"{_DEBEZIUM}ZonedTimestamp"): {"due": {}},
    ("long", f"{_DEBEZIUM}Timestamp"): {"due": {}},
    ("long", f"{_DEBEZIUM}MicroTimestamp"): {"uniform": [each * 10**6 for each in _YEAR_S]},
    ("long", f"{_DEBEZIUM}NanoTimestamp"): {"uniform": [each * 10**9 for each in _YEAR_S]},
    ("int", f"{_DEBEZIUM}Date"): {"uniform": [each // _DAY_S for each in _YEAR_S]},
    ("int", f"{_DEBEZIUM}Time"): {"uniform": [0, _DAY_S * 10**3 - 1]},
    ("long", f"{_DEBEZIUM}MicroTime"): {"uniform": [0, _DAY_S * 10**6 - 1]},
    ("long", f"{_DEBEZIUM}NanoTime"): {"uniform": [0, _DAY_S * 10**9 - 1]},
}
_TEXTS: Final[dict[str, Guess]] = {
    "io.debezium.data.Uuid": {"uuid": {}},
    "io.debezium.data.Json": {"constant": "{}"},
}


def of(place: Place) -> Guess | None:
    """The generator that the type's connect.name asks for; None where it has none, or a logical type says more."""
    said: Mapping[str, Any] = place.node if isinstance(place.node, dict) else {}
    name = said.get("connect.name")
    if not isinstance(name, str) or place.logical:
        return None
    if place.kind != "string":
        return _MOMENTS.get((place.kind, name))
    if name == "io.debezium.data.Enum" and (allowed := _allowed(said.get("connect.parameters"))):
        return {"choice": allowed}
    return _TEXTS.get(name) or _MOMENTS.get((place.kind, name))


def _allowed(parameters: object) -> list[str]:
    """The values of a database's enum: a text with commas between them, or with brackets and quotes too."""
    text = parameters.get("allowed") if isinstance(parameters, Mapping) else None
    if not isinstance(text, str):
        return []
    if text.startswith("["):
        try:
            return [str(each) for each in json.loads(text)]
        except ValueError:
            return []
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
