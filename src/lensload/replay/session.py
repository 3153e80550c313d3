"""Where the parts of a replay meet: batches are read, judged, counted and handed to the outputs, until the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from confluent_kafka import Message

from lensload.kafka.reading import Place, place_of
from lensload.replay.batch import UNLIMITED, Batch
from lensload.replay.counts import Counts
from lensload.replay.decoder import Decoder
from lensload.replay.forward import Forward
from lensload.replay.merge import Merge
from lensload.replay.pace import Pace
from lensload.replay.rejects import Rejects
from lensload.replay.source import Source
from lensload.report.progress import ProgressView

_MOST_AT_ONCE: Final = 5_000
_READ_S: Final = 0.1
_COMMIT_EVERY_S: Final = 5.0
_FOREVER_MS: Final = 1 << 62
_HELD_IN_ALL: Final = 50_000  # messages, over all partitions, that wait for their time


class Output(Protocol):
    """Something that is done with messages."""

    @property
    def wants(self) -> int:
        """How many more messages it takes; UNLIMITED for all there are."""
        ...

    def write(self, batch: Batch, records: dict[int, Any]) -> None:
        """Do it with a batch that has been judged; `records` holds what was decoded, by place."""
        ...

    def close(self) -> None:
        """Bring to an end what is under way."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One replay.

    Attributes:
        source: what to read.
        decoder: judges it.
        counts: counts it.
        rejects: keeps aside what cannot be decoded.
        outputs: what else is done with it.
        forward: the one of them that writes into another topic, if one does.
        pace: how fast it does so.
        view: shows how far it is.
        earliest: the outputs want the earliest messages of all partitions, and not all there are.
        elapsed_s: how long it has taken.
    """

    source: Source
    decoder: Decoder
    counts: Counts
    rejects: Rejects
    outputs: Sequence[Output]
    forward: Forward | None
    pace: Pace
    view: ProgressView
    earliest: bool = False
    elapsed_s: float = field(default=0.0, init=False)
    _committed_s: float = field(default=0.0, init=False)

    def run(self, stopped: Callable[[], bool]) -> bool:
        """Replay until the end, or until `stopped` says so; gives whether the end was reached.

        Raises:
            LensloadError: cluster, registry or an output does not go on; what was handled until then stands.
        """
        begun_s = time.monotonic()
        self.source.open()
        steps = self._steps()
        while not stopped():
            if next(steps, None) is None:
                return True
            self.elapsed_s = time.monotonic() - begun_s
            passed, total = self.source.progress()
            self.view.show(self.elapsed_s, self.counts.total, passed, None if self.source.follow else total)
            if self.elapsed_s - self._committed_s > _COMMIT_EVERY_S:
                self._committed_s = self.elapsed_s
                self._commit()
        return False

    def close(self) -> None:
        """End the outputs and commit what they have; everything is attempted, the first error told."""
        errors: list[Exception] = []

        def attempt(end: Callable[[], object]) -> None:
            try:
                end()
            except Exception as error:  # noqa: BLE001 - told below, once all have had their turn
                errors.append(error)

        for part in (*self.outputs, self.rejects):
            attempt(part.close)
        if not errors:  # else what an output did not take is to be read again
            attempt(self.source.commit)
        attempt(self.source.close)
        if errors:
            raise errors[0]

    def _steps(self) -> Iterator[bool]:
        if self.forward and not self.pace.full:
            return self._paced()
        # While topics go on, a partition that is silent would keep all others waiting.
        return self._in_order() if self.earliest and not self.source.follow else self._plain()

    def _plain(self) -> Iterator[bool]:
        while not self._complete():
            self._handle(self.source.read(min(_MOST_AT_ONCE, self._wanted()), _READ_S))
            yield True

    def _paced(self) -> Iterator[bool]:
        """The same in the order of the timestamps, each message when it is due."""
        merge: Merge[Place, Message] | None = None
        clock = _Clock(self.pace)
        while not (self._complete() and not merge):
            wait_s = _READ_S if merge is None else clock.wait_s(merge.next_ms())
            batch = self.source.read(_MOST_AT_ONCE, wait_s)
            merge = merge if merge is not None else self._merge()
            if merge is not None:
                self._sort_in(merge, batch)
                self._send_due(merge, clock)
            yield True

    def _in_order(self) -> Iterator[bool]:
        """The same in the order of the timestamps, as many as somebody wants."""
        merge: Merge[Place, Message] | None = None
        while self._wanted() > 0 and not (self.source.done and not merge):
            batch = self.source.read(_MOST_AT_ONCE, _READ_S)
            merge = merge if merge is not None else self._merge()
            if merge is not None:
                self._sort_in(merge, batch)
                self._handle(
                    self.source.batch(merge.take_until(_FOREVER_MS, min(_MOST_AT_ONCE, self._wanted())))
                )
            yield True

    def _merge(self) -> "Merge[Place, Message] | None":
        """What sorts messages; None while it is not known which partitions are ours."""
        if not self.source.assigned:
            return None
        places = self.source.open_places()
        return Merge(places, max(100, _HELD_IN_ALL // max(1, len(places))))

    def _sort_in(self, merge: "Merge[Place, Message]", batch: Batch) -> None:
        for message in batch.messages:
            merge.offer(place_of(message), message.timestamp()[1], message)
        merge.keep_open(self.source.open_places())
        self.source.hold(merge.crowded())
        self.source.release(merge.roomy())

    def _send_due(self, merge: "Merge[Place, Message]", clock: "_Clock") -> None:
        due = merge.take_until(clock.until_ms(merge.next_ms()), _MOST_AT_ONCE)
        if due and self.forward:
            self._handle(self.source.batch(due))
            self.forward.late([clock.due_ns(message.timestamp()[1]) for message in due])

    def _complete(self) -> bool:
        return self._wanted() <= 0 or (self.source.done and not self.source.follow)

    def _wanted(self) -> int:
        """How many more messages somebody wants."""
        return max((output.wants for output in self.outputs), default=UNLIMITED)

    def _handle(self, batch: Batch) -> None:
        if not len(batch):
            return
        records, details = self.decoder.judge(batch)
        self.rejects.write(batch, details)
        self.counts.count(batch)
        for output in self.outputs:
            if output.wants > 0:
                output.write(batch, records)
        self.source.handled(batch)

    def _commit(self) -> None:
        if self.source.grouped:
            if self.forward:
                self.forward.flush()
            self.source.commit()


class _Clock:
    """When messages are due, from the moment at which the first one is known."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._first: tuple[int, int] | None = None  # (its timestamp in ms, when it is due in ns)

    def wait_s(self, next_ms: int | None) -> float:
        """How long until the next message is due, but no longer than a look at the rest can wait."""
        if next_ms is None or self._first is None:
            return _READ_S
        return min(_READ_S, max(0.0, (self.due_ns(next_ms) - time.time_ns()) / 1e9))

    def until_ms(self, next_ms: int | None) -> int:
        """The latest timestamp that is due now."""
        if next_ms is None:
            return 0
        if self._first is None:
            self._first = next_ms, time.time_ns()
        return self._pace.due_until_ms(time.time_ns(), *self._first)

    def due_ns(self, timestamp_ms: int) -> int:
        """When a message with this timestamp is due."""
        first_ms, begin_ns = self._first or (timestamp_ms, time.time_ns())
        return self._pace.due_ns(timestamp_ms, first_ms, begin_ns)
