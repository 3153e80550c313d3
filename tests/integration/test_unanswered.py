"""A producer whose broker does not answer sleeps until it does."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import Producer

from lensload.kafka.producing import producer_settings
from lensload.kafka.unanswered import limited
from tests.support.locusts import wait_until
from tests.support.silent_cluster import SilentCluster, silent_cluster

PARTITIONS = 4  # of each topic of the embedded cluster
STATISTICS = 10  # how many are waited for while the broker stands still


class Silenced:
    """A producer for a broker that stands still.

    Args:
        settings: of the producer.
        cluster: of that broker.
    """

    def __init__(self, settings: Mapping[str, Any], cluster: SilentCluster) -> None:
        self._cluster, self.events, self._told = cluster, 0, list[dict[str, Any]]()
        own = {"statistics.interval.ms": 100, "stats_cb": self._note}
        self._producer = Producer({**settings, **own})

    def loops(self) -> tuple[int, int]:
        """How often the broker's thread looked for work while the broker was frozen, and how many events it got then."""
        self._produce()
        assert self._producer.flush(30) == 0
        self._cluster.freeze()
        wait_until(self._waits)
        loops, events = int(self._broker()["wakeups"]), self.events
        self._told.clear()
        wait_until(lambda: self._produce() and len(self._told) >= STATISTICS)
        return int(self._broker()["wakeups"]) - loops, self.events - events

    def end(self) -> None:
        """Let the broker answer, and everything arrive."""
        self._cluster.thaw()
        assert self._producer.flush(30) == 0

    def _waits(self) -> bool:
        """Whether all partitions have records under way that are not answered, and others behind them."""
        # Five or more a request: of fewer, librdkafka sends a partition several, and has its five requests unanswered at once.
        self._produce(20)
        return bool(self._told) and all(
            each["msgs_inflight"] and each["msgq_cnt"] + each["xmit_msgq_cnt"]
            for number, each in self._told[-1]["topics"]["t"]["partitions"].items()
            if int(number) >= 0
        )

    def _produce(self, each: int = 1) -> int:
        for number in range(each * PARTITIONS):
            self._producer.produce("t", b"value", partition=number % PARTITIONS)
        self._producer.poll(0.02)
        self.events += each * PARTITIONS
        return self.events

    def _note(self, text: str) -> None:
        self._told.append(json.loads(text))

    def _broker(self) -> dict[str, Any]:
        (found,) = (each for each in self._told[-1]["brokers"].values() if each["nodeid"] >= 0)
        return found


@pytest.mark.parametrize("is_limited", [True, False])
def test_a_broker_that_does_not_answer_costs_no_core(is_limited: bool):
    """Its thread wakes at most once for each event it gets; without our limit it never sleeps, or we need none any more."""
    with silent_cluster() as cluster:
        own = {"bootstrap.servers": cluster.bootstrap_servers, "linger.ms": 20, "log_level": 0}
        settings = producer_settings(own, {})
        silenced = Silenced(limited(settings, [PARTITIONS], 1) if is_limited else settings, cluster)
        loops, events = silenced.loops()
        silenced.end()
    assert (loops <= events) == is_limited, (loops, events)
