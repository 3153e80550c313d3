"""The reply ledger: every request of a run, and what became of it.

Observers report requests and answers as they find them in their topics, in any order and from any partition; here each
answer meets its request. Memory: 25 bytes a request.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.responses import RESPONSE_COUNTS
from lensload.service import records
from lensload.service.records import ANSWER, REQUEST, Rows, rows_of

TOPIC: Final = "recommendation-responses"
_LEAST: Final = 1024  # sequences of a lane for which there is room at first
_MARKED: Final = {
    "disordered": records.DISORDERED,
    "unknown_items": records.UNKNOWN_ITEMS,
    "partial": records.PARTIAL,
    "error": records.ERROR,
    "unknown_schema": records.UNREADABLE,
}


class ReplyLedger:
    """Who asked what, and how it was answered.

    Args:
        timeout_s: after how long an answer is late.

    Attributes:
        requests: how many requests have been entered, warm-up included.
        answered: how many of them have an answer.
    """

    def __init__(self, timeout_s: float) -> None:
        self.requests = self.answered = 0
        self._timeout_ns = round(timeout_s * 1e9)
        self._counts = dict.fromkeys(RESPONSE_COUNTS, 0)
        self._sums = dict.fromkeys(("response_ns", "writing_ns", "claimed_ns"), 0.0)
        self._stamped = {"service": 0, "broker": 0}
        self._lanes: dict[int, int] = {}  # each lane's row in the tables
        self._due_ns = np.zeros((0, _LEAST), np.int64)  # 0: not asked
        self._user = np.zeros((0, _LEAST), np.uint64)
        self._model = np.zeros((0, _LEAST), np.uint64)
        self._asked = np.zeros((0, _LEAST), np.uint8)
        self._replied = np.zeros((0, _LEAST), np.bool_)
        self._fresh: list[Rows] = []
        self._waiting: Rows = np.zeros(0, ANSWER)

    def add(self, requests: bytes, answers: bytes, totals: dict[str, int]) -> None:
        """Take in what an observer reports."""
        if requests:
            self._enter(rows_of(requests, REQUEST))
        if answers:
            self._fresh.append(rows_of(answers, ANSWER))
        for name, n in totals.items():
            self._counts[name] += n

    def settle(self, stats: StatsBySecond) -> None:
        """Let answers meet their requests; latencies of the measured time go into the stats, as stage `response`."""
        answers = np.concatenate([self._waiting, *self._fresh])
        self._fresh.clear()
        answers = answers[np.argsort(answers["came_ns"], kind="stable")]
        line, sequence = self._places(answers["serial"])
        known = (line >= 0) & (sequence < self._due_ns.shape[1])
        known[known] = self._due_ns[line[known], sequence[known]] == answers["due_ns"][known]
        self._waiting = answers[~known]
        line, sequence, answers = line[known], sequence[known], answers[known]
        first = ~self._replied[line, sequence]
        cells = line * self._due_ns.shape[1] + sequence
        again = np.ones(len(cells), np.bool_)
        again[np.unique(cells, return_index=True)[1]] = False
        first &= ~again
        self._replied[line, sequence] = True
        self.answered += int(np.count_nonzero(first))
        measured = answers["due_ns"] >= stats.origin_ns
        self._counts["duplicated"] += int(np.count_nonzero(measured & ~first))
        which = np.flatnonzero(first & measured)
        self._judge(answers[which], line[which], sequence[which], stats)

    def result(self, measure_from_ns: int, *, now_ns: int = 0) -> dict[str, Any]:
        """The counts, and the means of `response_us`, `writing_us` (due until written) and `claimed_us`.

        What has still not met a request is `unasked`.

        Args:
            measure_from_ns: requests due from then on count.
            now_ns: while the run is on, the time, Unix ns: a request that may still be answered in time does not count yet.
        """
        asked = (self._due_ns >= measure_from_ns) & (self._due_ns > 0)
        overdue = asked & ~self._replied
        if now_ns:
            overdue &= self._due_ns < now_ns - self._timeout_ns
        counts = {**self._counts, "unasked": 0 if now_ns else len(self._waiting)}
        counts["unanswered"] = int(np.count_nonzero(overdue))
        counts["requests"] = counts["answered"] + counts["unanswered"]
        read = self._stamped["service"] + self._stamped["broker"]
        means = {name.replace("_ns", "_us"): total / 1e3 / read for name, total in self._sums.items() if read}
        clocks = [clock for clock, count in self._stamped.items() if count]
        return {"counts": counts, **means, "clock": "both" if len(clocks) > 1 else "".join(clocks)}

    def _enter(self, rows: Rows) -> None:
        lanes, sequence = ids.lanes_and_sequences(rows["serial"])
        self._make_room(np.unique(lanes).tolist(), int(sequence.max()))
        line = np.array([self._lanes[lane] for lane in lanes.tolist()])
        fresh = self._due_ns[line, sequence] == 0
        for table, name in (
            (self._due_ns, "due_ns"),
            (self._user, "user"),
            (self._model, "model"),
            (self._asked, "asked"),
        ):
            table[line, sequence] = rows[name]
        self.requests += len(np.unique((line * self._due_ns.shape[1] + sequence)[fresh]))

    def _make_room(self, lanes: list[int], sequence: int) -> None:
        for lane in lanes:
            self._lanes.setdefault(lane, len(self._lanes))
        height, width = self._due_ns.shape
        shape = len(self._lanes), max(width, 1 << sequence.bit_length())
        if shape != (height, width):
            for name in ("_due_ns", "_user", "_model", "_asked", "_replied"):
                table = getattr(self, name)
                grown = np.zeros(shape, table.dtype)
                grown[:height, :width] = table
                setattr(self, name, grown)

    def _places(self, serials: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        lanes, sequence = ids.lanes_and_sequences(serials)
        line = np.fromiter((self._lanes.get(lane, -1) for lane in lanes.tolist()), np.int64, len(lanes))
        return line, sequence

    def _judge(
        self, answers: Rows, line: NDArray[np.int64], sequence: NDArray[np.int64], stats: StatsBySecond
    ) -> None:
        """Count what the first answers of the measured time are like, and how long they took."""
        if not len(answers):
            return
        took_ns = answers["came_ns"] - answers["due_ns"]
        for _, part, of_second in stats.split(answers["due_ns"]):
            part.record("response", TOPIC, took_ns[of_second])
        marks, shown = answers["marks"], answers["shown"]
        read = (marks & records.UNREADABLE) == 0
        asked = self._asked[line, sequence]
        success = (marks & (records.PARTIAL | records.ERROR)) == 0
        found = {
            "answered": np.ones(len(answers), np.bool_),
            "late": took_ns > self._timeout_ns,
            "misdirected": read & (answers["user"] != self._user[line, sequence]),
            "wrong_model": read & (answers["model"] != self._model[line, sequence]),
            "wrong_count": read & ((shown > asked) | (success & (shown < asked))),
            **{name: (marks & mark) != 0 for name, mark in _MARKED.items()},
        }
        for name, which in found.items():
            self._counts[name] += int(np.count_nonzero(which))
        self._add_up(answers[read])

    def _add_up(self, answers: Rows) -> None:
        """Sums for the means of the breakdown, of answers that can be read."""
        self._sums["response_ns"] += float((answers["came_ns"] - answers["due_ns"]).sum())
        self._sums["writing_ns"] += float((answers["written_ns"] - answers["due_ns"]).sum())
        self._sums["claimed_ns"] += float(answers["claimed_ms"].sum()) * ids.NS_PER_MS
        by_the_broker = int(np.count_nonzero(answers["marks"] & records.BY_THE_BROKER))
        self._stamped["broker"] += by_the_broker
        self._stamped["service"] += len(answers) - by_the_broker
