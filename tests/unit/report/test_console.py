"""What a person sees of a run: while it runs, and at its end."""

import re
import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lensload.metrics.counts import sums
from lensload.report.console import WIDTH
from lensload.report.live import LiveView, line, picture
from lensload.report.units import clock, latencies, latency, per_s, percent
from lensload.results.run import Run
from lensload.results.snapshot import Snapshot
from lensload.verdict.thresholds import Thresholds
from lensload.verdict.verdict import Reason, reason
from tests.support.consoles import result_text

SNAPSHOT = Snapshot(
    phase="measuring",
    elapsed_s=12.0,
    total_s=32.0,
    target_per_s=5_000.0,
    achieved_per_s=5_003.0,
    produced=60_036,
    acked=59_980,
    observed=59_951,
    failed=12,
    latency_us={
        "schedule_lag": {"p50": 212.0, "p99": 1_103.0},
        "serialize": {"p50": 8.43, "p99": 44.7},
        "ack": {"p50": 812.0, "p99": 5_300.0},
        "end_to_end": {"p50": 2_871.0, "p99": None},
    },
    queue=56,
)


def summary(count: int, p50: float, p99: float | None = None) -> dict[str, Any]:
    return {
        "count": count,
        "mean": p50 * 1.1,
        "p50": p50,
        "p90": p50 * 2,
        "p99": p99,
        "p999": None,
        "max": p50 * 40,
    }


def ledger(produced: int, **changed: int) -> Mapping[str, object]:
    return sums([{"produced": produced, "acked": produced, "observed": produced}]) | changed


def a_reason(text: str) -> Reason:
    return reason("failed", "fail", text)


def a_run() -> dict[str, Any]:
    return {
        "format": "lensload/run/2",
        "verdict": "pass",
        "reasons": [],
        "started_at": "2026-03-04T05:06:07.891+00:00",
        "measured_s": 30.0,
        "cut_short": False,
        "embedded": False,
        "load": {
            "target_per_s": 5_000.0,
            "achieved_per_s": 4_999.6,
            "produced_per_s": 5_000.0,
            "observed_per_s": 4_999.6,
            "mean_bytes": 243.4,
            "bytes_per_s": 1_216_900.0,
        },
        "topics": {
            "recommendation-responses": ledger(50_000),
            "user-interactions": ledger(100_000, acked=99_988, failed=12, observed=99_987, lost=1),
        },
        "warmup": {},
        "latency_us": {
            "schedule_lag": {"all": summary(150_000, 212.4, 1_103.0)},
            "encode": {"all": summary(0, 0.0)},
            "serialize": {"all": summary(1_500, 8.43, 44.7)},
            "ack": {
                "all": summary(150_000, 999.96, 5_300.0),
                "recommendation-responses": summary(50_000, 900.0, 5_000.0),
                "user-interactions": summary(100_000, 1_010.0, 5_400.0),
            },
            "end_to_end": {"all": summary(99, 2_871.0)},
        },
        "errors": [{"topic": "user-interactions", "error": "Local: Message timed out", "count": 12}],
        "totals": {},
        "notices": [],
        "series": [],
        "slices": [],
        "slos": [],
        "client_us": {},
        "breakdown": None,
        "repeats": [],
        "intervals": {},
        "histograms": {},
        "conditions": {
            "versions": {"lensload": "0.1.0", "python": "3.11.7", "librdkafka": "2.16.0"},
            "machine": {"cpus": 2, "cpu_model": "A CPU"},
            "seed": 1,
        },
    }


def text_of(**changed: object) -> str:
    return result_text(cast("Run", a_run() | changed), Path("out/run.json"))


def row_of(text: str, section: str, first: str) -> list[str]:
    """The cells of one row of one table."""
    (block,) = [block for block in text.split("\n\n") if block.startswith(section)]
    (found,) = [row for row in block.splitlines() if row.startswith(first)]
    return [cell.strip() for cell in found.split("  ") if cell.strip()]


