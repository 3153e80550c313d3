"""How fast, side by side: everything in one run on one machine, several times over, as ratios of medians.

    python benchmarks/side_by_side.py            three rounds, about two minutes
    python benchmarks/side_by_side.py --rounds 7
    python benchmarks/side_by_side.py --soak 5m  only: does memory stay flat?

Absolute figures mean nothing on a shared machine; the ratios, taken within one round and then the median over
rounds, do. Everything runs on 127.0.0.1 against the embedded cluster.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
import numpy as np

from lensload.config.model import RunConfig
from lensload.encoding.encoders import FragmentEncoder
from lensload.kafka.embedded import EmbeddedCluster
from lensload.metrics.stats import Stats
from lensload.processes.envelope import Envelope, Message, ProcessName
from lensload.processes.messages import (
    Audience,
    Begin,
    ConfigureGenerator,
    ConfigureObserver,
    Died,
    Drain,
    Drained,
    GeneratorDrained,
    GeneratorReport,
    ObserverDrained,
    Ready,
    Refused,
    Report,
    Scheduled,
)
from lensload.processes.supervisor import Supervisor
from lensload.schema import definitions
from lensload.world.behaviour import Behaviour
from lensload.world.world import TOPICS, World, made

HERE = Path(__file__).parent
SETTING = made()
PARSED = {topic: schema.parsed for topic, schema in definitions.load().items()}
SCHEMA_IDS = {topic: number for number, topic in enumerate(PARSED, start=1)}
NS_PER_S = 1_000_000_000
Figures = dict[str, float]


def generate_and_encode(
    topics: tuple[str, ...], events: int = 600_000, batch: int = 4096
) -> tuple[float, float]:
    """Events a second that one core makes and encodes, and their mean size in bytes."""
    world = World(SETTING, tuple(range(64)), topics=topics)
    encoder = FragmentEncoder(PARSED, SCHEMA_IDS)
    for outline in world.outline():
        encoder.encode(outline)
    due_ns = time.time_ns() + np.arange(batch) * 1000
    sizes = [len(value) for part in world.events_at(due_ns) for value in encoder.encode(part).values]
    done = 0
    started = time.perf_counter()
    while done < events:
        for part in world.events_at(due_ns):
            encoder.encode(part)
        done += batch
        due_ns += batch * 1000
    return done / (time.perf_counter() - started), statistics.mean(sizes)


def bare_produce(bootstrap: str, topic: str, size: int, *, reports: bool, events: int = 600_000) -> float:
    """Events a second of the bare loop, in a process of its own."""
    script = str(HERE / "bare_produce.py")
    arguments = [bootstrap, topic, str(size), str(events), str(int(reports))]
    return float(subprocess.check_output([sys.executable, script, *arguments]).split()[0])


class ProcessRun:
    """One generator process, driven as a coordinator drives it, perhaps with an observer beside it."""

    def __init__(self, bootstrap: str, *, observed: bool) -> None:
        common = (RunConfig(), bootstrap, "mock://", True, time.time_ns() % 16384)
        self.stats = Stats()
        self.resident: list[tuple[float, int]] = []
        self._names: tuple[ProcessName, ...] = ("generator", "observer") if observed else ("generator",)
        self._received: set[tuple[ProcessName, str]] = set()
        self._supervisor = Supervisor(self._receive)
        self._supervisor.send("generator", ConfigureGenerator(*common, list(range(64)), 0, None))
        if observed:
            self._supervisor.send("observer", ConfigureObserver(*common, 0, 1))
        for name in self._names:
            self._await(name, Ready)

    def run(self, rate_per_s: float, warmup_s: float, measured_s: float) -> float:
        """Run the schedule; gives seconds from its start until all was delivered."""
        start_ns = time.time_ns() + NS_PER_S // 10
        measure_from_ns = start_ns + int(warmup_s * NS_PER_S)
        end_ns = measure_from_ns + int(measured_s * NS_PER_S)
        for name in self._names:
            self._supervisor.send(name, Begin(start_ns, measure_from_ns, end_ns))
        self._supervisor.send("generator", Audience({Behaviour(): rate_per_s}, {}))
        self._await("generator", Scheduled)
        self._supervisor.send("generator", Drain())
        self._await("generator", GeneratorDrained)
        took_s = time.time() - start_ns / NS_PER_S
        if "observer" in self._names:
            self._supervisor.send("observer", Drain())
            self._await("observer", ObserverDrained)
        return took_s

    def counted(self, name: str) -> int:
        """Events of all topics counted under `name`."""
        return sum(counts.get(name, 0) for counts in self.stats.counts.values())

    def _await(self, name: ProcessName, kind: type[Message]) -> None:
        """Take in what both send until this one has sent such a message."""
        deadline_s = time.monotonic() + 600
        while (name, kind.__name__) not in self._received:
            self._supervisor.poll(0.02)
            if time.monotonic() > deadline_s:
                raise SystemExit(f"no {kind.__name__} within 600 s")

    def _receive(self, name: ProcessName, envelope: Envelope) -> None:
        self._received.add((name, envelope.kind))
        message = envelope.opened()
        if isinstance(message, (Refused, Died)):
            raise SystemExit(message.text)
        if isinstance(message, (Report, Drained)):
            self.stats.add(message.stats.total())
        if isinstance(message, GeneratorReport):
            self.resident.append((time.monotonic(), message.rss_bytes))


def whole_engine(bootstrap: str, rate_per_s: float = 3e6, seconds: float = 2) -> float:
    """Events a second of one engine process: made, encoded, produced, acknowledged and accounted for.

    Asked for far more than it can do, it does what it can until it gives up what is overdue.
    """
    engine = ProcessRun(bootstrap, observed=False)
    took_s = engine.run(rate_per_s, 0, seconds)
    acked, produced = engine.counted("acked"), engine.counted("produced")
    if acked != produced:
        raise SystemExit(f"{acked} of {produced} events were acknowledged")
    return acked / took_s


def plain_locustfile(bootstrap: str, seconds: int = 6) -> float:
    """Events a second of the plain locustfile, by Locust's own count."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "plain"
        command = [sys.executable, "-m", "locust", "-f", str(HERE / "plain_locustfile.py"), "--headless"]
        command += ["-u", "10", "-r", "10", "-t", f"{seconds}s", "--csv", str(stats), "--only-summary"]
        environment = {**os.environ, "PEER_BOOTSTRAP": bootstrap}
        subprocess.run(command, env=environment, check=True, capture_output=True, cwd=folder)
        rows = (Path(folder) / "plain_stats.csv").read_text().splitlines()
    names = rows[0].split(",")
    aggregated = dict(zip(names, rows[-1].split(","), strict=True))
    return float(aggregated["Requests/s"])


