"""A real broker whose log is on a disk of its own, which tests fill or slow down."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from tests.harness.disk import Disk
from tests.harness.kafka import Kafka

D = TypeVar("D", bound=Disk)


class KafkaOnDisk(Kafka, Generic[D]):
    """A broker on a disk that is mounted at its first start, and stays until it is closed.

    Args:
        kind: makes the disk of a folder and a size.
        size_bytes: how much the disk holds.

    Attributes:
        disk: where its log is.
    """

    def __init__(self, kind: Callable[[Path, int], D], size_bytes: int) -> None:
        super().__init__()
        self.disk = kind(self.data, size_bytes)

    def format(self) -> None:
        """Mount the disk and prepare its storage, if that was not done yet."""
        if not self.data.exists():
            self.disk.start()
        super().format()

    def close(self) -> None:
        """End it, let the disk go, and delete its folder."""
        self.kill()
        self.disk.close()
        super().close()
