"""Faker's values: what is remembered of them is what would be made."""

from itertools import product
from typing import Any

import pytest

from lensload.workload import faker_values
from lensload.workload.avro_type import AvroType
from lensload.workload.faker_values import REMEMBERED, FakerValues
from lensload.workload.field_table import FakerCall

PLACES = (("topics", "a", "fields", "x"), ("topics", "b", "fields", "x"))
CALLS = ("pyint", FakerCall(method="pyint"), FakerCall.model_validate({"method": "pyint", "max_value": 70}))
TYPES = (
    "int",
    "double",
    "string",
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3},
    {"type": "array", "items": "int"},
)


def made(
    seed: int, locale: str, place: tuple[str, ...], call: str | FakerCall, distinct: int, type_: Any
) -> list[Any]:
    if isinstance(type_, dict) and type_["type"] == "array":
        call = FakerCall.model_validate({"method": "pylist", "value_types": [int]})
    return FakerValues(seed, locale).of(call, distinct, AvroType.of(type_), place)


def test_what_is_remembered_is_what_would_be_made():
    """Whatever was made before, by whatever file, a field has the values that it has in a process of its own."""
    asked = list(product((7, 8), ("en_US", "de_DE"), PLACES, CALLS, (3, 20), TYPES))
    REMEMBERED.clear()
    together = [repr(made(*each)) for each in (*asked, *asked)]
    alone: list[str] = []
    for each in asked:
        REMEMBERED.clear()
        alone.append(repr(made(*each)))
    assert together == alone + alone


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """A process that loads many workloads, or one of very many values, keeps no more than a number of values."""
    monkeypatch.setattr(faker_values, "MOST_REMEMBERED", 50)
    REMEMBERED.clear()
    for seed, distinct in product(range(5), (20, 60)):
        assert len(made(seed, "en_US", PLACES[0], "email", distinct, "string")) == distinct
        assert 0 < sum(map(len, REMEMBERED.values())) <= 50
