"""A disk whose writes can be slowed down for one process (Linux with version 1 of cgroups, as root)."""

import os
import subprocess
from pathlib import Path

from tests.harness.artifacts import HarnessError
from tests.harness.context import Context
from tests.harness.network import missing as missing_for_root

_GROUPS = Path("/sys/fs/cgroup/blkio")
_LIMIT = "blkio.throttle.write_bps_device"


def missing() -> str:
    """What this needs and is not there; empty: nothing."""
    return missing_for_root() or (
        "" if (_GROUPS / _LIMIT).exists() else "the blkio controller of cgroups, version 1,"
    )


class SlowDisk(Context):
    """A file system of its own at `folder`, in a file beside it; a context manager that mounts it.

    Args:
        folder: is made, and gone afterwards.
        size_bytes: how much it holds, its own structures included.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder
        self._size_bytes = size_bytes
        self._image = folder.with_suffix(".image")
        self._group = _GROUPS / f"lensload-{os.getpid()}-{id(self)}"

    def start(self) -> None:
        """Make the file system."""
        self.folder.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(self._size_bytes)
        self._run("mkfs.ext4", "-q", str(self._image))
        self._run("mount", "-o", "loop", str(self._image), str(self.folder))
        (self.folder / "lost+found").rmdir()
        self._group.mkdir()

    def close(self) -> None:
        """Unmount it; the processes that were slowed down must have ended."""
        if self._group.exists():
            self._group.rmdir()
        if self.folder.is_mount():
            self._run("umount", "--lazy", str(self.folder))
        if self.folder.exists():
            self.folder.rmdir()
        self._image.unlink(missing_ok=True)

    def slow_down(self, pid: int, bytes_per_s: int) -> None:
        """From now on, a process writes no faster than this to the disk; what it only writes to memory is not slowed."""
        (self._group / "cgroup.procs").write_text(str(pid))
        self._limit(bytes_per_s)

    def release(self) -> None:
        """It writes as fast as it can again."""
        self._limit(0)

    def _limit(self, bytes_per_s: int) -> None:
        device = self.folder.stat().st_dev
        (self._group / _LIMIT).write_text(f"{os.major(device)}:{os.minor(device)} {bytes_per_s}")

    @staticmethod
    def _run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HarnessError(f"{' '.join(command)} failed:\n{done.stderr}")
