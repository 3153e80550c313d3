"""A stand-in for the engine and the observer: speaks the link's protocol, counts, and misbehaves on request.

    python -m lensload_standin FD

It "produces" one event for each that its audience's rate makes due. The environment variable STANDIN holds JSON
that says how it misbehaves: {"engine": {"drain_s": 2, "die_after_s": 1, "refuse": [4, "text"], ...}, "observer": …}.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np

from lensload.metrics.stats import Tally
from lensload.processes.link import Link, LinkClosed

TOPIC = "user-interactions"


class StandIn:
    """One process: what it was told, and what it has counted."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.tally = Tally()
        self.rate_per_s = 0.0
        self.begun: dict[str, Any] | None = None
        self.due = 0.0
        self.made = 0
        self.scheduled = False
        self.faults: dict[str, Any] = {}

    def run(self) -> None:
        """Obey until drained."""
        configure = self.link.receive(10)
        assert configure is not None
        role = "observer" if "share_index" in configure else "engine"
        self.role, self.configure = role, configure
        self.faults = json.loads(os.environ.get("STANDIN", "{}")).get(role, {})
        time.sleep(self.faults.get("ready_s", 0))
        if "refuse" in self.faults:
            code, text = self.faults["refuse"]
            self.link.send({"type": "refused", "exit_code": code, "text": text})
            return
        self.link.send({"type": "ready", "conditions": {"pid": os.getpid(), "lanes": configure.get("lanes")}})
        self.loop()

    def loop(self) -> None:
        """One tick each 20 ms, one report each second."""
        last_ns = reported_ns = time.time_ns()
        while True:
            message = self.link.receive(0.02)
            now_ns = time.time_ns()
            self.produce(last_ns, now_ns)
            last_ns = now_ns
            if message and message["type"] == "begin":
                self.begun = message
            elif message and message["type"] == "audience":
                self.rate_per_s = sum(part["rate_per_s"] for part in message["slices"])
                self.link.send(
                    {"type": "notice", "text": f"audience {len(message['slices'])} {self.rate_per_s:g}"}
                )
            elif message and message["type"] == "drain":
                self.drain()
                return
            if now_ns - reported_ns >= 1e9:
                reported_ns = now_ns
                self.report()
            self.misbehave(now_ns)

    def produce(self, from_ns: int, to_ns: int) -> None:
        """Make what is due; the observer sees nothing, its counts come from `drain`."""
        if self.role == "observer" or not self.begun or self.scheduled:
            return
        end_ns = self.begun["end_ns"] or to_ns
        self.due += self.rate_per_s * max(0, min(to_ns, end_ns) - max(from_ns, self.begun["start_ns"])) / 1e9
        fresh = int(self.due) - self.made
        if fresh:
            self.made += fresh
            warm = to_ns < self.begun["measure_from_ns"]
            for name in ("produced", "acked", "observed"):
                self.tally.count(TOPIC, f"warmup_{name}" if warm else name, fresh)
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
                self.tally.record(stage, TOPIC, np.full(fresh, ns, dtype=np.int64))
            failed = int(self.faults.get("fail", 0) * fresh)
            if failed and not warm:
                self.tally.count(TOPIC, "failed", failed)
                self.tally.error(TOPIC, "broker said no", failed)
        if to_ns >= end_ns and self.begun["end_ns"]:
            self.scheduled = True
            self.link.send({"type": "scheduled"})

    def report(self) -> None:
        """The second's tally and gauges."""
        gauges = {"now_ns": time.time_ns(), "target_per_s": self.rate_per_s, "behind_ns": 0, "queue": 0}
        self.link.send({"type": "report", **gauges, "rss_bytes": 1, "tally": self.tally.take().to_wire()})

    def drain(self) -> None:
        """The last word, after as long as asked for; it counts one more event, which must not get lost."""
        told_s = time.time()
        time.sleep(self.faults.get("drain_s", 0))
        if self.role == "engine":
            for name in ("produced", "acked", "observed"):
                self.tally.count(TOPIC, name, 1)
            self.tally.add_total("drained_engines", 1)
            self.tally.add_total("last_engine_drained_s", time.time() / 2)
        else:
            self.tally.add_total("drained_observers", 1)
            # Totals add: halves of a time, so that two workers give a mean that lies between theirs.
            self.tally.add_total("first_observer_told_s", told_s / 2)
        self.tally.add_total("made", self.made)
        last = (
            {"unflushed": 0, "conditions": {"drained": True}} if self.role == "engine" else {"complete": True}
        )
        self.link.send({"type": "drained", "tally": self.tally.take().to_wire(), **last})

    def misbehave(self, now_ns: int) -> None:
        """Die when asked to."""
        after_s = self.faults.get("die_after_s")
        if after_s and self.begun and now_ns > self.begun["start_ns"] + after_s * 1e9:
            sys.stderr.write("something broke in here\n")
            sys.exit(9)


if __name__ == "__main__":
    try:
        StandIn(Link.of_child(int(sys.argv[1]))).run()
    except LinkClosed:
        sys.exit(0)
