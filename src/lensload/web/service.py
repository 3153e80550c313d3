"""A service under test as the page shows it: its answers so far, and how far its groups are behind."""

from collections.abc import Iterator
from typing import Any

from lensload.coordinator.recorder import Recorder
from lensload.metrics.responses import RESPONSE_COUNTS, Responses
from lensload.report import service as words
from lensload.results.build import Judged
from lensload.results.run import Run


def service(recorder: Recorder | None, judged: Judged | None, result: Run | None) -> dict[str, Any] | None:
    """What is known of it now, or was at the end; None where nothing outside answers and no group is watched.

    Returns:
        requests, answered and unanswered (while the run is on: without an answer yet, warm-up included), null where
        lensload answers itself; by group lag, lag_s, members and state of its last second; counts of the measured
        requests, as in a run file, and sentences about their answers.
    """
    if result:
        rows = {
            name: group["series"][-1] for name, group in result.get("groups", {}).items() if group["series"]
        }
        found = result.get("responses")
        counts = (found["requests"], found["answered"]) if found else None
    elif recorder:
        rows, found = recorder.groups.last(), judged and judged["responses"]
        counts = (recorder.replies.requests, recorder.replies.answered) if recorder.replies else None
    else:
        return None
    if counts is None and not rows:
        return None
    return {
        "requests": counts and counts[0],
        "answered": counts and counts[1],
        "unanswered": counts and counts[0] - counts[1],
        "counts": {name: found[name] for name in RESPONSE_COUNTS} if found else {},
        "says": list(_sentences(found)) if found else [],
        "groups": {
            name: {key: row[key] for key in ("lag", "lag_s", "members", "state")}
            for name, row in rows.items()
        },
    }


def _sentences(found: Responses) -> Iterator[str]:
    if fall := found["breakdown"]:
        yield words.parts_line(fall)
        yield words.sentence(fall)
    if seen := found["reception"]:
        yield words.reception_line(seen)
