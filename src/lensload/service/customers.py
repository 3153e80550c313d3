"""Customers of a service under test: they read its answers, and click on what was really recommended.

Requests keep to their schedule. What people do follows the answer: it is due after the answer was in hand, ten times as
fast as in the world's own time, in which a look at an item takes half a minute.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from confluent_kafka import Message
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.topic_batch import TopicBatch
from lensload.config.model import RESPONSES
from lensload.kafka.live_reader import LiveReader
from lensload.metrics.stats import Stats
from lensload.service.answers import Answers, SchemaId
from lensload.service.decoding import RecordReader
from lensload.world import topic_records
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import Mix
from lensload.world.catalogue import CUT_ITEMS
from lensload.world.event_rows import ROW, TOPIC_OF, TOPICS
from lensload.world.reactions import NOTHING, Reactions, page_keys, react
from lensload.world.scenario import Scenario
from lensload.world.session_slots import SessionSlots, session_words

PACE: Final = 10
"""How many times as fast as in the world's own time people think, look and buy."""

EARLIEST_NS: Final = ids.NS_PER_S // PACE
"""Nothing is due sooner than this after an answer: a second of thought."""

FOLLOWING: Final = ("user-interactions", "ab-test-events")
_MOST_AT_ONCE: Final = 2_000
_DECODED_AT_ONCE: Final = 32  # answers: a third of a millisecond
_PENDING: Final = np.dtype(
    [
        ("row", ROW),
        ("due_ns", "i8"),
        ("person", "i8"),
        ("page_text", "u1", ids.TEXT_BYTES),
        ("session_text", "u1", ids.TEXT_BYTES),
    ]
)


Pending = np.ndarray[tuple[int], np.dtype[np.void]]


class _Answer(NamedTuple):
    serial: int
    due_ns: int
    seen_ns: int
    items: list[int]


