"""What a key of a workload file may hold: types that check a value and say what it should be."""

import math
from datetime import date, datetime, time
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from lensload.parse import duration_s

MOST_LENGTH: Final = 100_000
MOST_DISTINCT: Final = 10_000_000
"""Values that the pools of a workload may keep in memory, all together."""


def two(value: Any) -> Any:  # noqa: ANN401 - any TOML
    """Refuse what is not a list of two."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError("it should be a list of two, the least and the most")
    return value


def _range(value: Any) -> Any:  # noqa: ANN401 - any TOML
    """A number alone is the range that holds only it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value, value
    if isinstance(value, dict) or (isinstance(value, (list, tuple)) and len(value) == 2):
        return value
    raise ValueError(
        "it should be a number such as 3, a range such as [1, 3], or a table of numbers and weights"
    )


def ascending(value: tuple[Any, Any]) -> tuple[Any, Any]:
    """Refuse a range whose first is the larger one."""
    if value[0] > value[1]:
        raise ValueError(f"the first of a range is the smaller one, so it should be [{value[1]}, {value[0]}]")
    return value


def _weights(value: object) -> object:
    if value in ({}, []):
        raise ValueError("it should have at least one value")
    if isinstance(value, dict):
        weights = list(value.values())
        numbers = [w for w in weights if isinstance(w, (int, float)) and not isinstance(w, bool)]
        if len(numbers) < len(weights) or any(not 0 <= number < math.inf for number in numbers):
            raise ValueError("each value of a choice has a weight, a number of at least 0")
        if not 0 < sum(numbers) < math.inf:
            raise ValueError("at least one weight should be above 0, and their sum a number")
    return value


def _choices(value: Any) -> Any:  # noqa: ANN401 - any TOML
    if isinstance(value, (list, dict)):
        return value
    raise ValueError("it should be a list of values, or a table of values and weights")


def _one_or_more(value: object) -> object:
    if not isinstance(value, (str, list, tuple)) or not value:
        raise ValueError("it should be a path, or a list of paths")
    return (value,) if isinstance(value, str) else value


def moment(value: Any) -> Any:  # noqa: ANN401 - any TOML
    """TOML's dates and times as ISO text, in lists and tables too: what JSON would make of them differs."""
    if isinstance(value, list):
        return [moment(each) for each in value]
    if isinstance(value, dict):
        return {key: moment(each) for key, each in value.items()}
    return value.isoformat() if isinstance(value, (datetime, date, time)) else value


def _rows(value: Any) -> Any:  # noqa: ANN401 - any TOML
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) and row for row in value):
        raise ValueError('it should be a list of tables, such as [{ city = "Berlin", country = "DE" }]')
    return value


Bound: TypeAlias = Annotated[
    int | float | str, BeforeValidator(moment), WithJsonSchema({"type": ["number", "string"]})
]
Seconds: TypeAlias = Annotated[
    float,
    BeforeValidator(duration_s),
    WithJsonSchema({"type": ["string", "number"], "examples": ["3d", "30s"]}),
]
Lengths: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=0, le=MOST_LENGTH)], Annotated[int, Field(ge=0, le=MOST_LENGTH)]],
    BeforeValidator(_range),
    AfterValidator(ascending),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]
CountWeights: TypeAlias = Annotated[
    dict[Annotated[int, Field(ge=0, le=MOST_LENGTH)], float],
    BeforeValidator(_weights),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9]+$"},
            "additionalProperties": {"type": "number", "minimum": 0},
            "minProperties": 1,
        }
    ),
]
Paths: TypeAlias = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_more),
    Field(min_length=1),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]
Weights: TypeAlias = Annotated[
    dict[str, float] | list[Any],
    BeforeValidator(moment),
    BeforeValidator(_weights),
    BeforeValidator(_choices),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "object",
                    "additionalProperties": {"type": "number", "minimum": 0},
                    "minProperties": 1,
                },
                {"type": "array", "minItems": 1},
            ]
        }
    ),
]
WrittenRows: TypeAlias = Annotated[
    list[dict[str, Any]],
    BeforeValidator(moment),
    BeforeValidator(_rows),
    WithJsonSchema(
        {"type": "array", "items": {"type": "object", "minProperties": 1}, "minItems": 1},
    ),
]
