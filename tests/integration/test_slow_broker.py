"""One slow broker of three real ones is named while a run is on, and at its end."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from lensload.results.brokers import sentences
from tests.harness.kafka.cluster import Cluster
from tests.harness.process import free_port
from tests.harness.proxy import PRODUCE, Proxy
from tests.support.live_page import Live
from tests.support.locusts import Bench, wait_until

pytestmark = pytest.mark.native

SLOW, DELAY_MS = 2, 300.0
LOAD = (
    "--rate",
    "300",
    "--duration",
    "5m",
    "--warmup",
    "0s",
    "--partitions",
    "6",
    "--topics",
    "user-interactions",
)
SMALL = ("--audience-size", "500", "--catalogue-size", "200", "--registry-url", "mock://")


def test_a_slow_broker_is_named_while_the_run_is_on(brokers: Cluster, topic_prefix: str, tmp_path: Path):
    """Page and log say soon which of three holds acknowledgements back; at the end the page has what the run file has."""
    port, proxies = free_port(), {}
    live = Live(port)
    with ExitStack() as stack:
        for number, node in brokers.nodes.items():
            proxies[number] = stack.enter_context(Proxy(node.proxy_port, node.proxied_port))
        servers = ",".join(proxy.bootstrap_servers for proxy in proxies.values())
        brokers.create([f"{topic_prefix}user-interactions"], [(1, 2, 3), (2, 3, 1), (3, 1, 2)] * 2)
        where = ("--bootstrap-servers", servers, "--topic-prefix", topic_prefix, "--web", str(port))
        with Bench(tmp_path, *where, *LOAD, *SMALL) as bench:
            live.until("measuring")
            wait_until(lambda: sorted(live.state()["brokers"]) == ["1", "2", "3"])
            proxies[SLOW].delay("requests", DELAY_MS, PRODUCE)
            named = f"Broker {SLOW}: ack p"
            wait_until(lambda: any(text.startswith(named) for text in live.state()["slow_brokers"]))
            bench.says(named)
            wait_until(lambda: live.state()["brokers"]["2"]["ack"]["max"] > DELAY_MS * 1e3)
            assert live.post("stop", {})[0] == 202
            over = live.until("over")
            run = bench.run()
    assert over["brokers"] == run.get("brokers")
    assert over["slow_brokers"] == sentences(run)