def test_the_table_says_what_was_measured():
    """The verdict and its reasons, load, latency in human units, ledger, errors and the run file's place are all there."""
    text = text_of(verdict="fail", reasons=[a_reason("The cluster did not take 12 events.")])
    (load,) = (row for row in text.splitlines() if "(100.0 %)" in row)
    assert re.findall(r"[\d,.]+", load) == ["5,000", "5,000", "100.0", ",", "30.0"]
    assert re.search(r"\b1\.22 MB/s.*\b243 bytes", text)
    assert row_of(text, "LATENCY from", "schedule lag")[1:] == (
        ["150,000", "234 us", "212 us", "425 us", "1.10 ms", "-", "8.50 ms"]
    )
    assert row_of(text, "LATENCY BY", "user-int")[1:] == ["1.01 ms / 5.40 ms"]
    assert row_of(text, "EVENTS", "user-int")[1:] == ["100,000", "99,988", "12", "99,987", "1", "0", "0"]
    assert row_of(text, "EVENTS", "all")[1:3] == ["150,000", "149,988"]
    assert "- 12 x user-interactions: Local: Message timed out\n" in text
    first, _, reason_, *_ = lines = text.splitlines()
    assert first == "VERDICT: FAIL"
    assert reason_ == "- The cluster did not take 12 events."
    assert lines[-2].startswith(first)
    assert lines[-1].endswith(" out/run.json")


def test_a_percentile_of_too_few_samples_is_not_shown():
    """A percentile that the sample cannot carry is a dash, and the dash is explained."""
    assert row_of(text_of(), "LATENCY from", "end to end")[5:7] == ["-", "-"]
    assert "\n-: " in text_of()


@pytest.mark.parametrize(
    ("summaries", "pairs"),
    [
        ([(900, 1.0, 2.0), (900, 3.0, None)], ["1.00 us / 2.00 us", "3.00 us / 6.00 us"]),
        ([(2_000, 1.0, 7.0), (2_000, 3.0, 9.0)], ["1.00 us / 7.00 us", "3.00 us / 9.00 us"]),
    ],
)
def test_topics_show_the_highest_percentile_that_most_of_them_carry(
    summaries: list[tuple[int, float, float | None]], pairs: list[str]
):
    """No column of dashes: where topics have too few events for p99, all show p90, and the column says which."""
    by_topic = {
        "all": summary(4_000, 2.0, 8.0),
        "recommendation-responses": summary(*summaries[0]),
        "user-interactions": summary(*summaries[1]),
    }
    text = text_of(latency_us={"ack": by_topic})
    few = summaries[1][2] is None
    assert row_of(text, "LATENCY BY TOPIC", "topic")[1:] == [f"ack p50/{'p90' if few else 'p99'}"]
    assert [row_of(text, "LATENCY BY TOPIC", topic)[1:] for topic in by_topic if topic != "all"] == [
        [pair] for pair in pairs
    ]


def test_other_numbers_of_events_have_a_reason():
    """A stage that counts other events than were acknowledged is named with the reason, and no other stage is."""
    (line,) = [row for row in text_of().splitlines() if row.startswith("Other numbers of events")]
    assert "serialize" in line
    assert "queue" not in line
    measured = a_run()["latency_us"]
    assert "Other numbers" not in text_of(latency_us={**measured, "serialize": measured["ack"]})


def test_one_repeat_alone_has_no_table_of_intervals():
    """Where only one of several repeats was run nothing differs: there is its rate, and no table without rows."""
    one = {"run_file": "run.1.json", "load": a_run()["load"]}
    lines = text_of(repeats=[one]).splitlines()
    place = lines.index("REPEATS: 1")
    assert lines[place + 1].startswith("achieved 5,000")
    figures = dict.fromkeys(("figure_us", "low_us", "high_us"), 5.0)
    assert row_of(
        text_of(repeats=[one, one], intervals={"ack": {"all": {"p50": figures}}}), "REPEATS: 2", "ack"
    )


def test_a_stage_without_samples_has_no_row():
    """Nothing is shown of what was not measured: no row of zeros that looks like a figure."""
    assert "\nencode " not in text_of()


