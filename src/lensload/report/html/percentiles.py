"""Percentile curves, on the axis on which each further nine takes as much room as the one before."""

from collections.abc import Iterable, Mapping
from math import floor, log10
from typing import Any

from lensload.metrics.stats import Histogram
from lensload.report.html.figure import WIDE_PX, Figure, Key, Spec, by_name, figure, latency_axis, ticks
from lensload.report.html.theme import DASHES, SERIES

STEPS_A_NINE = 16
BEYOND = 10
"""A curve ends where fewer samples than this lie beyond it: from there on it would show single events."""

_TENTH = -log10(0.9)

_LABELS = (
    "datum.value < 1 ? '50 %' : datum.value == 1 ? '90 %' : datum.value == 2 ? '99 %'"
    " : '99.' + substring('999999', 0, datum.value - 2) + ' %'"
)
_AID = (
    "Read upwards from 99 %: one event in a hundred takes longer than that."
    " A curve ends where fewer than ten events lie beyond it."
)


def percentile_figure(
    title: str,
    curves: Mapping[str, Histogram],
    *,
    number: int | None = None,
    span_us: tuple[float, float] | None = None,
    page_px: int = WIDE_PX,
) -> Figure:
    """One curve for each name, in the order given.

    Args:
        title: what the curves are of.
        curves: histograms by the name to show; one that holds too little has no curve.
        number: which run of the report they belong to.
        span_us: the least and greatest latency that the axis must hold; None: those of the curves.
        page_px: the width it has on a page.
    """
    points = [point for name, histogram in curves.items() for point in _curve(name, histogram)]
    low, high = span_us or span(curves.values())
    legend = [
        Key(name, SERIES[n % len(SERIES)], DASHES[n % len(DASHES)])
        for n, name in enumerate(curves)
        if curves[name].count > BEYOND
    ]
    return figure(
        title,
        _AID,
        lambda width: _spec(points, legend, width, low, high),
        legend=legend,
        run=number,
        page_px=page_px,
    )


def span(histograms: Iterable[Histogram]) -> tuple[float, float]:
    """The least and the greatest latency that curves of these histograms show, in microseconds.

    The fastest tenth is not asked to fit: its few extremes would take half of a logarithmic axis.
    """
    shown = [point["us"] for one in histograms for point in _curve("", one) if point["nines"] >= _TENTH]
    return min(shown, default=1.0), max(shown, default=1_000.0)


def _curve(name: str, histogram: Histogram) -> list[dict[str, Any]]:
    if histogram.count <= BEYOND:
        return []
    last = floor(log10(histogram.count / BEYOND) * STEPS_A_NINE)
    points: list[dict[str, Any]] = []
    for step in range(last + 1):
        percent = 100 * (1 - 10 ** (-step / STEPS_A_NINE))
        found_us = histogram.percentile_us(percent) or 0.0
        points.append({"name": name, "nines": step / STEPS_A_NINE, "us": max(found_us, 0.1)})
    return points


def _spec(points: list[dict[str, Any]], legend: list[Key], width: int, low: float, high: float) -> Spec:
    values = ticks(low, high)
    most = max((point["nines"] for point in points), default=1.0)
    x = {
        "field": "nines",
        "type": "quantitative",
        "title": "percentile of events",
        "scale": {"domain": [0, max(1.0, most)], "nice": False},
        "axis": {"values": [log10(2), *range(1, floor(most) + 1)], "labelExpr": _LABELS},
    }
    y = latency_axis("us", "latency", (values[0], values[-1]), values)
    names = [key.name for key in legend]
    return {
        "width": width,
        "height": 260,
        "data": {"values": points},
        "mark": {"type": "line", "strokeWidth": 2, "interpolate": "monotone", "clip": True},
        "encoding": {
            "x": x,
            "y": y,
            "color": by_name(names, [key.colour for key in legend]),
            "strokeDash": by_name(names, [key.dash for key in legend]),
        },
    }
