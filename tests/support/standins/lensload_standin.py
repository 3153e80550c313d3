"""A stand-in for the generator and the observer: speaks the link's protocol, counts, and misbehaves on request.

    python -m lensload_standin FD

It "produces" one event for each that its audience's rate makes due. The environment variable STANDIN holds JSON
that says how it misbehaves: {"generator": {"drain_s": 2, "die_after_s": 1, "refuse": [4, "text"], ...}, "observer": …}.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np

from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.stats import Stats
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import (
    Audience,
    Begin,
    ConfigureObserver,
    Drain,
    GeneratorDrained,
    GeneratorReport,
    Notice,
    ObserverDrained,
    ObserverReport,
    Ready,
    Refused,
    Scheduled,
)

TOPIC = "user-interactions"


class StandIn:
    """One process: what it was told, and what it has counted."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.stats = Stats()
        self.rate_per_s = 0.0
        self.begun: Begin | None = None
        self.due = 0.0
        self.made = 0
        self.scheduled = False
        self.faults: dict[str, Any] = {}

    def run(self) -> None:
        """Obey until drained."""
        envelope = self.link.receive(60)
        assert envelope is not None
        order = envelope.opened()
        self.role = role = "observer" if isinstance(order, ConfigureObserver) else "generator"
        self.faults = json.loads(os.environ.get("STANDIN", "{}")).get(role, {})
        time.sleep(self.faults.get("ready_s", 0))
        if "refuse" in self.faults:
            self.link.send(Refused(*self.faults["refuse"]))
            return
        self.link.send(Ready({"pid": os.getpid(), "lanes": list(getattr(order, "lanes", []))}))
        self.loop()

    def loop(self) -> None:
        """One tick each 20 ms, one report each second."""
        last_ns = reported_ns = time.time_ns()
        while True:
            envelope = self.link.receive(0.02)
            now_ns = time.time_ns()
            self.produce(last_ns, now_ns)
            last_ns = now_ns
            match envelope.opened() if envelope else None:
                case Begin() as begin:
                    self.begun = begin
                case Audience(rates_per_s):
                    self.rate_per_s = sum(rates_per_s.values())
                    self.link.send(Notice(f"audience {len(rates_per_s)} {self.rate_per_s:g}"))
                case Drain():
                    self.drain()
                    return
                case _:
                    pass
            if now_ns - reported_ns >= 1e9:
                reported_ns = now_ns
                self.report()
            self.misbehave(now_ns)

    def produce(self, from_ns: int, to_ns: int) -> None:
        """Make what is due; the observer sees nothing, its counts come from `drain`."""
        if self.role == "observer" or not self.begun or self.scheduled:
            return
        end_ns = self.begun.end_ns or to_ns
        self.due += self.rate_per_s * max(0, min(to_ns, end_ns) - max(from_ns, self.begun.start_ns)) / 1e9
        fresh = int(self.due) - self.made
        if fresh:
            self.made += fresh
            warm = to_ns < self.begun.measure_from_ns
            for name in ("produced", "acked", "observed"):
                self.stats.count(TOPIC, f"warmup_{name}" if warm else name, fresh)
            for stage, ns in (
                (
                    ("schedule_lag", 50_000),
                    ("serialize", 234_567),
                    ("ack", 1_234_567),
                    ("end_to_end", 2_345_678),
                )
                if not warm
                else ()
            ):
                self.stats.record(stage, TOPIC, np.full(fresh, ns, dtype=np.int64))
            failed = int(self.faults.get("fail", 0) * fresh)
            if failed and not warm:
                self.stats.count(TOPIC, "failed", failed)
                self.stats.error(TOPIC, "broker said no", failed)
        if to_ns >= end_ns and self.begun.end_ns:
            self.scheduled = True
            self.link.send(Scheduled())

    def report(self) -> None:
        """The second's stats and gauges."""
        stats, now_ns = StatsBySecond(timeless=self.stats.take()), time.time_ns()
        if self.role == "generator":
            self.link.send(GeneratorReport(stats, now_ns, 0, self.rate_per_s, 0.0, 0, 0, 1))
        else:
            self.link.send(ObserverReport(stats, now_ns, 0))

    def drain(self) -> None:
        """The last word, after as long as asked for; it counts one more event, which must not get lost."""
        told_s = time.time()
        time.sleep(self.faults.get("drain_s", 0))
        if self.role == "generator":
            for name in ("produced", "acked", "observed"):
                self.stats.count(TOPIC, name, 1)
            self.stats.add_total("drained_generators", 1)
            self.stats.add_total("last_generator_drained_s", time.time() / 2)
        else:
            self.stats.add_total("drained_observers", 1)
            # Totals add: halves of a time, so that two workers give a mean that lies between theirs.
            self.stats.add_total("first_observer_told_s", told_s / 2)
        self.stats.add_total("made", self.made)
        stats = StatsBySecond(timeless=self.stats.take())
        if self.role == "generator":
            self.link.send(GeneratorDrained(stats, 0, time.time_ns(), time.time_ns()))
        else:
            self.link.send(ObserverDrained(stats, complete=True))

    def misbehave(self, now_ns: int) -> None:
        """Die when asked to."""
        after_s = self.faults.get("die_after_s")
        if after_s and self.begun and now_ns > self.begun.start_ns + after_s * 1e9:
            sys.stderr.write("something broke in here\n")
            sys.exit(9)


if __name__ == "__main__":
    try:
        StandIn(Link.of_child(int(sys.argv[1]))).run()
    except LinkClosed:
        sys.exit(0)
