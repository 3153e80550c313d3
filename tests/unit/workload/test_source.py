"""The source: the same events for any number of workers, batches and calls, valid by their schemas."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from fastavro import parse_schema
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload import ids
from lensload.workload.model import Workload
from lensload.workload.source import WorkloadSource
from tests.support.workloads import DUE_NS, batches, record, workload
from tests.unit.workload.test_references import ORDER, PAYMENT, REFUND, SHOP

SCHEMAS = {"orders": ORDER, "payments": PAYMENT, "refunds": REFUND}
TIMELESS = ("id", "order", "payment")
"""Fields that say when an event, or the one that it follows, was due."""


def events(
    of: Workload, lanes: Iterable[int], steps: Iterable[int], **options: Any
) -> dict[tuple[str, int], Any]:
    """What each event holds, by topic and serial, if it is made in steps; without what says when it was due."""
    source = WorkloadSource(of, tuple(lanes), **options)
    made: dict[tuple[str, int], Any] = {}
    due_ns = DUE_NS
    for step in steps:
        for batch in source.events_at(due_ns + np.arange(step) * 1_000_000):
            for serial, event in zip(batch.serials.tolist(), batch.records(), strict=True):
                made[batch.topic, serial] = {key: event[key] for key in event if key not in TIMELESS}
        due_ns += step * 1_000_000
    return made


@pytest.mark.parametrize("workers", [2, 4])
def test_values_are_the_same_for_any_number_of_workers(workers: int):
    """Lanes spread over workers hold what they hold in one."""
    of = workload(SCHEMAS, **SHOP)
    alone = events(of, range(16), [4_000])
    together: dict[tuple[str, int], Any] = {}
    for worker in range(workers):
        together |= events(of, range(worker, 16, workers), [4_000 // workers])
    common = alone.keys() & together.keys()
    assert len(common) > 3_800
    assert all(alone[key] == together[key] for key in common)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=12), st.integers(0, 2**62))
def test_values_are_the_same_however_many_are_taken_at_once(steps: list[int], seed: int):
    """Steps of one event or of a thousand make the same ones, each once, and as many as there are due times."""
    of = workload(SCHEMAS, **SHOP, seed=seed)
    stepwise = events(of, range(4), steps)
    assert stepwise == events(of, range(4), [sum(steps)])
    assert len(stepwise) == sum(steps)


def test_a_packed_workload_makes_the_same_events():
    """What is sent to another host makes there what it makes here."""
    of = workload(SCHEMAS, **SHOP)
    assert Workload.unpacked(of.packed()) == of
    assert events(Workload.unpacked(of.packed()), range(4), [500]) == events(of, range(4), [500])


def test_another_seed_makes_other_events():
    """The seed decides what is in the events."""
    assert events(workload(SCHEMAS, **SHOP), (0,), [100]) != events(
        workload(SCHEMAS, **SHOP, seed=8), (0,), [100]
    )


def test_topics_that_nobody_wants_change_nothing_in_the_others():
    """A worker that tells of payments alone makes the payments that all of them would have."""
    of = workload(SCHEMAS, **SHOP)
    every = events(of, range(4), [6_000])
    payments = events(of, range(4), [1_000], topics=("payments",))
    assert len(payments) == 1_000
    assert all(every[key] == value for key, value in payments.items())


def test_the_stopwatch_says_when_which_event_was_due():
    """The id in each value has the batch's due time, the run, the lane and the number."""
    for type_ in ("string", "bytes", ["null", "string"], {"type": "fixed", "name": "F", "size": 16}):
        (batch,) = batches(workload({"e": record(id=type_)}), 500, lanes=(5, 9), run_tag=77)
        made = [each["id"] for each in batch.records()]
        texts = [each if isinstance(each, str) else _text(each) for each in made]
        read = ids.read(np.array([list(text.encode()) for text in texts], dtype=np.uint8))
        assert read.valid.all()
        assert (read.due_ns == batch.due_ns).all()
        assert (read.run_tag == 77).all()
        assert (ids.serials(read.lane, read.sequence) == batch.serials).all()


@settings(deadline=None, max_examples=30)
@given(
    st.sets(st.sampled_from(sorted(SCHEMAS)), min_size=1),
    st.lists(st.integers(0, 3), min_size=1, max_size=300),
)
def test_no_two_events_have_one_id(told: set[str], gaps: list[int]):
    """Whatever topics are left out, also of events that are due at once, and also of those that others refer to."""
    source = WorkloadSource(workload(SCHEMAS, **SHOP), (0, 1), topics=tuple(told))
    own, referred = list[str](), set[str]()
    for batch in source.events_at(DUE_NS + np.cumsum(gaps) * 244_141):
        for event in batch.records():
            own.append(event["id"])
            referred |= {event[name] for name in ("order", "payment") if name in event}
    assert len(set(own)) == len(own) == len(gaps)
    if len(told) == 1:
        assert not referred & set(own), "an event that nobody is told of has the id of one"


def _text(block: bytes) -> str:
    digits = block.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def test_lanes_number_the_events_of_each_topic_from_0():
    """Each lane's events of each topic have the numbers 0, 1, 2 in the order in which they are due."""
    for batch in batches(workload(SCHEMAS, **SHOP), 3_000):
        lanes, numbers = ids.lanes_and_sequences(batch.serials)
        for lane in range(8):
            mine = numbers[lanes == lane]
            assert mine.tolist() == list(range(len(mine)))
        assert (np.diff(batch.due_ns) >= 0).all()


def test_an_outline_has_every_topic_and_no_event():
    """What an encoder prepares for has the columns of the batches to come."""
    source = WorkloadSource(workload(SCHEMAS, **SHOP), (0, 1))
    outline = source.outline()
    assert [batch.topic for batch in outline] == list(SCHEMAS)
    assert [len(batch) for batch in outline] == [0, 0, 0]
    for empty, full in zip(outline, source.events_at(DUE_NS + np.arange(500)), strict=True):
        assert [column.fields for column in empty.columns] == [column.fields for column in full.columns]


def test_a_whole_batch_is_valid_by_its_schema():
    """By fastavro, which accepts every event of every topic."""
    for batch in batches(workload(SCHEMAS, **SHOP), 3_000):
        schema: Any = parse_schema(SCHEMAS[batch.topic], named_schemas={})
        assert all(validate(each, schema) for each in batch.records())


TREE: dict[str, Any] = record("Tree", id="string", value="int")
TREE["fields"] += [
    {"name": "left", "type": ["null", "Tree"]},
    {"name": "children", "type": {"type": "array", "items": "Tree"}},
]


def test_a_recursive_type_ends():
    """A tree has branches, but not for ever; also where the file wants some of them."""
    for fields in ({}, {"left.value": {"constant": 4}}):
        (batch,) = batches(workload({"e": TREE}, topics={"e": {"fields": fields}}), 200)
        schema: Any = parse_schema(json.loads(json.dumps(TREE)), named_schemas={})
        events = list(batch.records())
        assert all(validate(each, schema) for each in events)
        assert any(each["children"] for each in events)
        assert all(each["left"][1]["value"] == 4 for each in events if fields)  # behind its branch's name
