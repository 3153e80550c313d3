"""Three real Kafka brokers, each a controller too: a cluster whose members can be killed, frozen and restarted."""

import json
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from confluent_kafka import ElectionType, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from tests.harness.artifacts import HarnessError
from tests.harness.context import Context
from tests.harness.kafka import PORTS, Kafka, new_cluster_id
from tests.harness.process import free_ports

NODES: Final = 3
WHOLE_TIMEOUT_S: Final = 120.0
LOOK_AGAIN_S: Final = 0.1
REPLICATED: Final = {"min.insync.replicas": "2"}
"""The settings of a topic of which two of three replicas must have what is acknowledged to acks=all."""
# A line of DumpLogSegments.
REGISTRATION: Final = re.compile(
    r'CreateTime: (?P<at_ms>\d+) .*"REGISTER_BROKER_RECORD".*?"brokerId":(?P<node>\d+)'
)

# What differs from a broker by itself; the last value of a name counts. Two cores carry three of these.
PROPERTIES = """\
node.id={node_id}
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
auto.leader.rebalance.enable=false
num.network.threads=1
num.io.threads=2
background.threads=2
log.segment.bytes=33554432
"""


class Node(Kafka):
    """One broker and controller of a cluster.

    Args:
        node_id: its number, from 1.
        ports: of its own.
        voters: the controllers, as controller.quorum.voters has them.
        cluster_id: the cluster's.
    """

    heap = "256m"
    java_options = ("-Xms64m",)

    def __init__(self, node_id: int, ports: Sequence[int], voters: str, cluster_id: str) -> None:
        super().__init__(f"kafka-{node_id}", ports, cluster_id)
        self.node_id = node_id
        self._voters = voters

    def _settings(self) -> str:
        return super()._settings() + PROPERTIES.format(node_id=self.node_id, voters=self._voters)

    def _knows(self, brokers: Collection[int]) -> bool:
        return self.node_id in brokers


