"""The reply ledger, against a plain account of the same requests and answers."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.responses import RESPONSE_COUNTS
from lensload.service import records
from lensload.service.ledger import ReplyLedger
from lensload.service.records import ANSWER, REQUEST

START_NS = 1_772_600_000_000_000_000
MS = 1_000_000
TIMEOUT_S = 0.5
MEASURE_FROM = 10  # the first request number that is measured


@dataclass(frozen=True)
class Reply:
    """An answer to a request by number, and what is wrong with it."""

    request: int
    took_ms: int
    user: int
    model: int
    shown: int
    marks: int


REPLIES = st.builds(
    Reply,
    request=st.integers(0, 45),
    took_ms=st.integers(1, 1000),
    user=st.integers(0, 1),
    model=st.integers(0, 1),
    shown=st.integers(4, 6),
    marks=st.sampled_from([0, records.PARTIAL, records.ERROR, records.DISORDERED, records.UNKNOWN_ITEMS]),
)


def serial(number: int) -> int:
    """Requests go round three lanes."""
    return (7 * (number % 3) << 36) | (number // 3)


def due_ns(number: int) -> int:
    return START_NS + number * 2_000 * MS


def request_rows(numbers: list[int]) -> bytes:
    return np.array([(serial(n), due_ns(n), 0, 0, 5) for n in numbers], REQUEST).tobytes()


def answer_rows(replies: list[Reply]) -> bytes:
    rows = [
        (
            serial(r.request),
            due_ns(r.request),
            due_ns(r.request) + r.took_ms * MS,
            due_ns(r.request) + (r.took_ms - 1) * MS,
            1,
            r.user,
            r.model,
            r.shown,
            r.marks,
        )
        for r in replies
    ]
    return np.array(rows, ANSWER).tobytes()


def plain(requests: list[int], replies: list[Reply]) -> Counter[str]:
    """The counts, one answer after the other in the order in which they came."""
    found = Counter[str](requests=sum(n >= MEASURE_FROM for n in requests))
    answered: set[int] = set()
    for reply in sorted(replies, key=lambda r: due_ns(r.request) + r.took_ms * MS):
        if reply.request not in requests:
            found["unasked"] += 1
        elif reply.request in answered:
            found["duplicated"] += reply.request >= MEASURE_FROM
        else:
            answered.add(reply.request)
            if reply.request >= MEASURE_FROM:
                found.update(judged(reply))
    found["unanswered"] = found["requests"] - found["answered"]
    return found


def judged(reply: Reply) -> Counter[str]:
    success = not reply.marks & (records.PARTIAL | records.ERROR)
    return Counter(
        answered=1,
        late=reply.took_ms > TIMEOUT_S * 1000,
        misdirected=reply.user != 0,
        wrong_model=reply.model != 0,
        wrong_count=reply.shown > 5 or (reply.shown < 5 and success),
        partial=bool(reply.marks & records.PARTIAL),
        error=bool(reply.marks & records.ERROR),
        disordered=bool(reply.marks & records.DISORDERED),
        unknown_items=bool(reply.marks & records.UNKNOWN_ITEMS),
    )


@settings(max_examples=150)
@given(
    st.lists(st.integers(0, 40), unique=True, min_size=1),
    st.lists(REPLIES, unique_by=lambda r: (r.request, r.took_ms)),
    st.booleans(),
)
def test_the_ledger_is_exact(requests: list[int], replies: list[Reply], answers_first: bool):
    """Every count is what a plain account gives, in whichever order observers report, and all latencies are recorded."""
    ledger, from_ns = ReplyLedger(TIMEOUT_S), due_ns(MEASURE_FROM)
    by_second = StatsBySecond(from_ns)
    reports = [(request_rows(requests), b""), (b"", answer_rows(replies))]
    for asked, answers in reversed(reports) if answers_first else reports:
        ledger.add(asked, answers, {})
        ledger.settle(by_second)
    counts = ledger.result(from_ns)["counts"]
    expected = plain(requests, replies)
    assert {name: counts[name] for name in RESPONSE_COUNTS} == {
        name: expected[name] for name in RESPONSE_COUNTS
    }
    assert by_second.total().histogram("response").count == expected["answered"]
    assert ledger.requests == len(requests)


def test_a_second_report_of_a_request_changes_nothing():
    """Requests that an observer reads twice are one request."""
    ledger = ReplyLedger(TIMEOUT_S)
    for _ in range(2):
        ledger.add(request_rows([1, 2, 3, 500]), b"", {"foreign": 1})
    assert ledger.requests == 4
    assert ledger.result(START_NS)["counts"]["foreign"] == 2
