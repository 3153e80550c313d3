"""The model monitor: model-metrics made from windows of the answers and clicks that were really sent."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import sessions
from lensload.world.recommender import ERROR, MODELS
from lensload.world.sessions import CLICK, MODEL_METRIC, RESPONSE, ROW, SEARCH, SESSION_GAP_S, Rows, joined

METRIC_TYPES: Final = (
    *("accuracy", "precision", "recall", "f1_score", "auc", "latency", "throughput", "error_rate"),
)
THROUGHPUT: Final = METRIC_TYPES.index("throughput")
WINDOW_SESSIONS: Final = 128  # how many sessions of a lane a window spans
WINDOW_S: Final = WINDOW_SESSIONS * SESSION_GAP_S

# What is summed in a window for each lane and model.
_ANSWERS, _ERRORS, _TOOK_MS, _SHOWN, _CLICKS, _TOP_CLICKS, _ORDERED, _SEARCHES = range(8)
_SUMS: Final = 8


class ModelMonitor:
    """Sums what is sent, lane by lane, and gives each lane's metrics when its window closes.

    A lane's window j closes at world time (j + phase) * WINDOW_S with a phase of the lane's own, so that lanes
    report one after another. Definitions, over one window: *precision* is clicks per item shown; *recall* is
    the share of opened items that were recommended rather than searched for; *accuracy* is the share of
    answers whose first item was clicked; *auc* is the mean over clicks of the share of the list's other items
    ranked below the clicked one; *latency* is the mean processing time in ms; *throughput*, answers a second,
    is filled in when the window's wall-clock span is known (here it is the number of answers).

    Args:
        lanes: the lanes to watch.
    """

    def __init__(self, lanes: NDArray[np.int64]) -> None:
        self._lanes = lanes
        self._place = np.zeros(sessions.MOST_LANES, dtype=np.int64)
        self._place[lanes] = np.arange(len(lanes))
        self._sums = np.zeros((len(lanes), len(MODELS), _SUMS))
        self._phase = (lanes * 37 % 64 + 1) / 64
        self._window = np.zeros(len(lanes), dtype=np.int64)

    def watch(
        self,
        rows: Rows,
        model: NDArray[np.integer],
        took_ms: NDArray[np.integer],
        shown: NDArray[np.integer],
        status: NDArray[np.integer],
        until: float,
    ) -> Rows:
        """Take in all rows up to world time `until` (exclusive) and give the metrics due before it.

        The arrays beside `rows` describe each row's page. At most one window a lane may close in a call.
        """
        place = self._place[rows["lane"]]
        closes = (self._window + self._phase) * WINDOW_S
        late = rows["time"] >= closes[place]
        values = _contributions(rows, took_ms, shown, status)
        self._add(~late, place, model, values)
        closing = np.flatnonzero(closes < until)
        metrics = [self._metrics(index, closes[index]) for index in closing.tolist()]
        self._sums[closing] = 0
        self._window[closing] += 1
        self._add(late, place, model, values)
        return joined(metrics) if metrics else np.zeros(0, dtype=ROW)

    def _add(
        self,
        which: NDArray[np.bool_],
        place: NDArray[np.int64],
        model: NDArray[np.integer],
        values: dict[int, tuple[NDArray[np.bool_], NDArray[np.generic] | None]],
    ) -> None:
        cell = place * len(MODELS) + model
        flat = self._sums.reshape(-1, _SUMS)
        for column, (mask, weights) in values.items():
            chosen = np.flatnonzero(which & mask)
            if len(chosen):
                weight = None if weights is None else weights[chosen]
                flat[:, column] += np.bincount(cell[chosen], weights=weight, minlength=len(flat))

    def _metrics(self, index: int, closes: float) -> Rows:
        parts = [
            _rows(self._lanes[index], int(self._window[index]), model, closes, self._sums[index, model])
            for model in range(len(MODELS))
            if self._sums[index, model, _ANSWERS]
        ]
        return joined(parts) if parts else np.zeros(0, dtype=ROW)


def _contributions(
    rows: Rows, took_ms: NDArray[np.integer], shown: NDArray[np.integer], status: NDArray[np.integer]
) -> dict[int, tuple[NDArray[np.bool_], NDArray[np.generic] | None]]:
    what, rank = rows["what"], rows["rank"].astype(np.float64)
    answered, clicked = what == RESPONSE, what == CLICK
    below = (shown - rank) / np.maximum(1, shown.astype(np.float64) - 1)
    return {
        _ANSWERS: (answered, None),
        _ERRORS: (answered & (status == ERROR), None),
        _TOOK_MS: (answered, took_ms),
        _SHOWN: (answered, shown),
        _CLICKS: (clicked, None),
        _TOP_CLICKS: (clicked & (rank == 1), None),
        _ORDERED: (clicked, below),
        _SEARCHES: (what == SEARCH, None),
    }


def _rows(lane: int, window: int, model: int, closes: float, sums: NDArray[np.float64]) -> Rows:
    answers, errors, took_ms, shown, clicks, top_clicks, ordered, searches = sums.tolist()
    precision = clicks / shown if shown else 0.0
    recall = clicks / (clicks + searches) if clicks + searches else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    auc = ordered / clicks if clicks else 0.5
    rows = np.zeros(len(METRIC_TYPES), dtype=ROW)
    rows["time"], rows["what"], rows["lane"] = closes, MODEL_METRIC, lane
    rows["session"], rows["page"], rows["rank"] = window, model, np.arange(len(METRIC_TYPES))
    rows["value"] = (
        *(top_clicks / answers, precision, recall, f1, auc, took_ms / answers, answers, errors / answers),
    )
    return rows
