"""Generators: what each one promises of its values."""

import math
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import fmean, median, pstdev
from typing import Any
from uuid import UUID

import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.workload.faker_values import REMEMBERED
from tests.support.workloads import DUE_NS, batches, record, values, workload

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
NULLABLE = ["null", "string"]
MANY = 20_000


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["int", "long", "double", "float", DECIMAL]),
    st.integers(-(10**6), 10**6),
    st.integers(0, 10**6),
    st.integers(0, 2**40),
)
def test_uniform_numbers_stay_in_their_range(type_: Any, low: int, span: int, seed: int):
    """No number is outside of the ends that the file names, whatever the type."""
    numbers = values(type_, {"uniform": [low, low + span]}, 200, seed=seed)
    assert all(low <= number <= low + span for number in numbers)


def test_uniform_whole_numbers_are_all_alike_and_reach_both_ends():
    """Each of six numbers comes in a sixth of the events."""
    counts = Counter(values("int", {"uniform": [1, 6]}, MANY))
    assert sorted(counts) == [1, 2, 3, 4, 5, 6]
    assert all(abs(count / MANY - 1 / 6) < 0.015 for count in counts.values())


@pytest.mark.parametrize("type_", ["double", DECIMAL, "float"])
def test_a_lognormal_has_its_median_and_sigma(type_: Any):
    """Half of the values are below the median, and the logarithms spread by sigma; also in a decimal."""
    numbers = [float(each) for each in values(type_, {"lognormal": {"median": 40, "sigma": 0.8}}, MANY)]
    assert median(numbers) == pytest.approx(40, rel=0.03)
    assert pstdev(map(math.log, numbers)) == pytest.approx(0.8, rel=0.03)


def test_a_normal_has_its_mean_and_deviation_and_tails():
    """Also one value in a thousand is further out than three deviations, as it should be."""
    numbers = values("double", {"normal": {"mean": 10, "sd": 3}}, MANY)
    assert fmean(numbers) == pytest.approx(10, abs=0.1)
    assert pstdev(numbers) == pytest.approx(3, rel=0.02)
    assert 25 <= sum(abs(number - 10) > 9 for number in numbers) <= 90
    assert len(set(numbers)) > MANY * 0.99


def test_an_exponential_has_its_mean():
    """The mean is the one of the file, and no value is below 0."""
    numbers = values("double", {"exponential": 5}, MANY)
    assert fmean(numbers) == pytest.approx(5, rel=0.03)
    assert min(numbers) >= 0


def test_min_max_and_decimals_hold():
    """What would be outside becomes the limit, and no number has more decimals than asked for."""
    table = {"normal": {"mean": 10, "sd": 30}, "min": 1, "max": 20, "decimals": 1}
    numbers = values("double", table)
    assert min(numbers) == 1
    assert max(numbers) == 20
    assert all(round(number, 1) == number for number in numbers)


def test_a_choice_has_its_weights():
    """Each value comes as often as its weight says, and one of weight 0 never."""
    counts = Counter(values("string", {"choice": {"gold": 1, "silver": 9, "none": 0}}, MANY))
    assert counts["gold"] / MANY == pytest.approx(0.1, abs=0.01)
    assert counts["none"] == 0
    assert counts.total() == MANY


@pytest.mark.parametrize(
    ("type_", "wanted", "made"),
    [
        ("int", ["1", 2], {1, 2}),
        ("boolean", ["true"], {True}),
        (DECIMAL, [1.5, "2"], {Decimal("1.50"), Decimal("2.00")}),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, ["B"], {"B"}),
        ({"type": "int", "logicalType": "date"}, ["1970-01-03"], {2}),
        ({"type": "int", "logicalType": "time-millis"}, ["00:00:01.5"], {1500}),
        ("bytes", ["né"], {"né".encode()}),
    ],
)
def test_choices_become_values_of_the_fields_type(type_: Any, wanted: list[Any], made: set[Any]):
    """TOML has no decimals, enums or bytes: text and numbers stand for them."""
    assert set(values(type_, {"choice": wanted}, 100)) == made


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1), st.sampled_from([{}, {"uuid": {}}, {"choice": ["a", "b"]}, {"pattern": "a#"}]))
def test_the_share_of_nulls_is_met(share: float, table: dict[str, Any]):
    """Whatever makes the other values, so many are null as the file says."""
    made = values(NULLABLE, {**table, "null": share}, 4_000)
    assert abs(sum(each is None for each in made) / len(made) - share) < 0.05


