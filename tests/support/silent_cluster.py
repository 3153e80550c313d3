"""A cluster that stands still, or loses a broker, when told to: librdkafka's mock of one in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

# The embedded cluster's mock, but broker 1 is the controller; without one, as that has none, it answers no admin client.
PROGRAM = """\
import ctypes, sys
from confluent_kafka import cimpl
from lensload.kafka.batch_producer import BatchProducer
host = BatchProducer({"test.mock.num.brokers": int(sys.argv[1])}, print, print)
library = ctypes.CDLL(cimpl.__file__)
library.rd_kafka_handle_mock_cluster.restype = ctypes.c_void_p
library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
cluster = ctypes.c_void_p(library.rd_kafka_handle_mock_cluster(ctypes.c_void_p(host._client)))
library.rd_kafka_mock_set_controller_id(cluster, 1)
print(library.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
for line in sys.stdin:
    print(library.rd_kafka_mock_broker_set_down(cluster, int(line)), flush=True)
"""


@dataclass(frozen=True)
class SilentCluster:
    """Brokers with four partitions a topic, whose connections stay open while all are frozen; broker 1 is the controller.

    Attributes:
        bootstrap_servers: their addresses.
        process: in which they are.
    """

    bootstrap_servers: str
    process: subprocess.Popen[str]

    def freeze(self) -> None:
        """Let them stand still, and return when they do."""
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def take_down(self, broker: int) -> None:
        """Have a broker drop its connections and refuse others. It still leads, and is the controller, if it was."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{broker}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "0\n"

    def thaw(self) -> None:
        """Let them go on; they answer what they were asked meanwhile."""
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def silent_cluster(brokers: int = 1) -> Generator[SilentCluster]:
    """Such a cluster, until the end of the block."""
    command = [sys.executable, "-c", PROGRAM, str(brokers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield SilentCluster(process.stdout.readline().strip(), process)
        finally:
            process.kill()
