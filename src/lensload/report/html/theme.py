"""How charts look: colours as CSS variables, which the page's style sheet sets for light, dark and paper."""

import re
from functools import cache
from importlib.resources import files
from typing import Any, cast

from lensload.report import units

SERIES = tuple(f"var(--c{n})" for n in range(1, 7))
"""Colours of things side by side (topics, runs): told apart by all common kinds of colour vision."""

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2, 1, 2])
"""Beside the colours, for paper and for who sees none."""

HEAT = tuple(f"var(--h{n})" for n in range(1, 8))
"""From few to many."""

INK, MUTED, RULE, ACCENT = "var(--ink)", "var(--muted)", "var(--rule)", "var(--c1)"

# Helvetica's widths are what the layout is measured with; the page's own font is then used.
CONFIG: dict[str, Any] = {
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "domainColor": RULE,
        "gridColor": RULE,
        "gridWidth": 0.7,
        "tickColor": RULE,
        "labelColor": MUTED,
        "labelFontSize": 11,
        "labelFontWeight": "normal",
        "titleColor": MUTED,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelFlush": False,
    },
    "axisY": {
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "start",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
    },
    "legend": {"disable": True},
}

DURATION_LABEL = (
    "datum.value < 1000 ? format(datum.value, '~r') + ' µs'"
    " : datum.value < 1000000 ? format(datum.value / 1000, '~r') + ' ms'"
    " : format(datum.value / 1000000, '~r') + ' s'"
)
"""How an axis of microseconds shows its values."""


def typeset(text: str) -> str:
    """A figure as a page shows it: on one line, with a proper minus, mu and dash."""
    if text == units.MISSING:
        return "\N{EN DASH}"
    number = text.replace("us", "\N{MICRO SIGN}s").replace(" ", "\N{NO-BREAK SPACE}")
    return f"\N{MINUS SIGN}{number[1:]}" if number.startswith("-") else number


def duration(value_us: float | None) -> str:
    """A latency with three digits and its unit; an en dash for none."""
    return typeset(units.latency(value_us))


def title_above(text: str) -> dict[str, Any]:
    """The title of a vertical axis, above it, where it reads from left to right."""
    return {"title": text, "titleAnchor": "end", "titleX": -8, "titleY": -9, "titleBaseline": "bottom"}


def on_paper(spec: dict[str, Any]) -> dict[str, Any]:
    """The same with the style sheet's light colours in place of their names, for pictures outside of a page."""
    return cast("dict[str, Any]", _replaced(spec))


def _replaced(value: object) -> object:
    match value:
        case dict():
            return {key: _replaced(item) for key, item in cast("dict[str, object]", value).items()}
        case list():
            return [_replaced(item) for item in cast("list[object]", value)]
        case str() if value.startswith("var(--"):
            return _light()[value[len("var(") : -1]]
        case _:
            return value


@cache
def _light() -> dict[str, str]:
    """The first colours that the style sheet gives each name: those of light."""
    css = files("lensload.report.html").joinpath("page.css").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for name, colour in re.findall(r"(--\w+): (#\w+);", css):
        found.setdefault(name, colour)
    return found