def test_uuids_are_of_version_4_and_all_differ():
    """Ids that look random are, as text and as 16 bytes."""
    texts = values("string", {"uuid": {}}, MANY)
    assert len(set(texts)) == MANY
    assert {UUID(text).version for text in texts} == {4}
    blocks = values({"type": "fixed", "name": "F", "size": 16}, {"uuid": {}}, 100)
    assert {UUID(bytes=block).version for block in blocks} == {4}


@settings(deadline=None, max_examples=40)
@given(st.text(st.sampled_from("#?aé-"), min_size=1, max_size=30))
def test_a_pattern_is_followed_character_by_character(pattern: str):
    """# is a digit, ? a letter, and everything else itself."""
    shape = re.compile("".join({"#": r"\d", "?": "[A-Z]"}.get(each, re.escape(each)) for each in pattern))
    assert all(shape.fullmatch(text) for text in values("string", {"pattern": pattern}, 50))


def test_every_digit_and_letter_of_a_pattern_comes_as_often_as_any_other():
    """Also far into a long pattern."""
    texts = values("string", {"pattern": "#?" * 12}, MANY)
    for place in (0, 18, 22):
        digits, letters = Counter(text[place] for text in texts), Counter(text[place + 1] for text in texts)
        assert len(digits) == 10
        assert max(digits.values()) / min(digits.values()) < 1.25
        assert len(letters) == 26
        assert max(letters.values()) / min(letters.values()) < 1.5


def test_a_sequence_counts_each_lanes_events():
    """In one lane, each number is larger than the last by the step."""
    of = values("long", {"sequence": {"start": 100, "step": 10}}, 80)
    assert sorted(set(of)) == list(range(100, 200, 10))


def test_faker_makes_as_many_different_values_as_asked_for():
    """The values are of the method, in the locale, and no more than `distinct`."""
    emails = set(values("string", {"faker": "email", "distinct": 20}))
    assert len(emails) == 20
    assert all(re.fullmatch(r"\S+@\S+", email) for email in emails)
    years = values("int", {"faker": {"method": "random_int", "min": 1990, "max": 1993}})
    assert set(years) == {1990, 1991, 1992, 1993}


def test_values_of_faker_depend_on_the_seed_alone():
    """The same file makes the same names tomorrow, and another seed makes others."""
    table = {"faker": "name", "distinct": 30}
    made = values("string", table, 50)
    REMEMBERED.clear()
    assert values("string", table, 50) == made
    assert values("string", table, 50) != values("string", table, 50, seed=8)


