"""The HTML report of a run whose rate was changed by hand."""

import re
from typing import cast

from lensload.report.html import render
from lensload.results.run import RateChange, Run
from tests.support.runs import a_run


def steered(*changes: tuple[float, float | None]) -> Run:
    """A run of 20 s whose rate was set at these times."""
    made: list[RateChange] = [
        {"at_s": at_s, "rate_per_s": rate_per_s, "took_s": 0.05} for at_s, rate_per_s in changes
    ]
    return {**a_run(), "rate_changes": made}


def upright_lines(page: str) -> int:
    """How many changes the first drawing of the load has."""
    load = re.search(r'<svg role="img" aria-label="Load against target".*?</svg>', page, re.DOTALL)
    assert load
    marks = re.search(r'<g class="[^"]*changes_marks".*?</g>', load[0], re.DOTALL)
    return marks[0].count("<line") if marks else 0


def test_changes_are_marked_and_told_with_their_rates():
    """Each change within the run is a line in the load chart; the text has all rates, the one from the start too."""
    page = render([steered((-0.5, 250.0), (0.0, 12_345.0), (5.25, 7_000.0), (9.0, None))], ["run"])
    assert upright_lines(page) == 2
    for text in ("12,345 events/s", "7,000 events/s", "5.2 s", "9.0 s"):
        assert text in page
    assert "250 events/s" not in page


def test_the_configured_rate_is_not_passed_off_as_the_one_asked_for():
    """Where the rate was set by hand the condition says so, and nowhere else."""

    def condition(page: str) -> str:
        found = re.search(r"<t[hd][^>]*>rate</t[hd]>\s*<td[^>]*>(.*?)</td>", page, re.DOTALL)
        return cast("re.Match[str]", found)[1]

    assert condition(render([steered((5.0, 7_000.0))], ["run"])).startswith("900 (")
    for plain in (a_run(), steered((0.0, None))):
        page = render([plain], ["run"])
        assert condition(page) == "900"
        assert upright_lines(page) == 0
        assert "by hand" not in page


def test_a_dial_that_is_dragged_does_not_bury_the_chart():
    """Of a thousand changes in a second a few lines and a few rates are shown, and how many more there were."""
    changes = [(5 + n / 1_000, 1_000.0 + n) for n in range(1_000)]
    page = render([steered(*changes)], ["run"])
    assert 0 < upright_lines(page) < 60
    assert page.count(" events/s from ") < 20
    assert "992 more" in page