class Cluster(Context):
    """Three brokers at `bootstrap_servers`; a context manager that starts them and cleans up.

    Args:
        nodes: the brokers by number, set up to find each other; None: nodes of the harness.

    Attributes:
        nodes: the brokers by number.
        bootstrap_servers: the addresses of all of them.
        admin: a client of the cluster.
    """

    def __init__(self, nodes: Mapping[int, Kafka] | None = None) -> None:
        self.nodes = nodes or _nodes()
        self.bootstrap_servers = ",".join(node.bootstrap_servers for node in self.nodes.values())
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})

    def start(self) -> None:
        """Start all brokers at once, and return when each answers.

        Raises:
            HarnessError: one ended, or did not answer in time.
        """
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(Kafka.format, self.nodes.values()))
        for node in self.nodes.values():  # by this thread: servers end with the one that started them
            node.launch()
        for node in self.nodes.values():
            node.await_answer()

    def close(self) -> None:
        """End all brokers and delete their folders."""
        for node in self.nodes.values():
            node.close()

    def create(
        self, topics: Iterable[str], replicas: Sequence[Sequence[int]], config: Mapping[str, str] = REPLICATED
    ) -> None:
        """Create topics; their partitions have their replicas on these brokers, the preferred leader first."""
        assignment = [list(them) for them in replicas]
        wanted = [
            NewTopic(topic, len(assignment), replica_assignment=assignment, config=dict(config))
            for topic in topics
        ]
        for created in self.admin.create_topics(wanted).values():
            created.result(timeout=60)
        for topic in wanted:
            self.leaders(topic.topic)
        self.await_whole()
        self.elect_preferred()

    def delete(self, topics: Iterable[str]) -> None:
        """Delete topics, so that later tests have less to wait for."""
        for deleted in self.admin.delete_topics(list(topics)).values():
            deleted.result(timeout=60)

    def prefer(self, topics: Iterable[str], replicas: Sequence[Sequence[int]]) -> None:
        """Give partitions other preferred leaders among their brokers, and return when these lead."""
        wanted = [
            {"topic": topic, "partition": number, "replicas": list(them)}
            for topic in topics
            for number, them in enumerate(replicas)
        ]
        node = self.nodes[1]
        plan = node.folder / "reassignment.json"
        plan.write_text(json.dumps({"version": 1, "partitions": wanted}))
        node.tool(
            "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
            *(
                "--bootstrap-server",
                self.bootstrap_servers,
                "--reassignment-json-file",
                str(plan),
                "--execute",
            ),
        )
        self.elect_preferred()

    def grow(self, topics: Iterable[str], partitions: int) -> None:
        """Give topics so many partitions, more than they have."""
        for grown in self.admin.create_partitions(
            [NewPartitions(topic, partitions) for topic in topics]
        ).values():
            grown.result(timeout=60)

    def leaders(self, topic: str) -> dict[int, int]:
        """The broker that leads each partition; -1: none."""
        found: dict[int, int] = {}

        def known() -> bool:  # a broker hears of a new topic later than the one that made it
            partitions: dict[int, Any] = self.admin.list_topics(topic, timeout=5).topics[topic].partitions
            found.update({number: partition.leader for number, partition in partitions.items()})
            return bool(found)

        self._await(known, f"{topic} is not known")
        return found

    def registrations(self) -> list[tuple[int, float]]:
        """Which broker has registered with the controllers, and when (Unix seconds), by their log: one of each start."""
        node = self.nodes[1]
        logs = sorted((node.data / "__cluster_metadata-0").glob("*.log"))
        files = ("--files", ",".join(map(str, logs)))
        said = node.tool("org.apache.kafka.tools.DumpLogSegments", "--cluster-metadata-decoder", *files)
        return [(int(found["node"]), int(found["at_ms"]) / 1e3) for found in REGISTRATION.finditer(said)]

    def heal(self) -> None:
        """Start what was ended, thaw what was frozen, and return when all is as at the beginning.

        Raises:
            HarnessError: a replica does not come into sync, or a preferred leader does not lead, in time.
        """
        for node in self.nodes.values():
            if node.is_running:
                node.thaw()
            else:
                node.launch()
        for node in self.nodes.values():
            node.await_answer()
        self.await_whole()
        self.elect_preferred()

    def elect_preferred(self) -> None:
        """Move the leadership of each partition to its preferred leader, and return when that is done."""
        self._await(self._elected, "a preferred leader does not lead")

    def await_whole(self) -> None:
        """Return when every partition has a leader and all replicas in sync."""
        self._await(self._whole, "a replica is not in sync")

    def _whole(self) -> bool:
        return all(
            partition.leader > 0 and set(partition.isrs) == set(partition.replicas)
            for partition in self._partitions()
        )

    def _elected(self) -> bool:
        if all(partition.leader == partition.replicas[0] for partition in self._partitions()):
            return True
        self.admin.elect_leaders(ElectionType.PREFERRED).result(10)
        return False

    def _partitions(self) -> list[Any]:
        found = self.admin.list_topics(timeout=5)
        if len(found.brokers) < NODES:
            raise KafkaException("a broker is missing")
        return [partition for topic in found.topics.values() for partition in topic.partitions.values()]

    def _await(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline_s = time.monotonic() + WHOLE_TIMEOUT_S
        while True:
            try:
                if condition():
                    return
                why: object = otherwise
            except KafkaException as error:
                why = error
            if time.monotonic() > deadline_s:
                logs = "\n".join(node.log_tail(20) for node in self.nodes.values())
                raise HarnessError(f"The cluster is not whole after {WHOLE_TIMEOUT_S:.0f} s: {why}\n{logs}")
            time.sleep(LOOK_AGAIN_S)


def _nodes() -> dict[int, Kafka]:
    ports, cluster_id = free_ports(NODES * PORTS), new_cluster_id()
    by_node = {number: ports[number - 1 :: NODES] for number in range(1, NODES + 1)}
    voters = ",".join(f"{number}@127.0.0.1:{them[1]}" for number, them in by_node.items())
    return {number: Node(number, them, voters, cluster_id) for number, them in by_node.items()}
