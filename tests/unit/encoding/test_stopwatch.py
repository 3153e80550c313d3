"""The stopwatch is found in values of any schema, and what is no such value is never taken for one."""

import io
from typing import Any
from uuid import UUID

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload import ids
from lensload.encoding import wire
from lensload.encoding.stopwatch import HeaderStopwatch, Stopwatch
from lensload.errors import SchemaError
from lensload.workload.position import MOST_ITEMS

NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "label", "type": "string"}, {"name": "next", "type": ["null", "Node"]}],
}
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("float", st.just(1.5)),
    ("double", st.floats(allow_nan=False)),
    ("string", st.text(max_size=200)),
    ("bytes", st.binary(max_size=70)),
    ({"type": "fixed", "name": "Three", "size": 3}, st.binary(min_size=3, max_size=3)),
    ({"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN"]}, st.sampled_from(["RED", "GREEN"])),
    ({"type": "array", "items": "long"}, st.lists(st.integers(-(2**40), 2**40), max_size=5)),
    ({"type": "array", "items": "null"}, st.lists(st.none(), max_size=5)),
    (
        {"type": "map", "values": {"type": "array", "items": "string"}},
        st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3), max_size=3),
    ),
    (["null", "string", "double"], st.none() | st.text(max_size=9) | st.floats(allow_nan=False)),
    (
        NODE,
        st.recursive(
            st.builds(lambda label: {"label": label, "next": None}, st.text(max_size=4)),
            lambda inner: st.builds(
                lambda label, node: {"label": label, "next": node}, st.text(max_size=4), inner
            ),
            max_leaves=4,
        ),
    ),
]
FORMS: list[tuple[Any, str]] = [
    ("string", "text"),
    ({"type": "string", "logicalType": "uuid"}, "text"),
    ("bytes", "raw"),
    ({"type": "fixed", "name": "Id", "size": 16}, "raw"),
    (["null", "string"], "text"),
    (["long", {"type": "fixed", "name": "Id", "size": 16}], "raw"),
]
DUE_NS = ids.on_the_grid(np.array([1_790_000_000_123_456_789]))


def id_of(sequence: int, form: str) -> Any:
    word = ids.words(DUE_NS, 77, np.array([5]), np.array([sequence]))
    text = bytes(ids.texts(word)[0]).decode()
    return text if form == "text" else UUID(text).bytes


@st.composite
def topics(draw: st.DrawFn) -> tuple[dict[str, Any], str, str, st.SearchStrategy[dict[str, Any]]]:
    """A schema with a stopwatch, its path, the form of the id, and other fields' values."""
    kinds = draw(st.lists(st.sampled_from(range(len(TYPES))), unique=True, max_size=5))
    place = draw(st.integers(0, len(kinds)))
    form = draw(st.sampled_from(FORMS))
    fields = [{"name": f"f{each}", "type": TYPES[each][0]} for each in kinds]
    fields.insert(place, {"name": "id", "type": form[0]})
    inner = {"type": "record", "name": "Inner", "fields": fields}
    values = st.fixed_dictionaries({f"f{each}": TYPES[each][1] for each in kinds})
    if not draw(st.booleans()):
        return inner, "id", form[1], values
    outer = [
        {"name": "before", "type": "string"},
        {"name": "header", "type": inner},
        {"name": "z", "type": "long"},
    ]
    return {"type": "record", "name": "Outer", "fields": outer}, "header.id", form[1], values


def written(schema: dict[str, Any], path: str, record: dict[str, Any], stopwatch: Any) -> bytes:
    out = io.BytesIO()
    whole = record | {"id": stopwatch}
    if path != "id":
        whole = {"before": "x" * len(record), "header": whole, "z": 3}
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema, named_schemas={}), whole)
    return wire.header(41) + out.getvalue()