def test_the_embedded_cluster_is_loud():
    """Nobody can paste a figure of the embedded cluster without the warning, or a real one with it."""
    assert "!! EMBEDDED CLUSTER" in text_of(embedded=True)
    assert "EMBEDDED" not in text_of()


def test_a_run_cut_short_says_so_beside_its_load():
    """A short run is not taken for the whole one."""
    assert "CUT SHORT" in text_of(cut_short=True)
    assert "CUT SHORT" not in text_of()


@given(
    texts=st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "P", "Zs"]), max_size=300), max_size=12
    ),
    count=st.integers(0, 10**9),
    latency_us=st.floats(0, 3.6e9),
)
def test_the_table_can_be_pasted(texts: list[str], count: int, latency_us: float):
    """At most 100 columns of ASCII without markup, whatever the figures; only a word that is longer is not cut."""
    run = deepcopy(a_run())
    run["reasons"], run["notices"] = [a_reason(text) for text in texts], texts
    run["topics"]["user-interactions"] = ledger(count)
    run["latency_us"]["ack"]["all"] = summary(count, latency_us, latency_us)
    text = result_text(cast("Run", run))
    assert text.isascii()
    assert not any(row.endswith(" ") for row in text.splitlines())
    longest_word = max([len(word) for a_text in texts for word in a_text.split()], default=0)
    assert max(map(len, text.splitlines())) <= max(WIDTH, longest_word + 2)


def test_many_errors_do_not_bury_the_verdict():
    """Ten kinds of error are shown, and how many more the run file has."""
    text = text_of(errors=[{"topic": "t", "error": f"E{n}", "count": 1} for n in range(25)])
    assert text.count(" x t: E") == 10
    assert "\n- and 15 more" in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_what_is_printed_is_the_same_everywhere(width: int):
    """A narrow terminal or a CI log's 80 columns change nothing, and square brackets are no markup."""
    run = cast("Run", a_run() | {"reasons": [a_reason("[bold]Not markup[/bold], 12 us")]})
    text = result_text(run, Path("run.json"), width)
    assert text == result_text(run, Path("run.json"))
    assert "[bold]Not markup[/bold], 12 us" in text


@pytest.mark.parametrize(
    ("value_us", "text"),
    [
        (None, "-"),
        (0.0, "0.00 us"),
        (0.25, "0.25 us"),
        (9.996, "10.0 us"),
        (999.4, "999 us"),
        (999.6, "1.00 ms"),
        (12_340.0, "12.3 ms"),
        (999_600.0, "1.00 s"),
        (3.6e9, "3,600 s"),
    ],
)
def test_latencies_have_human_units(value_us: float | None, text: str):
    """Microseconds below 1 ms, milliseconds above; rounding never shows 1000 of a unit."""
    assert latency(value_us) == text


def test_other_figures():
    """Rates, shares, clocks and pairs read as people write them."""
    assert [per_s(rate) for rate in (0, 0.25, 99.94, 100, 1_234_567.8)] == [
        "0",
        "0.2",
        "99.9",
        "100",
        "1,234,568",
    ]
    assert (percent(1, 3), percent(1, 0)) == ("33.3 %", "-")
    assert [clock(seconds) for seconds in (-1, 65.9, 3_661)] == ["00:00", "01:05", "1:01:01"]
    assert [latencies(1, 2), latencies(1, 2_000), latencies(1, None)] == [
        "1.00/2.00 us",
        "1.00 us/2.00 ms",
        "1.00 us/-",
    ]


def test_a_line_has_what_a_log_needs():
    """Time, phase, rate against target, lag, p50 and p99 by stage, queue and failures, in one line."""
    assert line(SNAPSHOT) == (
        "00:12 of 00:32  measuring  5,003/s of 5,000/s  lag p99 1.10 ms  p50/p99: serialize 8.43/44.7 us,"
        " ack 812 us/5.30 ms, end to end 2.87 ms/-  queue 56  failed 12"
    )