def pacing(bootstrap: str, rate_per_s: float, *, observed: bool, seconds: float = 8) -> Figures:
    """At the given rate: how near the rate came, the 99th percentile of schedule lag, what an observer missed."""
    engine = ProcessRun(bootstrap, observed=observed)
    engine.run(rate_per_s, 2, seconds)
    lag_us = engine.stats.histogram("schedule_lag").percentile_us(99)
    figures = {
        "achieved": engine.counted("produced") / (rate_per_s * seconds),
        "lag_p99_ms": (lag_us or 0) / 1000,
    }
    lost = float(engine.counted("acked") - engine.counted("observed"))
    return {**figures, "lost": lost} if observed else figures


def first_event() -> float:
    """Seconds from `lensload bench` to the first event's due time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        arguments = ["bench", "--duration", "1s", "--warmup", "0s", "--run-file", str(file)]
        started = time.time()
        subprocess.run(
            [str(Path(sys.executable).with_name("lensload")), *arguments], capture_output=True, check=False
        )
        begun = datetime.fromisoformat(json.loads(file.read_text())["started_at"])
    return begun.timestamp() - started


def soak(seconds: float) -> None:
    """Print the engine's resident memory, minute by minute."""
    with EmbeddedCluster() as cluster:
        engine = ProcessRun(cluster.bootstrap_servers, observed=True)
        engine.run(20_000, 0, seconds)
    begun = engine.resident[0][0]
    by_minute: dict[int, int] = {}
    for at, resident in engine.resident:
        by_minute[int((at - begun) // 60)] = max(by_minute.get(int((at - begun) // 60), 0), resident)
    for minute, resident in by_minute.items():
        print(f"minute {minute + 1}: {resident / 2**20:7.1f} MiB at most")


def one_round(bootstrap: str) -> Figures:
    """Everything once."""
    mix, size = generate_and_encode(TOPICS)
    interactions, _ = generate_and_encode(("user-interactions",))
    engine = whole_engine(bootstrap)
    counted = bare_produce(bootstrap, "user-interactions", round(size), reports=True)
    uncounted = bare_produce(bootstrap, "user-interactions", round(size), reports=False)
    plain = plain_locustfile(bootstrap)
    half = pacing(bootstrap, engine / 2, observed=False)
    # Engine, broker and observer share the cores: more than this, and the embedded cluster's 5 MiB a partition
    # are overwritten before the observer has read them.
    quarter = pacing(bootstrap, engine / 4, observed=True)
    return {
        "mix": mix,
        "interactions": interactions,
        "engine": engine,
        "bare, reports counted": counted,
        "bare, no reports": uncounted,
        "plain locustfile": plain,
        "engine / bare counted": engine / counted,
        "engine / bare uncounted": engine / uncounted,
        "engine / plain": engine / plain,
        "mean bytes": size,
        "first event due after s": first_event(),
        **{f"at half: {name}": value for name, value in half.items()},
        **{f"at a quarter, observed: {name}": value for name, value in quarter.items()},
    }


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often everything is measured.")
@click.option("--soak", "soak_for", default="", help="Only watch memory, for so long: 5m.")
def main(rounds: int, soak_for: str) -> None:
    """Measure side by side and print medians and ratios."""
    if soak_for:
        soak(RunConfig.of(duration_s=soak_for).load.duration_s or 0)
        return
    found: list[Figures] = []
    for number in range(rounds):
        with EmbeddedCluster() as cluster:
            found.append(one_round(cluster.bootstrap_servers))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    _print(found)


WANTED: dict[str, tuple[str, Callable[[float], bool]]] = {
    "mix": ("800,000 or more", lambda x: x >= 800_000),
    "interactions": ("1,200,000 or more", lambda x: x >= 1_200_000),
    "engine / bare counted": ("0.45 or more", lambda x: x >= 0.45),
    "engine / plain": ("20 or more", lambda x: x >= 20),
    "first event due after s": ("3 or less", lambda x: x <= 3),
    "at half: achieved": ("within 0.001 of 1", lambda x: abs(x - 1) <= 0.001),
    "at half: lag_p99_ms": ("below 2", lambda x: x < 2),
    "at a quarter, observed: achieved": ("within 0.001 of 1", lambda x: abs(x - 1) <= 0.001),
    "at a quarter, observed: lost": ("0", lambda x: x == 0),
}


def _print(found: list[Figures]) -> None:
    print(f"{'':36}{'median':>14}{'least':>14}{'most':>14}  wanted")
    for name in found[0]:
        values = [figures[name] for figures in found]
        median = statistics.median(values)
        wanted, holds = WANTED.get(name, ("", lambda _: True))
        mark = "" if not wanted else (" (holds)" if holds(median) else " (MISSED)")
        shown = "".join(f"{_text(value):>14}" for value in (median, min(values), max(values)))
        print(f"{name:36}{shown}  {wanted}{mark}")


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


if __name__ == "__main__":
    main()
