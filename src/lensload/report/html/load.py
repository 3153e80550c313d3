"""Load against target over time."""

from collections.abc import Sequence
from typing import Any

from lensload.report.hand_rate import set_by_hand
from lensload.report.html.figure import Figure, Key, Spec, figure, seconds_axis
from lensload.report.html.theme import ACCENT, MUTED, RULE, SERIES, title_above
from lensload.results.run import Row, Run, with_lengths

_DASH = [5, 3]
_CHANGE = [2, 2]
_CHANGES = Key("rate changed by hand", SERIES[3], _CHANGE)


def load_figure(run: Run, *, number: int, top_per_s: float, end_s: float, page_px: int) -> Figure:
    """The rate asked for and the rate acknowledged, on axes that all runs of a report share; upright lines are changes by hand.

    Args:
        run: whose load.
        number: which run of the report it is.
        top_per_s: the highest rate of all runs.
        end_s: the longest time of all runs.
        page_px: the width it has on a page.
    """
    points = [
        {
            "at": row["at_s"],
            "target": round(row["target_per_s"], 3),
            "acked": round(_rate(row, length_s), 3),
            "phase": row["phase"],
        }
        for row, length_s in with_lengths(run["series"])
    ]
    changes = [change["at_s"] for change in set_by_hand(run) if change["at_s"] > 0]
    return figure(
        "Load against target",
        "Where the line leaves the dashes, the load was not the one asked for."
        " Each second shows the events that were due in it, whenever they were acknowledged."
        " The grey stretch is warm-up, which no figure counts.",
        lambda width: _spec(points, changes, width, top_per_s, end_s),
        legend=[
            Key("acknowledged", ACCENT, [1, 0]),
            Key("target", MUTED, _DASH),
            *([_CHANGES] if changes else []),
        ],
        run=number,
        page_px=page_px,
    )


def highest_rate(run: Run) -> float:
    """The highest rate that the chart of this run has to show."""
    rates = (max(row["target_per_s"], _rate(row, length_s)) for row, length_s in with_lengths(run["series"]))
    return max(rates, default=0.0)


def end_of(run: Run) -> float:
    """When the last row of the series ends, in seconds from the start of the schedule."""
    return max((row["at_s"] for row in run["series"]), default=0.0)


def _rate(row: Row, length_s: float) -> float:
    return row["acked"] / length_s if length_s > 0 else 0.0


def _spec(
    points: list[dict[str, Any]], changes: Sequence[float], width: int, top_per_s: float, end_s: float
) -> Spec:
    warmup_s = max((point["at"] for point in points if point["phase"] == "warm-up"), default=0.0)
    x = seconds_axis("at", end_s, width)
    axis_y = {**title_above("events/s"), "tickCount": 4, "labelExpr": "format(datum.value, '~s')"}
    scale_y = {"domain": [0, top_per_s or 1], "nice": True}

    def line(field: str, **mark: object) -> Spec:
        y = {"field": field, "type": "quantitative", "scale": scale_y, "axis": axis_y}
        return {"mark": {"type": "line", **mark}, "encoding": {"x": x, "y": y}}

    shade = {
        "data": {"values": [{"from": 0, "to": warmup_s}] if warmup_s else []},
        "mark": {"type": "rect", "color": RULE, "opacity": 0.5},
        "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}},
    }
    return {
        "width": width,
        "height": 190,
        "data": {"values": points},
        "layer": [
            shade,
            _upright(changes, x, width / (end_s or 1)),
            line("acked", stroke=ACCENT, strokeWidth=2, interpolate="step-before"),
            line("target", stroke=MUTED, strokeWidth=1.5, strokeDash=_DASH, interpolate="step-before"),
        ],
    }


def _upright(changes: Sequence[float], x: Spec, px_per_s: float) -> Spec:
    """A line where the rate was changed, one a pixel: a dial that is dragged makes hundreds."""
    places = {round(at_s * px_per_s): at_s for at_s in changes}
    return {
        "name": "changes",
        "data": {"values": [{"at": at_s} for at_s in places.values()]},
        "mark": {"type": "rule", "stroke": _CHANGES.colour, "strokeDash": _CHANGE},
        "encoding": {"x": x},
    }
