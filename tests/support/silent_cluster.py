"""A cluster that stands still when told to: librdkafka's mock of a broker in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

# The embedded cluster's mock; without a controller, as that one has none, it answers no admin client.
PROGRAM = """\
import ctypes, sys
from confluent_kafka import cimpl
from lensload.kafka.batch_producer import BatchProducer
host = BatchProducer({"test.mock.num.brokers": 1}, print, print)
library = ctypes.CDLL(cimpl.__file__)
library.rd_kafka_handle_mock_cluster.restype = ctypes.c_void_p
library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
cluster = ctypes.c_void_p(library.rd_kafka_handle_mock_cluster(ctypes.c_void_p(host._client)))
library.rd_kafka_mock_set_controller_id(cluster, 1)
print(library.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class SilentCluster:
    """One broker with four partitions a topic, whose connections stay open while it is frozen.

    Attributes:
        bootstrap_servers: its address.
    """

    bootstrap_servers: str
    pid: int

    def freeze(self) -> None:
        """Let it stand still, and return when it does."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it go on; it answers what it was asked meanwhile."""
        os.kill(self.pid, signal.SIGCONT)


@contextmanager
def silent_cluster() -> Generator[SilentCluster]:
    """Such a cluster, until the end of the block."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield SilentCluster(process.stdout.readline().strip(), process.pid)
        finally:
            process.kill()
