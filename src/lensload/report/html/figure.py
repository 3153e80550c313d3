"""One figure of the report: a Vega-Lite specification drawn as SVG, at the widths that pages and phones want.

Why Vega-Lite, through vl-convert: it draws SVG here, in Python, so the report needs no script at all (it opens in a
mail's preview, and a policy in its head forbids every request and every script); colours may be CSS variables, so
that one picture serves light, dark and paper; it is one wheel without dependencies, kept by Vega's own team.
Plotly's bundle alone is larger than a report may be; Matplotlib fixes its colours when it draws.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import vl_convert
from markupsafe import Markup

from lensload.report.html.theme import CONFIG, DURATION_LABEL, title_above

Spec: TypeAlias = dict[str, Any]

WIDE_PX, HALF_PX, NARROW_PX = 900, 460, 340
"""Of a page, of half of one for two runs side by side, and of a phone."""

_numbers = count()


@dataclass(frozen=True, slots=True)
class Key:
    """What a colour stands for; HTML, so that it wraps and is measured in the reader's own font.

    `dash` is of a line; None for an area.
    """

    name: str
    colour: str
    dash: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with what a reader needs beside it.

    Attributes:
        title: what it shows.
        aid: one line on how to read it.
        wide: SVG for a page; empty where it has room for the narrow one only.
        narrow: SVG for a phone, and for runs side by side.
        legend: what its colours stand for.
        run: which run it belongs to; None: to all.
    """

    title: str
    aid: str
    wide: Markup
    narrow: Markup
    legend: Sequence[Key] = ()
    run: int | None = None


def figure(
    title: str,
    aid: str,
    build: Callable[[int], Spec],
    *,
    legend: Sequence[Key] = (),
    run: int | None = None,
    page_px: int = WIDE_PX,
) -> Figure:
    """Draw a chart at both widths.

    Args:
        title: what it shows.
        aid: one line on how to read it.
        build: the specification for a width in pixels.
        legend: what its colours stand for.
        run: which run it belongs to.
        page_px: the width it has on a page.
    """
    return Figure(
        title,
        aid,
        draw(build(page_px), title) if page_px > NARROW_PX else Markup(""),
        draw(build(NARROW_PX), title),
        legend,
        run,
    )


def draw(spec: Spec, title: str) -> Markup:
    """The specification as SVG, fit to stand in a page beside others."""
    whole = {"autosize": {"type": "fit-x", "contains": "padding"}, "background": None, "padding": 2, **spec}
    svg = vl_convert.vegalite_to_svg({**whole, "config": CONFIG})
    return Markup(_named(_slim(svg), title))  # noqa: S704 - Vega escapes the texts that it draws; tested


def _slim(svg: str) -> str:
    """Without what browsers do not need, and with ids that no other picture of the page has."""
    prefix = f"f{next(_numbers)}-"
    svg = re.sub(r'\bid="(clip|gradient)', rf'id="{prefix}\1', svg)
    svg = re.sub(r"url\(#(clip|gradient)", rf"url(#{prefix}\1", svg)
    svg = re.sub(r' (?:pointer-events="none"|aria-hidden="true"|aria-roledescription="[^"]*")', "", svg)
    svg = re.sub(r' role="graphics-(?:symbol|object)"', "", svg)
    svg = re.sub(r'<path class="(?:back|fore)ground" d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>', "", svg)
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)
    return re.sub(r'<path aria-label="([^"]*)"([^>]*)/>', r"<path\2><title>\1</title></path>", svg)


def _named(svg: str, title: str) -> str:
    """As one picture with a name, which fits its place."""
    width, height = re.findall(r'(?:width|height)="(\d+)"', svg)[:2]
    head = f'<svg role="img" aria-label="{Markup.escape(title)}" viewBox="0 0 {width} {height}"'
    return re.sub(r"^<svg\b[^>]*>", lambda _: f'{head} style="max-width:{width}px">', svg, count=1)


def ticks(low: float, high: float) -> list[float]:
    """Round values (1, 2, 5 times powers of ten) from just below `low` to just above `high`, both above 0.

    Powers of ten alone where the range has more than three of them.
    """
    values = [digit * 10.0**power for power in range(-5, 14) for digit in (1, 2, 5)]
    first = max(value for value in values if value <= low)
    last = min(value for value in values if value >= high and value > first)
    step = 3 if last > 1_000 * first else 1
    powers = [value for value in values[::step] if first < value < last]
    return [first, *powers, last]


def seconds_axis(field: str, end_s: float, width: int) -> Spec:
    """The encoding of a horizontal axis of a run's time."""
    return {
        "field": field,
        "type": "quantitative",
        "title": "seconds since the schedule started",
        "scale": {"domain": [0, end_s or 1], "nice": False},
        "axis": {"grid": False, "tickCount": 8 if width > 600 else 5},
    }


def latency_axis(field: str, title: str, domain: tuple[float, float], ticks_us: Sequence[float]) -> Spec:
    """The encoding of a vertical, logarithmic axis of microseconds."""
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"type": "log", "domain": list(domain), "nice": False},
        "axis": {**title_above(title), "values": list(ticks_us), "labelExpr": DURATION_LABEL},
    }


def by_name(names: Sequence[str], looks: Sequence[object], field: str = "name") -> Spec:
    """The encoding that gives each name its colour, or its dash."""
    return {"field": field, "type": "nominal", "scale": {"domain": list(names), "range": list(looks)}}