def plain_view() -> tuple[LiveView, StringIO]:
    screen = StringIO()
    return LiveView(Console(file=screen, width=80, force_terminal=False)), screen


def test_a_log_gets_a_line_each_five_seconds():
    """Not a line a second: a CI log stays readable, and a late snapshot does not cost a line."""
    view, screen = plain_view()
    with view:
        for second in range(31):
            view.show(replace(SNAPSHOT, elapsed_s=second + 0.01 * (second % 3)))
    times = [text[:5] for text in screen.getvalue().splitlines()]
    assert times == ["00:00", "00:05", "00:10", "00:15", "00:20", "00:25", "00:30"]


def test_a_log_gets_each_phase_and_each_notice_at_once():
    """What changes is told when it happens, not with the next line."""
    view, screen = plain_view()
    with view:
        view.show(replace(SNAPSHOT, phase="starting", elapsed_s=0))
        view.show(replace(SNAPSHOT, phase="warm-up", elapsed_s=1))
        view.show(replace(SNAPSHOT, phase="warm-up", elapsed_s=2, notices=("Broker 1 is gone.",)))
        view.show(replace(SNAPSHOT, elapsed_s=3))
        view.show(replace(SNAPSHOT, phase="draining", elapsed_s=33))
    starting, warm_up, notice, measuring, draining = screen.getvalue().splitlines()
    assert starting == "00:00 of 00:32  starting"
    assert "  warm-up  " in warm_up
    assert notice == "00:02  Broker 1 is gone."
    assert "  measuring  " in measuring
    assert draining.startswith("00:33  draining  ")


def test_a_terminal_is_drawn_in_place_without_threads():
    """In a gevent process no thread may be started; and the cursor comes back even after an error."""
    screen = StringIO()
    threads = threading.active_count()
    view = LiveView(Console(file=screen, width=80, height=24, force_terminal=True))

    def draw_and_break():
        with view:
            view.show(SNAPSHOT)
            view.show(replace(SNAPSHOT, elapsed_s=13.0, notices=("Broker 1 is gone.",)))
            assert threading.active_count() == threads
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        draw_and_break()
    drawn = screen.getvalue()
    assert "Broker 1 is gone." in drawn
    assert "00:13" in drawn
    assert drawn.index("\x1b[?25l") < drawn.rindex("\x1b[?25h")


def test_a_terminal_that_cannot_draw_gets_lines():
    """TERM=dumb is a log."""
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, _environ={"TERM": "dumb"})
    with LiveView(console) as view:
        view.show(SNAPSHOT)
    assert screen.getvalue() == line(SNAPSHOT) + "\n"


def test_the_live_view_goes_by_the_thresholds_of_the_run():
    """A lag that the run's own threshold allows is not shown as one that makes it invalid."""

    def reds(most_s: float) -> int:
        console = Console(width=80, file=StringIO(), force_terminal=True)
        late = replace(SNAPSHOT, latency_us={"schedule_lag": {"p50": 212.0, "p99": 150_000.0}})
        console.print(picture(late, Thresholds(max_schedule_lag_s=most_s)))
        return cast("StringIO", console.file).getvalue().count("\x1b[1;31m")

    assert reds(0.1) == reds(1.0) + 1


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "snapshot",
    [
        SNAPSHOT,
        Snapshot(phase="starting", elapsed_s=0, total_s=None, target_per_s=0, achieved_per_s=0),
        replace(
            SNAPSHOT, target_per_s=1e6, achieved_per_s=1e6, produced=10**11, queue=10**6, total_s=36_000.0
        ),
    ],
)
def test_the_picture_fits(width: int, snapshot: Snapshot):
    """Whatever the figures and the terminal, every stage and count is there and nothing is cut."""
    console = Console(width=width, file=StringIO(), force_terminal=True, color_system=None)
    console.print(picture(snapshot))
    drawn = cast("StringIO", console.file).getvalue()
    assert "…" not in drawn
    for word in (snapshot.phase, f"{snapshot.produced:,}", "schedule lag", "end to end", "failed"):
        assert word in drawn
