"""Where the time goes: the mean way of an event from when it was due, step after step.

Means, because they add up over the same events, which percentiles do not; those stand in the tables and curves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from lensload.metrics.stages import PLACES
from lensload.report.html.figure import Figure, Key, Spec, by_name, figure
from lensload.report.html.theme import DURATION_LABEL, INK, MUTED, SERIES, duration
from lensload.results.breakdown import Breakdown
from lensload.results.run import Run

WHOLE = "all topics"
STEPS = ("serialize", "generator", "client", "broker", "client and broker", "consumer")
_COLOURS = (MUTED, SERIES[1], SERIES[4], SERIES[0], SERIES[3], SERIES[2])
_ROW_PX = 13

Step = tuple[str, float, float]
"""What it is called, when it begins and when it ends, in microseconds since the event was due."""

_AID = (
    "Each step starts where the one before ended: "
    + " ".join(f"{place.label}: {place.meaning}" for place in PLACES.values())
    + " Means, since only they add up; the client is known of all topics together. A step to the left is a negative"
    " time: on average the observer had the events before the generator had the acknowledgements. Serializing happens"
    " before an event is due, so it is no step here."
)


def breakdown_figure(run: Run, *, number: int, end_us: float, page_px: int) -> Figure:
    """The mean way of an event, for each topic.

    Args:
        run: whose events.
        number: which run of the report it is.
        end_us: the longest mean way of all runs, in microseconds.
        page_px: the width it has on a page.
    """
    ways = _ways(run)
    steps = [step for name, way in ways.items() for step in _steps(name, way)]
    return figure(
        "Where the time goes",
        _AID,
        lambda width: _spec(steps, list(ways), width, end_us),
        legend=[Key(name, _COLOURS[STEPS.index(name)]) for name in _shown(steps)],
        run=number,
        page_px=page_px,
    )


def longest_way_us(run: Run) -> float:
    """The end of the longest mean way of a topic."""
    ends = (max(from_us, to_us) for way in _ways(run).values() for _, from_us, to_us in way)
    return max(ends, default=0.0)


def _ways(run: Run) -> dict[str, list[Step]]:
    """From where to where each step goes: of all together, as far as that is known, and by topic."""
    means = {
        topic: {stage: by_topic.get(topic, {}).get("mean") for stage, by_topic in run["latency_us"].items()}
        for topic in ("all", *run["topics"])
    }
    by_topic = {topic: _way(means[topic]["serialize"], _ends(means[topic])) for topic in run["topics"]}
    if run["breakdown"] is None:
        return by_topic
    return {WHOLE: _way(means["all"]["serialize"], _ends_of_all(run["breakdown"])), **by_topic}


def _way(serialize_us: float | None, ends: Iterable[tuple[str, float | None]]) -> list[Step]:
    """Serializing, which has no place in the way, and each step from where the one before it ended."""
    way, at_us = [] if serialize_us is None else [("serialize", 0.0, serialize_us)], 0.0
    for step, end_us in ends:
        if end_us is not None:
            way.append((step, at_us, end_us))
            at_us = end_us
    return way


def _ends(means: Mapping[str, float | None]) -> Iterator[tuple[str, float | None]]:
    yield "generator", means.get("schedule_lag")
    yield "client and broker", means.get("ack")
    yield "consumer", means.get("end_to_end")


def _ends_of_all(fall: Breakdown) -> Iterator[tuple[str, float | None]]:
    """With the client's queue, which is known of all topics together."""
    lag_us, queue_us = fall["generator_us"], fall["client_us"]
    acked_us = lag_us + (queue_us or 0.0) + fall["broker_us"]
    yield "generator", lag_us
    yield "client", None if queue_us is None else lag_us + queue_us
    yield "client and broker" if queue_us is None else "broker", acked_us
    yield "consumer", acked_us + fall["consumer_us"]


def _steps(name: str, way: Iterable[Step]) -> Iterator[dict[str, Any]]:
    for row, (step, from_us, to_us) in enumerate(way, 1):
        took = duration(to_us - from_us)
        yield {
            "topic": name,
            "step": step,
            "row": row,
            "from": from_us,
            "to": to_us,
            "right": max(from_us, to_us),
            "took": took,
            "told": f"{name}, {step}: {took}",
        }


def _shown(steps: Sequence[dict[str, Any]]) -> list[str]:
    return [name for name in STEPS if any(step["step"] == name for step in steps)]


def _spec(steps: Sequence[dict[str, Any]], topics: list[str], width: int, end_us: float) -> Spec:
    rows = list(range(max((step["row"] for step in steps), default=0) + 1))
    place: Spec = {
        "y": {
            "field": "topic",
            "type": "nominal",
            "sort": topics,
            "axis": None,
            "scale": {"paddingInner": 0.12, "paddingOuter": 0},
        },
        "yOffset": {"field": "row", "type": "ordinal", "scale": {"domain": rows, "paddingInner": 0.15}},
    }
    x: Spec = {
        "field": "from",
        "type": "quantitative",
        "title": "mean time since the event was due",
        # Room for the last step's figure.
        "scale": {"domain": [0, (end_us or 1) * (1.1 if width > 600 else 1.3)], "nice": False},
        "axis": {"labelExpr": DURATION_LABEL, "tickCount": 8 if width > 600 else 4, "labelFlush": True},
    }
    took: Spec = {**place, "x": {**x, "field": "right"}, "text": {"field": "took", "type": "nominal"}}
    return {
        "width": width,
        "height": max(1, len(topics)) * len(rows) * _ROW_PX,
        "data": {"values": list(steps)},
        "layer": [
            {"mark": {"type": "bar", "minBandSize": 2}, "encoding": {**place, "x": x, **_bar(_shown(steps))}},
            {"mark": {**_TEXT, "dx": 4, "fontSize": 10, "color": MUTED}, "encoding": took},
            _names(topics, place),
        ],
    }


_TEXT: Final[Spec] = {"type": "text", "align": "left"}


def _bar(shown: Sequence[str]) -> Spec:
    """What a bar has beside its place and beginning."""
    colours = [_COLOURS[STEPS.index(name)] for name in shown]
    return {"x2": {"field": "to"}, "description": {"field": "told"}, "color": by_name(shown, colours, "step")}


def _names(topics: Sequence[str], place: Spec) -> Spec:
    """The topics' names, each above its bars."""
    return {
        "data": {"values": [{"topic": topic, "row": 0} for topic in topics]},
        "mark": {**_TEXT, "fontSize": 11.5, "fontWeight": 600, "color": INK},
        "encoding": {**place, "x": {"value": 0}, "text": {"field": "topic", "type": "nominal"}},
    }
