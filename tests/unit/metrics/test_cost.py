"""What a run costs, from counters and in words."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.machine import Reading
from lensload.metrics.cost import CostMeter, ProcessCost, between, together

KINDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
COUNTS = st.integers(0, 10**12)
START = Reading(0, 0, {}, 1, dict.fromkeys(KINDS, 0), {"own": (0, 0), "above": (0, 0)})


@st.composite
def later(draw: st.DrawFn, before: Reading) -> Reading:
    """A reading some time after another."""
    threads = [(1, "main"), (2, "rdk:broker1"), (3, "rdk:broker1")]
    spent_ns = {thread: draw(COUNTS) for thread in threads}

    def more(counts: tuple[int, int]) -> tuple[int, int]:
        periods = draw(st.integers(0, 1000))
        return counts[0] + periods, counts[1] + draw(st.integers(0, periods))

    return Reading(
        at_ns=before.at_ns + draw(st.integers(1, 10**12)),
        cpu_ns=before.cpu_ns + sum(spent_ns.values()),
        threads_ns={thread: before.threads_ns.get(thread, 0) + ns for thread, ns in spent_ns.items()},
        peak_bytes=before.peak_bytes + draw(COUNTS),
        ticks={kind: ticks + draw(st.integers(0, 10**6)) for kind, ticks in before.ticks.items()},
        periods={folder: more(counts) for folder, counts in before.periods.items()},
    )


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    """Three readings of a process, one after the other."""
    first = draw(later(START))
    second = draw(later(first))
    return [first, second, draw(later(second))]


def of(reading: tuple[Reading, Reading], process: str = "generator", worker: int | None = 0) -> ProcessCost:
    return {"process": process, "worker": worker, **between(*reading)}


@given(readings())
def test_shares_are_shares_and_no_thread_used_more_than_its_process(given: list[Reading]):
    """Whatever the counters, what is said of a process fits together."""
    cost = between(given[0], given[1])
    assert cost["cores"] * cost["measured_s"] == pytest.approx(cost["cpu_s"])
    assert 0 <= cost["busiest_thread_cores"] <= cost["cores"] * 1.000001
    assert cost["busiest_thread"] in ("main", "rdk:broker1")
    for name in ("busy", "stolen", "throttled"):
        share = cost[name]
        assert share is None or 0 <= share <= 1
    if cost["busy"] is not None:
        assert (cost["stolen"] or 0) <= cost["busy"] + 1e-9


@given(readings())
def test_what_parts_of_the_time_cost_adds_up(given: list[Reading]):
    """Two parts together cost what the whole does."""
    parts = [between(*pair) for pair in pairwise(given)]
    whole = between(given[0], given[2])
    assert sum(part["cpu_s"] for part in parts) == pytest.approx(whole["cpu_s"])
    assert sum(part["measured_s"] for part in parts) == pytest.approx(whole["measured_s"])


@given(readings())
def test_runs_that_are_merged_cost_what_they_did_together(given: list[Reading]):
    """Processor time adds up process by process, means lie between those of the runs, and one run stays as it is."""
    one, two = (of(pair) for pair in pairwise(given))
    other = of((given[0], given[1]), "observer")
    assert together([[one, other]]) == [one, other]
    (both, alone) = together([[one, other], [two]])
    assert both["cpu_s"] == pytest.approx(one["cpu_s"] + two["cpu_s"])
    assert both["cores"] * both["measured_s"] == pytest.approx(both["cpu_s"])
    assert both["peak_bytes"] == max(one["peak_bytes"], two["peak_bytes"])
    assert alone["process"] == "observer"
    told = [share for cost in (one, two) if (share := cost["throttled"]) is not None]
    if told:
        assert min(told) - 1e-9 <= (both["throttled"] or 0) <= max(told) + 1e-9
    else:
        assert both["throttled"] is None


def test_requests_of_merged_runs_are_means_over_their_time():
    """A kind of request that only one run sent counts for nothing in the time of the other."""
    later_on = replace(START, at_ns=10**9)
    one: ProcessCost = {**of((START, later_on)), "requests_per_s": {"Produce": 30.0, "Metadata": 1.0}}
    two: ProcessCost = {
        **of((later_on, replace(START, at_ns=4 * 10**9))),
        "requests_per_s": {"Produce": 10.0},
    }
    assert together([[one], [two]])[0]["requests_per_s"] == {"Produce": 15.0, "Metadata": 0.25}


def test_a_thread_that_begins_later_counts_from_its_beginning():
    """A client's threads that were started after the first reading are those of the measured time."""
    before = replace(START, threads_ns={(1, "main"): 500})
    after = replace(before, at_ns=1_000, cpu_ns=1_000, threads_ns={(1, "main"): 600, (2, "rdk:main"): 900})
    assert between(before, after)["busiest_thread"] == "rdk:main"


class Ticking:
    """Counters of which each reading is a second and half a second of processor time after the last."""

    def __init__(self) -> None:
        self.reading = START

    def __call__(self) -> Reading:
        """The next reading."""
        now = self.reading
        self.reading = replace(now, at_ns=now.at_ns + 10**9, cpu_ns=now.cpu_ns + 10**9 // 2)
        return now


def test_only_the_measured_time_is_measured():
    """Warm-up and drain cost nothing, however often somebody looks, and until measuring begins there is no cost."""
    read = Ticking()
    meter = CostMeter(read)
    meter.look(50)
    meter.begin(100, 200)
    for now_ns in (50, 99):
        meter.look(now_ns)
    assert meter.cost() is None
    assert read.reading == START
    for now_ns in (100, 101, 150, 200, 201, 300):
        meter.look(now_ns)
    meter.end()
    cost = meter.cost()
    assert cost is not None
    assert (cost["measured_s"], cost["cpu_s"]) == (1.0, 0.5)
    assert meter.cost() == cost


def test_a_run_without_an_end_is_measured_until_it_is_stopped():
    """What it has cost so far is known at any time, and no more is added once it is stopped."""
    meter = CostMeter(Ticking())
    meter.begin(100, 0)
    meter.look(1_000)
    costs = [meter.cost() for _ in range(3)]
    meter.end()
    costs += [meter.cost() for _ in range(2)]
    assert [cost and cost["measured_s"] for cost in costs] == [1.0, 2.0, 3.0, 4.0, 4.0]


def test_a_run_that_is_stopped_in_its_warm_up_has_no_cost():
    """Without measured time there is nothing to say."""
    meter = CostMeter(Ticking())
    meter.begin(100, 200)
    meter.end()
    meter.look(300)
    assert meter.cost() is None
