"""A service under test on the live page: while the run is on, and from its result."""

import json
from typing import Any

from lensload.metrics.responses import RESPONSE_COUNTS
from lensload.service.group_watch import Sample
from lensload.service.groups import GroupLedger
from lensload.service.ledger import ReplyLedger
from lensload.web.live import Live
from lensload.web.service import service
from tests.support.planted_runs import a_run
from tests.support.transports import FakeTransport, coordinated

NS_PER_S = 1_000_000_000
SAMPLES: list[Sample] = [
    ("shop", second * NS_PER_S, {"user-interactions": (10 * second, second / 2)}, "STABLE", 2, False)
    for second in range(1, 4)
]
NOTHING = {"requests": None, "answered": None, "unanswered": None, "counts": {}, "says": []}
SPENT = {
    "response_us": 310e3,
    "acknowledging_us": 100e3,
    "answering_us": 200e3,
    "reading_us": 10e3,
    "claimed_us": 40e3,
}
RESPONSES = {
    **dict.fromkeys(RESPONSE_COUNTS, 0),
    "requests": 90,
    "answered": 90,
    "late": 2,
    "reception": None,
    "breakdown": {**SPENT, "clock": "service", "mostly": "answering"},
}
LAST = {"shop": {"lag": 30, "lag_s": 1.5, "members": 2, "state": "STABLE"}}


def test_a_run_without_a_service_shows_none():
    """The page has no empty section where lensload answers itself and watches nobody."""
    recorder = coordinated(FakeTransport("a"), Live()).recorder
    assert service(None, None, None) is None
    assert service(recorder, None, None) is None
    assert service(recorder, None, a_run()) is None


def test_answers_and_lag_are_shown_while_the_run_is_on():
    """How many requests wait for an answer, and how far each group was behind in its last second."""
    recorder = coordinated(FakeTransport("a"), Live()).recorder
    recorder.groups.add(SAMPLES)
    found = service(recorder, None, None)
    assert found == {**NOTHING, "groups": LAST}
    recorder.replies = ReplyLedger(10.0)
    recorder.replies.requests, recorder.replies.answered = 100, 97
    judged: Any = {"responses": RESPONSES}
    found = service(recorder, judged, None)
    assert found
    assert [found[name] for name in ("requests", "answered", "unanswered")] == [100, 97, 3]
    assert found["counts"] == {**dict.fromkeys(RESPONSE_COUNTS, 0), "requests": 90, "answered": 90, "late": 2}
    assert "310 ms" in found["says"][0]
    json.dumps(found)


def test_the_result_is_shown_when_the_run_is_over():
    """What the run file has replaces what was seen on the way."""
    ledger = GroupLedger()
    ledger.add(SAMPLES)
    found = service(None, None, {**a_run(seconds=5), "groups": ledger.result(0, 0, 4 * NS_PER_S)})
    assert found
    assert found["groups"] == LAST
    assert found["requests"] is None
