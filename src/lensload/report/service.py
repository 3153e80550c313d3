"""A service under test in words and tables: its answers, where their time went, and the lag of its groups."""

from collections.abc import Mapping
from typing import cast

from lensload.metrics.groups import Group
from lensload.metrics.responses import PARTS, RESPONSE_COUNTS, Reception, ResponseBreakdown, Responses
from lensload.report.tables import Cell, Table
from lensload.report.units import MISSING, latency, percent

_ALWAYS = ("requests", "answered", "unanswered", "late")


def responses_table(found: Responses) -> Table:
    """Each count that is not 0, and those that everybody asks for."""
    counts = cast("Mapping[str, int]", found)
    rows = [
        [
            Cell(name),
            Cell(
                f"{counts[name]:,}",
                counts[name],
                bad=name not in ("requests", "answered") and counts[name] > 0,
            ),
            Cell(percent(counts[name], counts["requests"])),
        ]
        for name in RESPONSE_COUNTS
        if counts[name] or name in _ALWAYS
    ]
    return Table(["responses", "count", "of requests"], rows)


def parts_line(fall: ResponseBreakdown) -> str:
    """The parts of the mean response latency."""
    spent = cast("Mapping[str, float]", fall)
    parts = [f"{part} {latency(spent[part + '_us'])}" for part in PARTS]
    stamped = {"service": "the service's clock", "broker": "the broker's clock"}.get(
        fall["clock"], "two kinds of clock"
    )
    return (
        f"Of {latency(fall['response_us'])} from due to answered (mean): {', '.join(parts)}"
        f" (written by {stamped})."
    )


def sentence(fall: ResponseBreakdown) -> str:
    """Where the time of an answer went, and what the service says of itself, in one plain sentence."""
    where = {
        "acknowledging": "before the request was acknowledged, which is the generator's and the cluster's time",
        "answering": "in the service, between the request's acknowledgement and the answer's writing",
        "reading": "between the answer's writing and its arrival here: the service's producer, the cluster or this"
        " reader",
    }[fall["mostly"]]
    return (
        f"The service says {latency(fall['claimed_us'])}, an answer takes {latency(fall['response_us'])}: most of it is"
        f" {where}."
    )


def reception_line(seen: Reception) -> str:
    """What people did with the answers."""
    return (
        f"People saw {seen['pages']:,} pages: {100 * seen['click_through']:.2f} % of {seen['items']:,} items were clicked,"
        f" {100 * seen['conversion']:.2f} % of the pages ended in a purchase."
    )


def groups_table(groups: Mapping[str, Group]) -> Table:
    """How far each watched group was behind, topic by topic, and how it fared."""
    heads = [
        "group",
        "topic",
        "lag s max",
        "mean",
        "last",
        "records max",
        "last",
        "slope/s",
        "recovered",
        "rebalances",
    ]
    return Table(heads, [row for name, group in groups.items() for row in _group_rows(name, group)])


def _group_rows(name: str, group: Group) -> list[list[Cell]]:
    slope, recovered_s = group["slope_per_s"], group["recovered_after_s"]
    whole = [
        Cell(MISSING if slope is None else f"{slope:+,.1f}"),
        Cell("not yet" if recovered_s is None else f"{recovered_s:,.0f} s", bad=recovered_s is None),
        Cell(f"{group['rebalances']:,}", group["rebalances"], bad=group["rebalances"] > 0),
    ]
    rows: list[list[Cell]] = []
    for topic, lag in group["topics"].items():
        seconds, records = lag["lag_s"], lag["lag"]
        rows.append(
            [
                Cell(name),
                Cell(topic),
                *(Cell(f"{seconds[key]:,.2f}", seconds[key]) for key in ("max", "mean", "last")),
                *(Cell(f"{records[key]:,.0f}", records[key]) for key in ("max", "last")),
                *whole,
            ]
        )
    return rows or [[Cell(name), Cell("no offset committed"), *[Cell(MISSING)] * 5, *whole]]
