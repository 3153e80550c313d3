"""The curve of rate against percentile as a picture, SVG or PNG."""

from pathlib import Path
from typing import Any, Final

import vl_convert

from lensload.capacity.result import PERCENTILES, Capacity, in_order
from lensload.errors import UsageError
from lensload.report.html.figure import Spec, by_name, latency_axis, ticks
from lensload.report.html.theme import CONFIG, DASHES, SERIES, on_paper
from lensload.report.units import STATISTIC_NAMES

SUFFIXES = (".svg", ".png")
_NAMES = [STATISTIC_NAMES[name] for name in PERCENTILES]

_RATE: Final[Spec] = {
    "field": "rate",
    "type": "quantitative",
    "scale": {"type": "log", "nice": False, "padding": 12},
    "axis": {"format": "~s", "grid": False, "tickCount": 6},
}
_LEGEND: Final[Spec] = {
    "orient": "top",
    "offset": 24,
    "title": None,
    "symbolType": "stroke",
    "symbolStrokeWidth": 2.5,
    "disable": False,
}


def check(path: Path) -> None:
    """Refuse before a search what cannot be drawn after it.

    Raises:
        UsageError: the name ends in neither .svg nor .png.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"The picture {path} is neither SVG nor PNG.", "End its name in .svg or .png.")


def write(path: Path, capacity: Capacity) -> bool:
    """Draw end-to-end percentiles over the rate; False where no run has any to draw.

    Raises:
        UsageError: the file cannot be written.
    """
    points = _points(capacity)
    if not points:
        return False
    spec = on_paper(_spec(capacity, points))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".png":
            path.write_bytes(vl_convert.vegalite_to_png(spec, scale=2))
        else:
            path.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The picture {path} cannot be written: {error.strerror or error}.",
            "Give another place with --chart.",
        ) from error
    return True


def _points(capacity: Capacity) -> list[dict[str, Any]]:
    return [
        {
            "rate": point["rate_per_s"],
            "name": STATISTIC_NAMES[name],
            "us": max(value, 0.1),
            "answer": point["answer"],
        }
        for point in in_order(capacity)
        for name in PERCENTILES
        if (value := point["latency_us"]["end_to_end"][name]) is not None
    ]


def _spec(capacity: Capacity, points: list[dict[str, Any]]) -> Spec:
    rate = {**_RATE, "title": f"{capacity['rate_of']}/s asked for"}
    title = {
        "text": "Rate against latency",
        "subtitle": [
            capacity["text"].partition(". ")[0],
            "Filled: the objectives held. Hollow: they did not, or the load was not reached.",
        ],
        "anchor": "start",
        "color": "var(--ink)",
        "subtitleColor": "var(--muted)",
        "offset": 14,
    }
    return {
        "width": 760,
        "height": 340,
        "padding": 16,
        "background": "var(--paper)",
        "title": title,
        "data": {"values": points},
        "layer": [*_curves(points, rate), *_found(capacity["held_per_s"], rate)],
        "config": CONFIG,
    }


def _curves(points: list[dict[str, Any]], rate: Spec) -> list[Spec]:
    """A line for each percentile, and a dot for each run, filled where the objectives held."""
    values = ticks(min(point["us"] for point in points), max(point["us"] for point in points))
    y = latency_axis("us", "end-to-end latency", (values[0], values[-1]), values)
    colour, dash = by_name(_NAMES, SERIES[:4]), by_name(_NAMES, DASHES[:4])
    line: Spec = {
        "x": rate,
        "y": {**y, "aggregate": "mean"},
        "color": {**colour, "legend": _LEGEND},
        "strokeDash": {**dash, "legend": _LEGEND},
    }
    filled = {"test": "datum.answer == 'held'", "value": 1}
    dot: Spec = {
        "x": rate,
        "y": y,
        "color": colour,
        "fillOpacity": {"condition": filled, "value": 0},
        "strokeOpacity": {"value": 1},
        "stroke": colour,
    }
    return [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": line},
        {"mark": {"type": "point", "size": 45, "filled": True, "strokeWidth": 1.5}, "encoding": dot},
    ]


def _found(held_per_s: float | None, rate: Spec) -> list[Spec]:
    """A line down at the rate that was found."""
    if not held_per_s:
        return []
    mark = {"type": "rule", "color": "var(--ink)", "strokeDash": [3, 3]}
    return [{"data": {"values": [{"rate": held_per_s}]}, "mark": mark, "encoding": {"x": rate}}]
