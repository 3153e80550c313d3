"""The model monitor: model-metrics made from windows of the answers and clicks that were really sent."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.world import event_rows as kinds
from lensload.world.event_rows import ROW, Rows, taken
from lensload.world.recommender import ERROR, MODELS, Answers
from lensload.world.session_clock import Clock

METRIC_TYPES: Final = (
    *("accuracy", "precision", "recall", "f1_score", "auc", "latency", "throughput", "error_rate"),
)
THROUGHPUT: Final = METRIC_TYPES.index("throughput")
WINDOW_SESSIONS: Final = 128  # how many sessions of a lane a window spans

# What is summed in a window for each lane and model.
ANSWERS, ERRORS, TOOK_MS, SHOWN, CLICKS, TOP_CLICKS, ORDERED, SEARCHES = range(8)
SUMS: Final = 8


class ModelMonitor:
    """Sums what is sent, lane by lane, and gives each lane's metrics when its window closes.

    A lane's window j closes when its session number (j + phase) * WINDOW_SESSIONS would begin, with a phase of the
    lane's own, so that lanes report one after another. Definitions, over one window: *precision* is clicks per item shown; *recall* is
    the share of opened items that were recommended rather than searched for; *accuracy* is the share of
    answers whose first item was clicked; *auc* is the mean over clicks of the share of the list's other items
    ranked below the clicked one; *latency* is the mean processing time in ms; *throughput*, answers a second,
    is filled in when the window's wall-clock span is known (here it is the number of answers).

    Args:
        lanes: the lanes to watch.
        clock: when their sessions begin.
    """

    def __init__(self, lanes: NDArray[np.int64], clock: Clock) -> None:
        self._clock = clock
        self._lanes = lanes
        self._place = np.zeros(ids.MAX_LANES, dtype=np.int64)
        self._place[lanes] = np.arange(len(lanes))
        self._sums = np.zeros((len(lanes) * len(MODELS), SUMS))
        self._phase = (lanes * 37 % 64 + 1) / 64
        self._window = np.zeros(len(lanes), dtype=np.int64)

    def watch(self, rows: Rows, pages: Answers, until: float) -> Rows:
        """Take in all rows up to world time `until` (exclusive) and give the metrics due before it.

        `pages` are the answers that the rows' pages index. At most one window a lane may close in a call.
        """
        what = rows["what"]
        watched = taken(
            rows, np.flatnonzero((what == kinds.RESPONSE) | (what == kinds.CLICK) | (what == kinds.SEARCH))
        )
        closes = self._clock.at((self._window + self._phase) * WINDOW_SESSIONS)
        early, late = self._sums_of(watched, pages, closes)
        self._sums += early
        closing = np.flatnonzero(closes < until)
        metrics = self._metrics(closing, closes[closing])
        self._sums.reshape(len(self._lanes), -1)[closing] = 0
        self._window[closing] += 1
        self._sums += late
        return metrics

    def _sums_of(self, rows: Rows, pages: Answers, closes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sums of what happened before a lane's window closes, and from then on: shape (2, cells, SUMS)."""
        found = np.zeros((2 * len(self._sums), SUMS))

        def add(column: int, cell: NDArray[np.int64], amounts: NDArray[np.generic] | None = None) -> None:
            found[:, column] = np.bincount(cell, weights=amounts, minlength=len(found))

        what, page, place = rows["what"], rows["page"], self._place[rows["lane"]]
        cells = place * len(MODELS) + pages.model[page] + len(self._sums) * (rows["time"] >= closes[place])
        answered, clicked, searched = (
            np.flatnonzero(what == kind) for kind in (kinds.RESPONSE, kinds.CLICK, kinds.SEARCH)
        )
        cell, answer = cells[answered], page[answered]
        add(ANSWERS, cell)
        add(ERRORS, cell, pages.status[answer] == ERROR)
        add(TOOK_MS, cell, pages.processing_ms[answer])
        add(SHOWN, cell, pages.shown[answer])
        cell, rank = cells[clicked], rows["rank"][clicked].astype(np.float64)
        add(CLICKS, cell)
        add(TOP_CLICKS, cell, rank == 1)
        add(ORDERED, cell, ranked_above(pages.shown[page[clicked]], rank))
        add(SEARCHES, cells[searched])
        return found.reshape(2, *self._sums.shape)

    def _metrics(self, closing: NDArray[np.int64], closes: NDArray[np.float64]) -> Rows:
        sums = self._sums.reshape(len(self._lanes), len(MODELS), SUMS)[closing]
        place, model = np.nonzero(sums[:, :, ANSWERS])
        values = values_of(sums[place, model])
        rows = np.zeros(values.shape, dtype=ROW)
        rows["what"], rows["rank"], rows["value"] = kinds.MODEL_METRIC, np.arange(len(METRIC_TYPES)), values
        rows["time"], rows["page"] = closes[place][:, None], model[:, None]
        rows["lane"], rows["session"] = (
            (array[closing][place])[:, None] for array in (self._lanes, self._window)
        )
        return rows.ravel()


def ranked_above(
    shown: NDArray[np.integer], rank: NDArray[np.floating] | NDArray[np.integer]
) -> NDArray[np.float64]:
    """The share of a list's other items that stand below the one at `rank`."""
    return (shown - rank) / np.maximum(1, shown - 1)


def values_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The metrics, shape (n, types), of the sums of n windows, shape (n, SUMS)."""
    answers, errors, took_ms, shown, clicks, top_clicks, ordered, searches = sums.T
    precision = _ratio(clicks, shown)
    recall = _ratio(clicks, clicks + searches)
    f1 = _ratio(2 * precision * recall, precision + recall)
    auc = np.where(clicks > 0, _ratio(ordered, clicks), 0.5)
    return np.stack(
        (
            *(top_clicks / answers, precision, recall, f1, auc, took_ms / answers),
            *(answers, errors / answers),
        ),
        axis=1,
    )


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
