"""The chart of consumer groups' lag in the HTML report."""

import re

from lensload.report.html import render
from lensload.results.run import Run
from lensload.service.group_watch import Sample
from lensload.service.groups import GroupLedger
from tests.support.planted_runs import a_run

NS_PER_S = 1_000_000_000
HOSTILE = "<script>alert(1)</script>"


def watched(*groups: str, rebalanced: tuple[int, ...] = ()) -> Run:
    """A run that watched these groups for ten seconds; each was further behind second by second, and rebalanced in some."""
    ledger = GroupLedger()
    for group in groups:
        samples: list[Sample] = [
            (
                group,
                second * NS_PER_S,
                {"user-interactions": (10 * second, second / 2)},
                "STABLE",
                2,
                second in rebalanced,
            )
            for second in range(10)
        ]
        ledger.add(samples)
    return {**a_run(seconds=10), "groups": ledger.result(0, 0, 10 * NS_PER_S)}


def chart(page: str) -> str:
    """The first drawing of the chart; "" where there is none."""
    found = re.search(
        r'<svg role="img" aria-label="Consumer groups: lag in seconds".*?</svg>', page, re.DOTALL
    )
    return found[0] if found else ""


def rules(svg: str) -> int:
    """How many upright lines are drawn over the whole height."""
    return len(re.findall(r'<line\b[^>]*y2="-?190"[^>]*stroke-dasharray="2,2"', svg))


def test_each_group_has_a_line_and_each_rebalance_an_upright_one():
    """What the table counts is to be seen in time, group by group."""
    page = render([watched("shop", "audit", rebalanced=(3, 7))], ["run"])
    svg = chart(page)
    assert len(re.findall(r"mark-line", svg)) >= 1
    assert rules(svg) == 4
    for name in ("shop", "audit", "rebalance"):
        assert re.search(rf"</svg>{name}</li>", page)
    assert rules(chart(render([watched("shop")], ["run"]))) == 0


def test_no_group_no_chart():
    """Runs without a watched group, or with one that was never seen, have no empty axes."""
    assert not chart(render([a_run(seconds=10)], ["run"]))
    assert not chart(render([watched()], ["run"]))


def test_groups_of_several_runs_share_their_axes_and_names_come_from_outside():
    """A run without groups may be beside one with; a name cannot break the page."""
    page = render([watched(HOSTILE), a_run(seconds=10)], ["a", "b"])
    assert chart(page)
    assert HOSTILE not in page
