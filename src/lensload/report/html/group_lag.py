"""How far the watched consumer groups were behind over time, with their rebalances."""

from collections.abc import Mapping, Sequence
from typing import Any

from lensload.metrics.groups import Group
from lensload.report.html.figure import Figure, Key, Spec, by_name, figure, seconds_axis
from lensload.report.html.theme import DASHES, MUTED, SERIES, title_above
from lensload.results.run import Run

_REBALANCE = [2, 2]


def groups_of(run: Run) -> Mapping[str, Group]:
    """The groups of a run that were seen, by name."""
    return {name: group for name, group in run.get("groups", {}).items() if group["series"]}


def highest_lag_s(run: Run) -> float:
    """The greatest lag that the chart of this run has to show."""
    return max((row["lag_s"] for group in groups_of(run).values() for row in group["series"]), default=0.0)


def end_of(run: Run) -> float:
    """When a group was seen last, in seconds from the start of the schedule."""
    return max((group["series"][-1]["at_s"] for group in groups_of(run).values()), default=0.0)


def group_lag_figure(run: Run, *, number: int, top_s: float, end_s: float, page_px: int) -> Figure:
    """The lag in seconds of each group, on axes that all runs of a report share; upright lines are rebalances.

    Args:
        run: which watched at least one group.
        number: which run of the report it is.
        top_s: the greatest lag of all runs.
        end_s: the longest time of all runs.
        page_px: the width it has on a page.
    """
    groups = groups_of(run)
    names = list(groups)
    rows = [(name, row) for name, group in groups.items() for row in group["series"]]
    points = [{"name": name, "at": row["at_s"], "lag_s": round(row["lag_s"], 3)} for name, row in rows]
    moved = [{"at": row["at_s"]} for _, row in rows if row["rebalanced"]]
    keys = [Key(*look) for look in zip(names, *_looks(len(names)), strict=True)]
    return figure(
        "Consumer groups: lag in seconds",
        "How long ago the event at the committed offset was due, of the topic that is furthest behind."
        " An upright line is a second in which a group's members, or what they read, changed.",
        lambda width: _spec(points, moved, names, width, top_s, end_s),
        legend=[*keys, *([Key("rebalance", MUTED, _REBALANCE)] if moved else [])],
        run=number,
        page_px=page_px,
    )


def _looks(count: int) -> tuple[list[str], list[list[int]]]:
    """The colours and the dashes of so many groups."""
    return [SERIES[n % len(SERIES)] for n in range(count)], [DASHES[n % len(DASHES)] for n in range(count)]


def _spec(
    points: Sequence[dict[str, Any]],
    moved: Sequence[dict[str, Any]],
    names: Sequence[str],
    width: int,
    top_s: float,
    end_s: float,
) -> Spec:
    x, (colours, dashes) = seconds_axis("at", end_s, width), _looks(len(names))
    y = {
        "field": "lag_s",
        "type": "quantitative",
        "scale": {"domain": [0, top_s or 1], "nice": True},
        "axis": {**title_above("seconds behind"), "tickCount": 4},
    }
    return {
        "width": width,
        "height": 190,
        "layer": [
            {
                "data": {"values": list(moved)},
                "mark": {"type": "rule", "stroke": MUTED, "strokeDash": _REBALANCE},
                "encoding": {"x": x},
            },
            {
                "data": {"values": list(points)},
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "y": y,
                    "stroke": by_name(names, colours),
                    "strokeDash": by_name(names, dashes),
                },
            },
        ],
    }
