"""Record headers of a workload: constant or made as a string field is, and one that may hold the event's id."""

import re
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from lensload import ids
from lensload.batches.topic_batch import picked
from lensload.encoding.encoders import Encoded, FragmentEncoder
from lensload.encoding.stopwatch import id_headers, readers
from lensload.workload.model import Workload
from tests.support.workloads import DUE_NS, batches, record, workload

TICK = record("Tick", bid="double", venue="string", n="int")
ID = "lensload-id"
HEADERS: dict[str, Any] = {
    "source": "wéb",
    "kind": {"choice": {"a": 3, "b": 1}},
    "trace": {"uuid": {}},
    "ref": {"pattern": "A-##"},
    "who": {"faker": "first_name"},
    "of-venue": {"copy": "venue"},
    "ce time": {"due": {}},
    "row": {"from": "venues.name"},
    "length": {"length": 7},
}
POOLS = {"venues": {"size": 5, "fields": {"name": {"pattern": "venue-???"}}}}


def ticks(**more: Any) -> Workload:
    table = {
        "stopwatch": {"header": ID},
        "headers": HEADERS,
        "fields": {"venue": {"from": "venues.name"}},
        **more,
    }
    return workload({"ticks": TICK}, topics={"ticks": table}, pools=POOLS)


def encoded(of: Workload, count: int = 500, **options: Any) -> Encoded:
    (batch,) = batches(of, count, **options)
    return FragmentEncoder({"ticks": TICK}, {"ticks": 3}).encode(batch)


def test_headers_are_made_as_fields_are():
    """Every generator of text makes a header's values, of the same rows and the same event as the fields."""
    made = encoded(ticks())
    texts = {name: [text.decode() for text in values] for name, values in made.headers.items()}
    (batch,) = batches(ticks(), 500)
    venues = [each["venue"] for each in batch.records()]
    assert list(texts) == [ID, *HEADERS]
    assert all(len(values) == 500 for values in texts.values())
    assert set(texts["source"]) == {"wéb"}
    assert 300 < texts["kind"].count("a") < 450
    assert {UUID(each).version for each in texts["trace"]} == {4}
    assert all(re.fullmatch(r"A-\d\d", each) for each in texts["ref"])
    assert len(set(texts["who"])) > 50
    assert texts["of-venue"] == texts["row"] == venues
    assert texts["ce time"][1] == "2026-02-02T02:40:00.001Z"
    assert {len(each) for each in texts["length"]} == {7}


def test_the_id_in_the_header_says_when_which_event_was_due():
    """The run reads due time, lane and sequence of each event from the header that the file names, and from nothing else."""
    of = ticks()
    (batch,) = batches(of, 200, run_tag=5)
    assert id_headers(of) == {"ticks": ID}
    assert of.with_headers == ("ticks",)
    heads = readers(of)["ticks"](encoded(of, 200, run_tag=5).headers[ID])
    assert heads.valid.all()
    assert heads.due_ns.tolist() == batch.due_ns.tolist() == [DUE_NS + n * 1_000_000 for n in range(200)]
    assert set(heads.readings.run_tag.tolist()) == {5}
    assert ids.serials(heads.readings.lane, heads.readings.sequence).tolist() == batch.serials.tolist()


def test_headers_change_nothing_else_of_the_events():
    """Whoever adds a header to a file, or takes the id out of a field, has the same values in all other fields."""
    plain = encoded(ticks(headers={}))
    assert plain.values == encoded(ticks()).values
    assert list(plain.headers) == [ID]


def test_headers_are_the_same_for_any_number_of_workers_and_in_any_part():
    """As values are: a lane has the same headers wherever it is made, and events that are picked keep theirs."""
    (whole,) = batches(ticks(), 800)
    (some,) = batches(ticks(), 100, lanes=(3,))
    mine = np.flatnonzero(whole.serials >> 36 == 3)
    encoder = FragmentEncoder({"ticks": TICK}, {"ticks": 3})
    alone, among = encoder.encode(some).headers, encoder.encode(picked(whole, mine)).headers
    for name in ("source", "kind", "trace", "ref", "who", "row"):
        assert alone[name] == among[name]


def test_a_workload_of_headers_goes_to_other_processes_whole():
    """What a worker unpacks makes the same headers."""
    of = ticks()
    again = Workload.unpacked(of.packed())
    assert again.packed() == of.packed()
    assert encoded(again).headers == encoded(of).headers


@pytest.mark.parametrize("field", ["id", "venue"])
def test_a_header_may_copy_the_id_that_a_field_holds(field: str):
    """For consumers that read a header and a run that reads the field: both hold the same id."""
    schema = record("Tick", id="string", venue="string")
    table = {"stopwatch": field, "headers": {"event-id": {"copy": field}}}
    of = workload({"ticks": schema}, topics={"ticks": table})
    (batch,) = batches(of, 20)
    made = FragmentEncoder({"ticks": schema}, {"ticks": 3}).encode(batch)
    assert made.headers["event-id"] == [each[field].encode() for each in batch.records()]
    assert id_headers(of) == {}


def test_a_child_has_headers_of_its_parent():
    """A header may hold what the parent event has in a field."""
    schemas = {"orders": record("Order", id="string"), "lines": record("Line", n="int")}
    lines = {
        "parent": "orders",
        "stopwatch": {"header": ID},
        "headers": {"correlation-id": {"parent": "id"}},
    }
    orders, children = batches(workload(schemas, topics={"lines": lines}), 100)
    encoder = FragmentEncoder(schemas, {"orders": 1, "lines": 2})
    known = {each["id"].encode() for each in orders.records()}
    told = encoder.encode(children).headers["correlation-id"]
    assert len(told) == len(set(told)) == 50
    assert set(told) <= known
