"""A service under test as the page shows it: its answers so far, and how far its groups are behind."""

from typing import Any

from lensload.coordinator.recorder import Recorder
from lensload.results.run import Run


def service(recorder: Recorder | None, result: Run | None) -> dict[str, Any] | None:
    """What is known of it now, or was at the end; None where nothing outside answers and no group is watched.

    Returns:
        requests, answered and unanswered (while the run is on: without an answer yet, warm-up included), null where
        lensload answers itself; and by group lag, lag_s, members and state of its last second.
    """
    if result:
        rows = {
            name: group["series"][-1] for name, group in result.get("groups", {}).items() if group["series"]
        }
        found = result.get("responses")
        counts = (found["requests"], found["answered"]) if found else None
    elif recorder:
        rows = recorder.groups.last()
        counts = (recorder.replies.requests, recorder.replies.answered) if recorder.replies else None
    else:
        return None
    if counts is None and not rows:
        return None
    return {
        "requests": counts and counts[0],
        "answered": counts and counts[1],
        "unanswered": counts and counts[0] - counts[1],
        "groups": {
            name: {key: row[key] for key in ("lag", "lag_s", "members", "state")}
            for name, row in rows.items()
        },
    }
