"""Latency over time as a heat map, from a run's slices of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from lensload.metrics.histogram import Histogram, bucket_bounds
from lensload.metrics.slices import Slice, histogram
from lensload.report.html.figure import Figure, Key, Spec, by_name, figure, latency_axis, seconds_axis, ticks
from lensload.report.html.theme import HEAT, duration
from lensload.results.run import Run

MOST_COLUMNS = 60
ROWS_A_DECADE = 12
SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Where a colour ends: shares of the events of a column. In thirds of a power of ten, so that the tail is seen."""

_LEGEND = ("below 0.1 % of the column", "0.1 %", "0.3 %", "1 %", "3 %", "10 %", "30 % or more")


@dataclass(frozen=True, slots=True)
class Cell:
    """Some time, a range of latencies, and the share of that time's events that took so long."""

    from_s: float
    to_s: float
    low_us: float
    high_us: float
    share: float
    count: int


def heat_figure(
    run: Run, cells: Sequence[Cell], *, number: int, span_us: tuple[float, float], end_s: float, page_px: int
) -> Figure:
    """Each column's events, by how long they took end to end.

    Args:
        run: whose events.
        cells: what `cells_of` gave for it.
        number: which run of the report it is.
        span_us: the least and the greatest latency of all runs.
        end_s: the longest time of all runs.
        page_px: the width it has on a page.
    """
    aid = (
        "Darker (in the dark: brighter) is where more of a moment's events lie; a band that rises is a cluster that"
        " falls behind, a lone column is a pause. An event stands in the column in which it was due."
    )
    return figure(
        f"End-to-end latency over time, all {len(run['topics'])} topics",
        aid,
        lambda width: _spec(cells, width, span_us, end_s),
        legend=[Key(name, colour) for name, colour in zip(_LEGEND, HEAT, strict=True)],
        run=number,
        page_px=page_px,
    )


def cells_of(slices: Sequence[Slice], stage: str = "end_to_end") -> list[Cell]:
    """The cells that hold events; at most `MOST_COLUMNS` columns, each of one or more slices."""
    step = -(-len(slices) // MOST_COLUMNS) or 1
    cells: list[Cell] = []
    for first in range(0, len(slices), step):
        part = slices[first : first + step]
        merged = Histogram()
        for piece in part:
            merged.add(histogram(piece, stage))
        cells += _column(merged, part[0]["from_s"], part[-1]["to_s"])
    return cells


def span(cells: Sequence[Cell]) -> tuple[float, float]:
    """The least and the greatest latency of the cells, in microseconds."""
    return min((c.low_us for c in cells), default=1.0), max((c.high_us for c in cells), default=1_000.0)


def _column(merged: Histogram, from_s: float, to_s: float) -> list[Cell]:
    if not merged.count or to_s <= from_s:
        return []
    indices, filled = merged.filled
    lowest, highest = bucket_bounds(indices)
    middle_us = np.maximum((lowest + highest) / 2_000, 1.0)  # what took no time at all lies in the lowest row
    rows = np.floor(np.log10(middle_us) * ROWS_A_DECADE).astype(np.int64)
    first = int(rows.min())
    counts = np.bincount(rows - first, filled).astype(np.int64)
    return [
        Cell(
            from_s,
            to_s,
            10 ** ((first + row) / ROWS_A_DECADE),
            10 ** ((first + row + 1) / ROWS_A_DECADE),
            int(count) / merged.count,
            int(count),
        )
        for row, count in enumerate(counts)
        if count
    ]


def _spec(cells: Sequence[Cell], width: int, span_us: tuple[float, float], end_s: float) -> Spec:
    low, high = span_us
    values = [value for value in ticks(low, high) if low <= value <= high]
    bottom = 10 ** (floor(log10(low) * ROWS_A_DECADE) / ROWS_A_DECADE)
    top = 10 ** (ceil(log10(high) * ROWS_A_DECADE) / ROWS_A_DECADE)
    y = latency_axis("low", "latency", (bottom, top), values)
    return {
        "width": width,
        "height": 230,
        "data": {"values": [_shown(cell) for cell in cells]},
        "mark": {"type": "rect", "stroke": None},
        "encoding": {
            "x": seconds_axis("from", end_s, width),
            "x2": {"field": "to"},
            "y": {**y, "axis": {**y["axis"], "grid": False}},
            "y2": {"field": "high"},
            "description": {"field": "told"},
            "color": {**by_name(_LEGEND, HEAT, "level"), "type": "ordinal"},
        },
    }


def _shown(cell: Cell) -> dict[str, object]:
    level = sum(cell.share >= share for share in SHARES)
    between = f"{duration(cell.low_us)} to {duration(cell.high_us)}"
    return {
        "from": cell.from_s,
        "to": cell.to_s,
        "low": cell.low_us,
        "high": cell.high_us,
        "level": _LEGEND[level],
        "told": f"{cell.count:,} ({100 * cell.share:.2g} %) took {between}",
    }
