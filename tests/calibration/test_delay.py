"""A proxy adds a delay of known size on the way to the broker: every latency behind it shifts by just that."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan, nan
from pathlib import Path
from statistics import median

from lensload.results.run import Run, with_lengths
from tests.calibration.benches import SMALL, on, options
from tests.calibration.table import ROUNDS, Table
from tests.harness.proxy import PRODUCE, Proxy
from tests.support.locusts import Bench

DELAYS_MS = (5, 50, 200)
SLICE_S = 2.5  # in which a whole second of the run is, wherever these begin
SETTLED_S = max(DELAYS_MS) / 1000 + 0.1
CYCLES = ROUNDS
TRIES = 3

# Produce requests alone are delayed, on their way in: every event meets the delay once, before the broker has it, so
# acknowledgement and observation both come later by it. (All requests: a fetch that is on its way while an event
# comes in would add a second, partial delay. A round trip: the ack would see twice what the observer sees once.)
# acks=1, so that any number of requests may be under way; with idempotence it is five, and from 25 requests/s on
# events would wait in the client as well. No linger, which at so low a rate is most of the latency.
LOAD = options(rate=100, duration="10m", warmup="1s", acks=1, linger_ms=0)


def test_a_delay_is_seen_as_it_is_at_ack_and_end_to_end(
    proxy: Proxy, topic_prefix: str, tmp_path: Path, table: Table
):
    """The medians shift by 5, 50 and 200 ms, within 2 % or 0.5 ms, whichever is more, on a machine that lets them."""
    found: list[Shift] = []
    for number in range(TRIES):
        found = measured(proxy, topic_prefix, tmp_path / f"try{number}")
        if all(abs(each.reported_ms - each.held_ms) <= max(0.02 * each.delay_ms, 0.5) for each in found):
            break
    for shift in found:
        what = f"delay of {shift.delay_ms} ms before the broker: shift of {shift.stage} p50"
        if shift.noise_ms > shift.delay_ms / 2:
            figures = f"{shift.held_ms:.2f} ms", f"{shift.reported_ms:.2f} ms"
            table.beside(what, *figures, f"± {shift.noise_ms:.2f} ms", "machine too busy")
        else:
            table.near(what, shift.held_ms, shift.reported_ms, shift.allowed_ms, "ms")


@dataclass(frozen=True)
class Slice:
    """Some seconds of a run under one delay.

    Attributes:
        delay_ms: as it was asked for.
        held_ms: as the proxy held requests, the median; a busy machine adds to it.
        since_s: from when, Unix seconds.
    """

    delay_ms: int
    held_ms: float
    since_s: float


@dataclass(frozen=True)
class Shift:
    """What a delay did to the median of a stage, less what there is without it.

    Attributes:
        noise_ms: how far what should be the same is apart, time after time in one run; three times its scatter.
    """

    stage: str
    delay_ms: int
    held_ms: float
    reported_ms: float
    noise_ms: float

    @property
    def allowed_ms(self) -> float:
        """How far the two may be apart: 2 % or 0.5 ms, and what this machine does to a median all by itself."""
        return max(0.02 * self.delay_ms, 0.5) + self.noise_ms


def measured(proxy: Proxy, prefix: str, folder: Path) -> list[Shift]:
    """One run, the delay switched on and off while it goes: before and after each there is none."""
    folder.mkdir()
    with Bench(folder, *SMALL, *on(proxy.bootstrap_servers, prefix), *LOAD) as bench:
        bench.says("measuring")
        slices = [
            one_slice(proxy, delay)
            for delay in (0, *[each for delay in DELAYS_MS for each in (delay, 0)] * CYCLES)
        ]
        bench.press_ctrl_c()
        bench.ended()
        run = bench.run()
    return [shift(run, slices, stage, delay) for delay in DELAYS_MS for stage in ("ack", "end_to_end")]


def one_slice(proxy: Proxy, delay_ms: int) -> Slice:
    since_s = time.time()
    proxy.delay("requests", delay_ms, PRODUCE)
    proxy.held_ms(PRODUCE)
    time.sleep(SLICE_S - 0.1)
    return Slice(delay_ms, proxy.held_ms(PRODUCE), since_s)


def shift(run: Run, slices: list[Slice], stage: str, delay_ms: int) -> Shift:
    """The median over the slices with this delay, each less the mean of its neighbours, which have none."""
    found = [(each.delay_ms, each.held_ms, median_ms(run, stage, each.since_s)) for each in slices]
    bare = [of_slice for delay, _, of_slice in found if not delay and not isnan(of_slice)]
    around = [
        (during[1] - (before[1] + after[1]) / 2, during[2] - (before[2] + after[2]) / 2)
        for before, during, after in zip(found, found[1:], found[2:], strict=False)
        if during[0] == delay_ms
    ]
    known = [(held, reported) for held, reported in around if not isnan(reported)]
    assert known, "no second of the run is told: this machine is too busy to calibrate on"
    held, reported = zip(*known, strict=True)
    noise_ms = 3 * max(scatter(reported), scatter(bare))
    return Shift(stage, delay_ms, median(held), median(reported), noise_ms)


def scatter(values: Sequence[float]) -> float:
    """The median distance from the median, which a single second that went wrong does not move."""
    return median(abs(value - median(values)) for value in values)


def median_ms(run: Run, stage: str, since_s: float) -> float:
    """The p50 of the events due in the run's first whole second of a slice; NaN if too few events were in it.

    It begins after what the proxy held under the delay before has gone through.
    """
    begun_s = datetime.fromisoformat(run["started_at"]).timestamp()
    found = (
        row["latency_us"].get(stage, {}).get("p50")
        for row, length_s in with_lengths(run["series"])
        if begun_s + row["at_s"] - length_s >= since_s + SETTLED_S
    )
    median_us = next(found, None)
    return nan if median_us is None else median_us / 1000
