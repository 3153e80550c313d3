"""Latencies by broker: in the run file, in the reports, and in a sentence where one of them is slow."""

import io
import json
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console

from lensload.metrics.leaders import Leaders
from lensload.metrics.stats import Stats
from lensload.report import markdown
from lensload.report.html import page
from lensload.report.live import line, picture
from lensload.report.tables import broker_table
from lensload.results.brokers import RECENT_S, RecentBrokers, sentences
from lensload.results.counted import sections, stats_of
from lensload.results.merge import merged
from lensload.results.run import Run
from lensload.results.snapshot import Snapshot
from tests.support.runs import a_run

EVENTS = 5_000
SECOND = Snapshot(phase="measuring", elapsed_s=9.0, total_s=None, target_per_s=1e3, achieved_per_s=1e3)


def on_brokers(**median_us: float) -> Run:
    """A run whose events are acknowledged by brokers (b1, b2, …) in about so many microseconds."""
    run = a_run()
    stats = stats_of(run)
    stats.add(by_brokers(EVENTS, **median_us))
    whole: Any = {**run, **sections(stats)}
    return cast("Run", json.loads(json.dumps(whole)))


def by_brokers(events: int, **median_us: float) -> Stats:
    """What is counted of so many events that each of the brokers acknowledges."""
    stats, draws = Stats(), np.random.default_rng(3)
    for name, median in median_us.items():
        leaders, nought = Leaders(["a"]), np.zeros(events, np.int64)
        leaders.update(0, {"a": [int(name[1:])]})
        places = leaders.of(nought, nought, nought)
        for stage, share in (("ack", 1.0), ("end_to_end", 1.5)):
            values_ns = (draws.lognormal(np.log(median * share * 1e3), 0.2, events)).astype(np.int64)
            leaders.record(stats, stage, places, values_ns)
    return stats


def test_a_slow_broker_is_named_with_its_figure_and_the_others():
    """One of three that is ten times slower: a sentence for each stage names it, in every report."""
    run = on_brokers(b1=6_000, b2=60_000, b3=6_500)
    ack, end_to_end = sentences(run)
    assert ack.startswith("Broker 2: ack p99")
    assert end_to_end.startswith("Broker 2: end to end p99")
    assert ack in markdown.of_run(run)
    assert ack in page.render([run], ["one"])


@pytest.mark.parametrize("median_us", [{"b1": 6_000, "b2": 6_600, "b3": 6_200}, {"b1": 200, "b2": 500}, {}])
def test_brokers_that_are_about_as_fast_are_not_named(median_us: dict[str, float]):
    """No sentence where nothing stands out, where a millisecond is all the difference, and where brokers are not known."""
    assert not sentences(on_brokers(**median_us))


def test_a_broker_that_becomes_slow_is_named_while_the_run_is_on_until_it_is_fast_again():
    """The last seconds decide, however long the run was good before; a page and a terminal have the same sentence."""
    recent, fast, slow = RecentBrokers(), {"b1": 6_000.0, "b3": 6_500.0}, {"b2": 60_000.0}
    for _ in range(100):
        recent.add(by_brokers(200, b2=6_000, **fast))
    assert not recent.sentences()
    for _ in range(RECENT_S):
        recent.add(by_brokers(200, **fast, **slow))
    (ack, end_to_end), ended = recent.sentences(), sentences(on_brokers(**fast, **slow))
    assert [ack.split(" p99 ")[0], end_to_end.split(" p99 ")[0]] == [one.split(" p99 ")[0] for one in ended]
    view = Console(width=100, record=True, file=io.StringIO())
    snapshot = replace(SECOND, slow_brokers=tuple(recent.sentences()))
    view.print(picture(snapshot))
    assert ack in view.export_text()
    assert ack.rstrip(".") in line(snapshot)
    for _ in range(RECENT_S):
        recent.add(by_brokers(200, b2=6_000, **fast))
    assert not recent.sentences()
    recent.add(Stats())


def test_the_table_has_a_row_for_each_broker():
    """In the order of their numbers, ten after nine; without brokers there are no rows."""
    run = on_brokers(b10=5_000, b9=5_000)
    assert [row[0].text for row in broker_table(run).rows] == ["9", "10"]
    assert not broker_table(a_run()).rows


def test_brokers_survive_the_run_file_and_merging():
    """What a run file says by broker is read back exactly, and adds up over repeats."""
    run = on_brokers(b1=6_000, b2=60_000)
    assert sections(stats_of(run)).get("brokers") == run.get("brokers")
    together = merged([run, run], ["a.json", "b.json"], asked=2).get("brokers", {})
    assert together["2"]["ack"]["count"] == 2 * EVENTS
    assert together["2"]["ack"]["p99"] == run.get("brokers", {})["2"]["ack"]["p99"]
