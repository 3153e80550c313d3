"""One real Kafka broker (KRaft, broker and controller in one process), from Maven Central."""

import base64
import subprocess
import uuid
from collections.abc import Collection, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.harness.artifacts import HarnessError, fetch
from tests.harness.process import Server, accepts, free_ports

# No optimising compiler, which such short lives never repay; and Java's class data sharing, whose archive is kept.
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
ARCHIVE = "classes.jsa"
LOG4J = Path(__file__).parent / "log4j2.xml"

# One broker, tests of seconds. Nothing is ever deleted by age or size: tests write days of history, whose events
# are older than any retention, and count every event; the whole folder goes when the broker does. After a kill the
# controller lets the broker back in only when the killed one's session is over, which is 9 s by default. After a kill the
# broker forgets producers whose records are older than producer.id.expiration.ms, a day by default, and takes a batch twice.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://{host}:{port},PROXIED://{host}:{proxied_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},PROXIED://{host}:{proxy_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
producer.id.expiration.ms=2147483647
log.retention.ms=-1
log.retention.bytes=-1
log.segment.bytes=268435456
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=4
"""
# The controller writes no records to its log while there is nothing to say: two thirds of what an idle broker costs.
QUICK_PROPERTIES = "metadata.max.idle.interval.ms=0\n"

PORTS = 4
"""How many ports a broker takes."""


def new_cluster_id() -> str:
    """A name for a cluster that no other has, in Kafka's form."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


class Kafka(Server):
    """A broker at `bootstrap_servers`; topics must be created, never appear.

    Restarting keeps addresses and data. At `proxied_port` it also listens, and there says that it is to be reached at
    `proxy_port`, where a test may put a `Proxy`: all connections of whoever comes through it then do.

    Args:
        quick: start in a third of the processor time, as tests need that start many; otherwise with Java's own choices,
            as people run a broker, which benchmarks need.
        name: stands in the folder's name and in messages.
        ports: four that are free, for a broker that others must know of beforehand; none: it finds its own.
        cluster_id: of the cluster that it belongs to; empty: a new one.
        host: the address that it is reached at.
        enter: what to put before a command so that it runs on that host.

    Attributes:
        data: the folder of its log.
        format_options: what the storage is formatted with besides.
        java_options: what the broker's Java is started with besides.
        heap: the most that its Java may use for objects.
    """

    format_options: tuple[str, ...] = ()
    java_options: tuple[str, ...] = ()
    heap = "1g"

    def __init__(
        self,
        name: str = "kafka",
        ports: Sequence[int] = (),
        cluster_id: str = "",
        *,
        host: str = "127.0.0.1",
        enter: Sequence[str] = (),
        quick: bool = True,
    ) -> None:
        super().__init__(name)
        self._quick, self._host, self._enter = quick, host, enter
        self.port, self.controller_port, self.proxied_port, self.proxy_port = ports or free_ports(PORTS)
        self._cluster_id = cluster_id or new_cluster_id()
        self.bootstrap_servers = f"{host}:{self.port}"
        self.data = self.folder / "data"
        self._properties = self.folder / "server.properties"

    def tool_command(self, main_class: str, *arguments: str) -> list[str]:
        """The command line of one of Kafka's own tools; the address is not added."""
        return self._kafka("256m", main_class, *arguments)

    def tool(self, main_class: str, *arguments: str, timeout_s: float = 120.0) -> str:
        """Run one of Kafka's own tools to its end and return what it printed.

        Args:
            main_class: for example org.apache.kafka.tools.ProducerPerformance.
            arguments: as on the tool's command line; the address is not added.
            timeout_s: after this long the tool is killed.

        Raises:
            HarnessError: it failed or took too long.
        """
        try:
            done = subprocess.run(
                self.tool_command(main_class, *arguments),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise HarnessError(f"{main_class} did not end within {timeout_s} s.") from error
        if done.returncode != 0:
            raise HarnessError(f"{main_class} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def format(self) -> None:
        """Prepare its storage, if that was not done yet; whoever starts it need not ask for this."""
        if not self._properties.exists():
            self._properties.write_text(self._settings())
            self.tool(
                "kafka.tools.StorageTool", "format", f"--cluster-id={self._cluster_id}",
                "-c", str(self._properties), *self.format_options,
            )  # fmt: skip

    def _command(self) -> list[str]:
        self.format()
        return self._kafka(self.heap, "kafka.Kafka", str(self._properties), archives=True)

    def _answers(self) -> bool:
        if not accepts(self.port, self._host):  # cheaper than a client, whose reconnects back off
            return False
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        try:
            return self._knows(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def _knows(self, brokers: Collection[int]) -> bool:
        """Whether a cluster of these brokers is one to work with."""
        return bool(brokers)

    def _settings(self) -> str:
        return (QUICK_PROPERTIES if self._quick else "") + PROPERTIES.format(
            host=self._host,
            port=self.port,
            controller_port=self.controller_port,
            proxied_port=self.proxied_port,
            proxy_port=self.proxy_port,
            data=self.data,
        )

    def close(self) -> None:
        """End the process and delete its folder; the first broker leaves the archive of its classes for all others."""
        written = self.folder / ARCHIVE
        if self._quick and self.is_running and not self._archive.exists():
            self.stop(timeout_s=60)
            if written.exists():
                written.replace(self._archive)
        super().close()

    def _kafka(self, heap: str, main_class: str, *arguments: str, archives: bool = False) -> list[str]:
        options = [f"-Xmx{heap}", f"-Dlog4j2.configurationFile={LOG4J}", f"-Djava.io.tmpdir={self.folder}"]
        if self._quick:
            options += QUICK
            if self._archive.exists():
                options.append(f"-XX:SharedArchiveFile={self._archive}")
            elif archives:
                options.append(f"-XX:ArchiveClassesAtExit={self.folder / ARCHIVE}")
        classes = str(fetch("kafka") / "*")
        return [*self._enter, "java", *options, *self.java_options, "-cp", classes, main_class, *arguments]

    @property
    def _archive(self) -> Path:
        return fetch("kafka") / ARCHIVE