@pytest.mark.parametrize(
    ("type_", "made"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, DUE_NS // 10**6),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, DUE_NS // 10**3),
        ({"type": "long", "logicalType": "timestamp-nanos"}, DUE_NS),
        ({"type": "int", "logicalType": "date"}, DUE_NS // (86_400 * 10**9)),
        ({"type": "long", "logicalType": "time-micros"}, DUE_NS % (86_400 * 10**9) // 1000),
        ("long", DUE_NS // 10**6),
        ("int", DUE_NS // 10**9),
        ("double", DUE_NS / 10**9),
        ("string", datetime.fromtimestamp(DUE_NS // 10**9, UTC).isoformat().replace("+00:00", ".000Z")),
    ],
)
def test_the_due_time_is_told_in_the_fields_own_unit(type_: Any, made: Any):
    """A timestamp of any unit, a date, a time of day, a plain number or text."""
    assert values(type_, {"due": {}}, 1) == [made]


def test_times_before_the_due_time_have_their_distribution():
    """An event that tells of something earlier tells of it as much earlier as the file says."""
    type_ = {"type": "long", "logicalType": "timestamp-micros"}
    uniform = values(type_, {"before_due": {"uniform": ["1h", "2h"]}}, 1)[0]
    assert 3600 <= (DUE_NS / 10**9 - uniform / 10**6) <= 7200
    made = values(type_, {"before_due": {"exponential": "1h"}}, MANY)
    ages_s = [(DUE_NS // 1000 + place * 1000 - each) / 10**6 for place, each in enumerate(made)]
    assert fmean(ages_s) == pytest.approx(3600, rel=0.03)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from(["string", "bytes", "array", "map"]))
def test_lengths_stay_in_their_range(low: int, more: int, kind: str):
    """Of text, bytes, arrays and maps."""
    type_: Any = {"array": {"type": "array", "items": "int"}, "map": {"type": "map", "values": "int"}}.get(
        kind, kind
    )
    made = values(type_, {"length": [low, low + more]}, 100)
    assert all(low <= len(each) <= low + more for each in made)


def test_moments_of_a_range_are_in_it():
    """Dates and moments of TOML bound dates and timestamps."""
    day = {"type": "int", "logicalType": "date"}
    assert {*values(day, {"uniform": ["2024-01-01", "2024-01-03"]})} == {19723, 19724}


@pytest.mark.parametrize("size", [300, {"lognormal": {"median": 900, "sigma": 0.3}}])
def test_padding_brings_values_to_their_size(size: Any):
    """The median size of whole values is what the file asks for, with the header and the other fields in it."""
    made = values("bytes", {"padding": size})
    wanted = size if isinstance(size, int) else 900
    other = 5 + 37 + 2  # header, id, length of the padding
    assert median(len(each) + other for each in made) == pytest.approx(wanted, rel=0.05)


def test_fakers_dates_are_the_same_on_every_day():
    """Whoever completes a seed a month later makes the dates that were made at first; others who use Faker have their own now."""
    lately = {"method": "date_between", "start_date": "-2d", "end_date": "today"}
    for call, wanted in (
        ("past_date", r"2025-12-\d\d"),
        ("future_datetime", r"2026-01-\d\dT.*"),
        ("date_time_this_year", r"2026-01-01T00:00:00"),
        (lately, r"2025-12-3[01]|2026-01-01"),
    ):
        assert all(re.fullmatch(wanted, each) for each in values("string", {"faker": call}, 200))
    adults = values("string", {"faker": "ssn", "distinct": 3_000}, 3_000, locale="zh_CN")
    assert "2007" < max(each[6:14] for each in adults) < "20080107"
    assert Faker().past_date() > date(2026, 1, 1)


def test_branches_of_a_union_have_their_weights():
    """A union of several types has each as often as the file says."""
    made = values(["null", "long", "string"], {"branch": {"long": 3, "string": 1}, "null": 0.2}, MANY)
    kinds = Counter(each if each is None else each[0] for each in made)
    assert kinds[None] / MANY == pytest.approx(0.2, abs=0.02)
    assert kinds["long"] / kinds["string"] == pytest.approx(3, rel=0.1)


def test_a_branch_has_its_generator_while_others_have_parts():
    """A union of numbers, records and lists: each of its branches is made as the file says of it."""
    part = record("Part", a="int", b="string")
    schema = record(id="string", value=["null", "long", part, {"type": "array", "items": "int"}])
    fields = {
        "value": {"branch": ["long", "Part", "array"], "uniform": [1, 3], "max": 3, "null": 0.1},
        "value.a": {"uniform": [5, 7]},
        "value[]": {"constant": 9},
    }
    (batch,) = batches(workload({"e": schema}, topics={"e": {"fields": fields}}), 500)
    made = {each["value"] and each["value"][0]: set[Any]() for each in batch.records()}
    for each in batch.records():
        if each["value"] is not None:
            branch, value = each["value"]
            made[branch] |= {value["a"]} if branch == "Part" else set(value) if branch == "array" else {value}
    assert made == {None: set(), "long": {1, 2, 3}, "Part": {5, 6, 7}, "array": {9}}


def test_a_length_is_of_the_branches_that_have_one():
    """Of a union of numbers and lists, the lists have the length that the file says."""
    made = values(["long", {"type": "array", "items": "int"}], {"length": 2, "min": 10, "max": 12}, 200)
    assert {len(value) for branch, value in made if branch == "array"} == {2}
    assert {value for branch, value in made if branch == "long"} == {10, 11, 12}


NONE_OF: list[tuple[Any, dict[str, Any]]] = [
    ({"type": "fixed", "name": "F", "size": 3}, {}),
    ({"type": "fixed", "name": "F", "size": 16}, {"uuid": {}}),
    ({"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}, {}),
    ("bytes", {"length": [1, 9]}),
    ("string", {"faker": "name"}),
    ("string", {"pattern": "##-??"}),
    ("string", {"uuid": {}}),
    ("string", {"due": {}}),
    ("double", {"before_due": {"exponential": "1h"}}),
    ("boolean", {}),
    ("int", {"sequence": {}}),
    (DECIMAL, {}),
    (["null", "long", "string"], {"branch": {"long": 3, "string": 1}, "null": 0.2}),
    ({"type": "array", "items": "int"}, {"length": [0, 3]}),
    ({"type": "map", "values": "string"}, {"length": [0, 3]}),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, {}),
]


@pytest.mark.parametrize(("type_", "table"), NONE_OF, ids=str)
def test_no_items_have_no_values(type_: Any, table: dict[str, Any]):
    """Whatever is in lists that are all empty is made without any value, as it is before a first event."""
    fields = {"value": {"length": 0}, "value[]": table}
    items = {"type": "array", "items": type_}
    of = workload({"events": record(id="string", value=items)}, topics={"events": {"fields": fields}})
    (batch,) = batches(of, 5)
    assert [each["value"] for each in batch.records()] == [[]] * 5
