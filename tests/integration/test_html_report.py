"""The HTML report, in a real browser: it says what the run file says, to everybody, and asks nobody for anything."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from lensload.cli.main import main
from lensload.metrics.counts import COUNTS, count_of
from lensload.report.html import heat, render
from lensload.report.html.figure import ticks
from lensload.report.html.page import distinct
from lensload.report.html.theme import duration
from lensload.report.units import STAGE_NAMES
from lensload.results import run_file
from lensload.results.run import Run
from lensload.verdict.verdict import reason
from tests.support.locusts import Bench
from tests.support.runs import TOPICS, a_run

pytestmark = pytest.mark.xdist_group("html_report")  # its tests share one costly run

PHONE, DESKTOP = ViewportSize(width=375, height=700), ViewportSize(width=1280, height=900)
MOST_BYTES = 2_000_000
HOSTILE = '<img src=x onerror="alert(1)"></title></style><script>document.title="owned"</script>{{ 7*7 }}\'"&'


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


class Shown:
    """A report in a browser, with everything that the browser asked for and complained of."""

    def __init__(
        self, browser: Browser, folder: Path, text: str, *, viewport: ViewportSize, dark: bool
    ) -> None:
        place = folder / "report.html"
        place.write_text(text, encoding="utf-8")
        self.asked: list[str] = []
        self.complaints: list[str] = []
        scheme = "dark" if dark else "light"
        self._context = browser.new_context(viewport=viewport, color_scheme=scheme, offline=True)
        self.page: Page = self._context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(place.as_uri())
        self.asked.remove(place.as_uri())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def rows(self, section: str, table: int = 0) -> dict[str, list[tuple[str, float | None]]]:
        """What the cells of a table show, and the figure behind each, by the name of the row."""
        found: list[list[Any]] = self.page.evaluate(
            """([section, table]) => [...document.querySelectorAll(`#${section} table`)[table].tBodies[0].rows]
            .map(row => [...row.cells].map(cell => [cell.innerText.trim(),
                cell.querySelector('data') ? Number(cell.querySelector('data').value) : null]))""",
            [section, table],
        )
        return {cells[0][0]: [(text, value) for text, value in cells[1:]] for cells in found}

    def colour(self, selector: str, name: str) -> str:
        """A computed style."""
        script = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
        return str(self.page.evaluate(script, [selector, name]))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("count", [1, 3])
def test_it_opens_offline_on_a_phone_and_on_a_desk_in_light_and_dark(
    browser: Browser, tmp_path: Path, viewport: ViewportSize, dark: bool, count: int
):
    """Nothing is asked of the network, nothing is complained of, nothing sticks out, and every chart is seen."""
    runs = [a_run(seed=seed, seconds=5) for seed in range(count)]
    text = render(runs, [f"run {number}" for number in range(count)])
    with Shown(browser, tmp_path, text, viewport=viewport, dark=dark) as shown:
        assert (shown.asked, shown.complaints) == ([], [])
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        sizes = shown.page.evaluate(
            """[...document.querySelectorAll('figure svg')].map(svg => svg.getBoundingClientRect())
            .filter(box => box.width).map(box => [box.width, box.height])"""
        )
        assert len(sizes) == (5 if count == 1 else 5 * count + 1)
        assert all(200 < width <= viewport["width"] and height > 100 for width, height in sizes), sizes
        background = shown.colour("body", "backgroundColor")
        assert background == ("rgb(20, 24, 28)" if dark else "rgb(255, 255, 255)")
        line = shown.colour("#load figure path[stroke='var(--c1)']", "stroke")
        assert line == ("rgb(111, 180, 242)" if dark else "rgb(11, 99, 168)")


def test_its_figures_are_the_run_files(browser: Browser, tmp_path: Path):
    """Every figure of a table is that of the run file, exactly behind what is shown, and rounded as it is shown."""
    run = a_run()
    with Shown(browser, tmp_path, render([run], ["run"]), viewport=DESKTOP, dark=False) as shown:
        stages = shown.rows("breakdown")
        by_topic = {stage: shown.rows("percentiles", n) for n, stage in enumerate(("end_to_end", "ack"))}
        ledger = shown.rows("events")
        facts = shown.page.inner_text(".facts")
    names = ("mean", "p50", "p90", "p99", "p999", "p9999", "max")
    for stage in ("schedule_lag", "serialize", "ack", "end_to_end"):
        summary = run["latency_us"][stage]["all"]
        expected = [(f"{summary['count']:,}", summary["count"])]
        expected += [(duration(summary[name]), summary[name]) for name in names]
        assert stages[STAGE_NAMES[stage]] == expected
    for stage, rows in by_topic.items():
        assert set(rows) == {*TOPICS, "all"}
        for topic, cells in rows.items():
            summary = run["latency_us"][stage][topic]
            assert [value for _, value in cells] == [summary["count"], *(summary[name] for name in names)]
    for topic, counts in run["topics"].items():
        assert [value for _, value in ledger[topic]] == [count_of(counts, name) for name in COUNTS]
    assert "900" in facts
    assert duration(run["latency_us"]["end_to_end"]["all"]["p99"]) in facts


def test_the_verdict_and_its_reasons_come_first(browser: Browser, tmp_path: Path):
    """Who reads only the top of the page knows what the run is worth, and why."""
    run = a_run(seconds=2, failed=7, errors=["_MSG_TIMED_OUT: Local: Message timed out"])
    assert run["verdict"] == "fail"
    with Shown(browser, tmp_path, render([run], ["run"]), viewport=PHONE, dark=False) as shown:
        text = shown.page.inner_text("main")
        assert text.startswith("Failed\n")
        assert text.index(run["reasons"][0]["text"]) < text.index("Load")
        errors = shown.rows("events", 1)
    assert errors[TOPICS[0]] == [("_MSG_TIMED_OUT: Local: Message timed out", None), ("3", 3)]


def test_text_from_outside_stays_text(browser: Browser, tmp_path: Path):
    """Whatever a topic, an error, a notice or a file is called, it is shown, and never becomes part of the page."""
    run = a_run(seconds=2, topics=[HOSTILE, "other"], errors=[HOSTILE])
    run["notices"], run["reasons"] = [HOSTILE], [reason("failed", "fail", HOSTILE)]
    run["conditions"]["configuration"][HOSTILE] = HOSTILE
    with Shown(browser, tmp_path, render([run, run], [HOSTILE, "b"]), viewport=DESKTOP, dark=False) as shown:
        assert (shown.asked, shown.complaints) == ([], [])
        assert shown.page.evaluate("document.querySelectorAll('img, script, iframe, object, a').length") == 0
        assert "owned" in shown.page.title()  # as text of the title, and nothing ran
        assert shown.page.title() != "owned"
        text = shown.page.inner_text("body")
        assert text.count(HOSTILE) >= 8
        assert HOSTILE in shown.page.evaluate("document.querySelector('#breakdown figure svg').textContent")


def test_paper_is_white_in_the_dark(browser: Browser, tmp_path: Path):
    """A page printed by somebody who reads in the dark spends no ink on the night, and shows the wide charts."""
    run = a_run(seconds=3)
    with Shown(browser, tmp_path, render([run], ["run"]), viewport=PHONE, dark=True) as shown:
        shown.page.emulate_media(media="print")
        assert shown.colour("body", "backgroundColor") == "rgb(255, 255, 255)"
        assert shown.colour("h2", "color") != "rgb(230, 234, 238)"
        assert shown.page.is_visible(".wide svg >> nth=0")
        assert shown.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_it_stays_small_however_long_and_many_the_runs_are():
    """Six runs of five minutes in blocks, and one alone, are each a file that any mailbox takes."""
    run = a_run(seconds=300, per_s=40)
    assert len(render([run], ["run"]).encode()) < MOST_BYTES / 2
    assert len(render([run] * 6, ["run"] * 6).encode()) < MOST_BYTES


def test_a_run_that_measured_nothing_has_a_report_too():
    """What went wrong is most wanted when nothing was measured; and older run files have no blocks."""
    nothing = a_run(seconds=2, per_s=0)
    assert nothing["verdict"] == "invalid"
    for runs in ([nothing], [nothing, a_run(seconds=2)]):
        text = render(runs, ["run"] * len(runs))
        assert nothing["reasons"][0]["text"] in text
        assert "Nothing was measured." in text
    older: Run = {**a_run(seconds=2), "slices": [], "series": []}
    assert "no blocks of time" in render([older], ["older"])


def test_the_command_line_writes_it(tmp_path: Path):
    """`lensload report` shows runs side by side in one file, and refuses a place before it reads a run."""
    for name in ("before.json", "after.json"):
        run_file.write(tmp_path / name, a_run(seconds=2))
    files = [str(tmp_path / name) for name in ("before.json", "after.json")]
    place = tmp_path / "new" / "report.html"
    assert CliRunner().invoke(main, ["report", *files, "--html", str(place)]).exit_code == 0
    text = place.read_text()
    assert re.search("before.*after", text)
    refused = CliRunner().invoke(main, ["report", *files, "--html", f"{files[0]}/report.html"])
    assert refused.exit_code == 2
    assert f"{files[0]}/report.html" in refused.output
    assert "--html" in refused.output


def test_a_bench_leaves_it(tmp_path: Path):
    """`lensload bench --html` writes the report of the run that it made."""
    arguments = ("--rate", "300", "--duration", "1s", "--warmup", "0s", "--html", "report.html")
    small = ("--audience-size", "500", "--catalogue-size", "200", "--slo", "lost == 0")
    with Bench(tmp_path, *arguments, *small) as bench:
        assert bench.ended() == 0, bench.log
        run = bench.run()
    text = (tmp_path / "report.html").read_text()
    assert {"pass": "Passed", "invalid": "Invalid"}[run["verdict"]] in text
    assert f'<data value="{run["load"]["achieved_per_s"]}">' in text
    assert "<td>held</td>" in text


@given(st.floats(0.001, 4e6), st.floats(1.0, 1e6))
def test_an_axis_holds_what_it_shows(low: float, factor: float):
    """The ticks of a logarithmic axis rise, begin below the least value, and end above the greatest."""
    found = ticks(low, low * factor)
    assert found[0] <= low
    assert found[-1] >= low * factor
    assert all(a < b for a, b in pairwise(found))
    assert len(found) <= 14


def test_a_heat_map_counts_every_event_once():
    """The cells hold the blocks' events, no more and no less, in at most as many columns as fit."""
    run = a_run(seconds=130, per_s=20)
    cells = heat.cells_of(run["slices"])
    assert sum(cell.count for cell in cells) == run["latency_us"]["end_to_end"]["all"]["count"]
    columns = {(cell.from_s, cell.to_s) for cell in cells}
    assert len(columns) <= heat.MOST_COLUMNS
    for column in columns:
        shares = [cell.share for cell in cells if (cell.from_s, cell.to_s) == column]
        assert sum(shares) == pytest.approx(1.0)


@given(st.lists(st.text(max_size=3), max_size=8))
def test_runs_of_one_name_are_told_apart(names: list[str]):
    """Two files called run.json are two runs."""
    found = distinct(names)
    assert len(set(found)) == len(names)
    assert all(told.startswith(name) for told, name in zip(found, names, strict=True))