@settings(deadline=None)
@given(topic=topics(), data=st.data())
def test_an_id_is_read_wherever_the_schema_has_it(topic: Any, data: st.DataObject):
    """Whatever fields of whatever types are before it: due time, run, lane and sequence are those of the id."""
    schema, path, form, values = topic
    records = data.draw(st.lists(values, min_size=1, max_size=6))
    written_values = [
        written(schema, path, record, id_of(sequence, form)) for sequence, record in enumerate(records)
    ]
    heads = Stopwatch(schema, path)(written_values)
    assert heads.valid.all()
    assert (heads.due_ns == DUE_NS[0]).all()
    assert set(heads.schema_id.tolist()) == {41}
    assert heads.readings.sequence.tolist() == list(range(len(records)))
    assert (set(heads.readings.run_tag.tolist()), set(heads.readings.lane.tolist())) == ({77}, {5})


@settings(deadline=None)
@given(topic=topics(), junk=st.lists(st.binary(max_size=120), min_size=1, max_size=5), data=st.data())
def test_what_is_no_value_of_the_schema_is_not_valid_and_harms_no_other(
    topic: Any, junk: list[bytes], data: st.DataObject
):
    """Bytes of any kind, and values that were cut off, are refused one by one; the values beside them are read."""
    schema, path, form, values = topic
    mine = written(schema, path, data.draw(values), id_of(9, form))
    cut = data.draw(st.integers(0, len(mine) - 1))
    heads = Stopwatch(schema, path)([*junk, mine, mine[:cut]])
    assert not heads.valid[: len(junk)].any()
    assert heads.valid[len(junk)]
    assert heads.readings.sequence[len(junk)] == 9
    if heads.valid[-1]:  # only what is behind the id was cut off
        assert heads.readings.sequence[-1] == 9


@given(st.lists(st.one_of(st.binary(max_size=60), st.binary(min_size=36, max_size=36))))
def test_headers_of_any_bytes_are_refused_one_by_one(junk: list[bytes]):
    """A header that is no id of ours is not valid, whatever it holds; one beside it is read."""
    mine = id_of(9, "text").encode()
    heads = HeaderStopwatch(0, 1)([*junk, mine, mine[:-1], mine + b"0"])
    assert heads.valid.tolist() == [False] * len(junk) + [True, False, False]
    assert heads.readings.sequence[len(junk)] == 9


def test_lengths_that_nothing_could_have_end_with_the_value():
    """A few bytes that say there are 2**62 items take no longer than others."""
    array = {"type": "array", "items": "null"}
    fields = [{"name": "many", "type": array}, {"name": "id", "type": "string"}]
    huge = wire.header(1) + b"\xfe" + b"\xff" * 8 + b"\x01" + b"\x00"
    assert not Stopwatch({"type": "record", "name": "R", "fields": fields}, "id")([huge]).valid[0]


def test_lists_as_long_as_a_workloads_are_skipped_and_endless_ones_are_not_walked_through():
    """A large record of somebody else costs no more time than the largest one of ours."""
    fields = [
        {"name": "items", "type": {"type": "array", "items": "int"}},
        {"name": "id", "type": "string"},
    ]
    schema = {"type": "record", "name": "Event", "fields": fields}
    values = [
        written(schema, "id", {"items": [1] * count}, id_of(3, "text")) for count in (0, MOST_ITEMS, 100_000)
    ]
    heads = Stopwatch(schema, "id")(values)
    assert heads.valid.tolist() == [True, True, False]


def test_blocks_with_their_size_in_bytes_are_skipped():
    """Writers may say how many bytes a block of an array has, with a count below 0."""
    fields = [{"name": "some", "type": {"type": "array", "items": "long"}}, {"name": "id", "type": "string"}]
    stopwatch = id_of(3, "text").encode()
    value = wire.header(1) + bytes([0x03, 0x04, 0x02, 0x04, 0x00, 72]) + stopwatch
    heads = Stopwatch({"type": "record", "name": "R", "fields": fields}, "id")([value])
    assert heads.valid[0]
    assert heads.readings.sequence[0] == 3


@pytest.mark.parametrize(("path", "named"), [("ib", "ib"), ("count", "count.*int"), ("id.x", "id.x")])
def test_a_field_that_can_hold_no_id_is_refused(path: str, named: str):
    """The message names the field, and what it would have to be."""
    fields = [{"name": "count", "type": "int"}, {"name": "id", "type": "string"}]
    with pytest.raises(SchemaError, match=named):
        Stopwatch({"type": "record", "name": "R", "fields": fields}, path)