class Customers:
    """The people of some lanes, who wait for answers.

    Args:
        settings: librdkafka's properties.
        answers: the name in the cluster of the topic of the answers, and how many partitions it has.
        run_tag: the run's tag, as its ids carry it.
        scenario: the people, goods and experiments.
        records: decodes answers.
        topics: the topics that are written.
        stats: totals `pages_seen`, `items_shown`, `clicks` and `purchases` go there: the truth of what people do.

    Attributes:
        measure_from_ns: pages requested from then on are counted.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        answers: tuple[str, int],
        run_tag: int,
        scenario: Scenario,
        records: RecordReader,
        *,
        topics: tuple[str, ...],
        stats: Stats,
    ) -> None:
        self.measure_from_ns = 0
        self._run_tag, self._scenario, self._records, self._stats = run_tag, scenario, records, stats
        self._mix = Mix.of({Behaviour(): 1.0})
        catalogue, audience = scenario.catalogue, scenario.audience
        self._item_of = {item: number for number, item in enumerate(catalogue.item_ids)}
        self._user_ids = audience.user_ids
        self._asked: dict[int, int] = {}  # who waits for an answer, by the request's serial
        self._seen: list[_Answer] = []
        self._pending = np.zeros(0, _PENDING)
        self._counted = np.zeros((ids.MAX_LANES, len(TOPICS)), np.int64)
        self._ring = SessionSlots(1)
        common = scenario, topic_records.People(audience), self._ring, run_tag
        followers = (topic_records.Interactions(*common), topic_records.ABTestEvents(*common))
        self._topic_records = {
            name: records for name, records in zip(FOLLOWING, followers, strict=True) if name in topics
        }
        told = FOLLOWING[1] in topics
        self._assigned = np.zeros(scenario.variants.shape, np.bool_) if told else None
        name, partitions = answers
        self._reader = LiveReader(settings, {name: range(partitions)}, f"lensload-customers-{run_tag}")
        self._reader.assign()

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic: what an encoder can prepare for."""
        return self._told(np.zeros(0, _PENDING))

    def set_audience(self, rates: dict[Behaviour, float]) -> None:
        """Let people behave so from the next answers on."""
        self._mix = Mix.of(rates)

    def wait_for(self, requests: TopicBatch) -> None:
        """People have sent these requests."""
        self._asked.update(zip(requests.serials.tolist(), requests.drawn_key.index.tolist(), strict=True))

    def read(self, now_ns: int, until_ns: int) -> Iterator[tuple[TopicBatch, ...]]:
        """Take in the answers that have come, and give what is due until a moment; in steps, most of which give nothing.

        Args:
            now_ns: the time, Unix ns.
            until_ns: never goes back, and is less than EARLIEST_NS after the next call's `now_ns`.
        """
        records, _ = self._reader.fetch(0, _MOST_AT_ONCE)
        for begin in range(0, len(records), _DECODED_AT_ONCE):
            self._note(records[begin : begin + _DECODED_AT_ONCE], now_ns)
            yield ()
        if self._seen:
            self._react()
            yield ()
        due = self._pending["due_ns"] <= until_ns
        if due.any():
            rows, self._pending = self._pending[due], self._pending[~due]
            yield self._told(rows[np.argsort(rows["due_ns"], kind="stable")])

    def close(self) -> None:
        """Leave the cluster."""
        self._reader.close()

    def _note(self, records: list[Message], now_ns: int) -> None:
        values, schema_ids, valid, readings = Answers.of(records)
        serials = ids.serials(readings.lane, readings.sequence)
        for place in np.flatnonzero(valid & (readings.run_tag == self._run_tag)).tolist():
            serial = int(serials[place])
            if serial in self._asked:
                due_ns = int(readings.due_ns[place])
                self._note_answer(serial, due_ns, now_ns, values[place], schema_ids[place])

    def _note_answer(self, serial: int, due_ns: int, now_ns: int, value: bytes, schema_id: SchemaId) -> None:
        person = self._asked[serial]
        record = self._records.read(RESPONSES, value, schema_id)
        # Nobody sees an answer that is for somebody else; the one who asked goes on waiting.
        if record is None or record["userId"] != self._user_ids[person]:
            return
        items = [NOTHING] * CUT_ITEMS
        for each in record["recommendations"]:
            if 1 <= each["rank"] <= CUT_ITEMS:
                items[each["rank"] - 1] = self._item_of.get(each["itemId"], NOTHING)
        self._seen.append(_Answer(serial, due_ns, now_ns, items))

    def _react(self) -> None:
        # The first of several answers to a request that came together.
        seen = list({each.serial: each for each in reversed(self._seen)}.values())
        self._seen = []
        serial, due_ns, seen_ns = (
            np.array([each[column] for each in seen], np.int64) for column in range(len(_Answer._fields) - 1)
        )
        person = np.array([self._asked.pop(each.serial) for each in seen])
        lane, sequence = ids.lanes_and_sequences(serial)
        items = np.array([each.items for each in seen])
        found = react(self._scenario, self._mix, lane, serial, person, items, assigned=self._assigned)
        self._count(found, due_ns >= self.measure_from_ns)
        page = found.rows["page"]
        pending = np.zeros(len(page), _PENDING)
        pending["row"], pending["person"] = found.rows, person[page]
        after_ns = np.maximum(found.rows["time"] * (ids.NS_PER_S / PACE), EARLIEST_NS).astype(np.int64)
        pending["due_ns"] = seen_ns[page] + after_ns
        pending["session_text"] = ids.texts(
            session_words(page_keys(self._scenario, serial), 1 + self._run_tag)
        )[page]
        pending["page_text"] = ids.texts(ids.words(due_ns, self._run_tag, lane, sequence))[page]
        self._pending = np.concatenate([self._pending, pending])

    def _count(self, found: Reactions, measured: NDArray[np.bool_]) -> None:
        self._stats.add_total("pages_seen", int(np.count_nonzero(measured)))
        self._stats.add_total("items_shown", int(found.shown[measured].sum()))
        self._stats.add_total("clicks", int(found.clicks[measured].sum()))
        self._stats.add_total("purchases", int(found.purchases[measured].sum()))

    def _told(self, pending: Pending) -> tuple[TopicBatch, ...]:
        """A batch of each topic, in causal order; rows of `pending` are in the order of their due times."""
        rows, due_ns = pending["row"].copy(), ids.on_the_grid(pending["due_ns"])
        rows["session"] = rows["page"] = np.arange(len(rows))
        ring = self._ring
        ring.person, ring.page_due_ns = pending["person"], due_ns
        ring.session_text = np.ascontiguousarray(pending["session_text"])
        ring.page_text = np.ascontiguousarray(pending["page_text"])
        topic = TOPIC_OF[rows["what"]]
        batches: list[TopicBatch] = []
        for name, records in self._topic_records.items():
            number = TOPICS.index(name)
            which = np.flatnonzero(topic == number)
            rows["sequence"][which] = self._numbered(rows["lane"][which], number)
            if len(which) or not len(rows):
                batches.append(records.batch(rows[which], due_ns[which]))
        return tuple(batches)

    def _numbered(self, lane: NDArray[np.integer[Any]], topic: int) -> NDArray[np.int64]:
        """Count each lane's events of a topic on."""
        order = np.argsort(lane, kind="stable")
        counts = np.bincount(lane, minlength=ids.MAX_LANES)
        numbers = np.empty(len(lane), np.int64)
        before = np.repeat(self._counted[:, topic] - (np.cumsum(counts) - counts), counts)
        numbers[order] = np.arange(len(lane)) + before
        self._counted[:, topic] += counts
        return numbers
