"""Disks of their own (Linux, as root): a small one that can be filled, and one whose writes can be slowed down."""

import os
import shutil
import subprocess
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.harness.artifacts import HarnessError
from tests.harness.context import Context
from tests.harness.network import missing as missing_for_root

_PAGE: Final = 4096
_GROUPS: Final = Path("/sys/fs/cgroup/blkio")
_LIMIT: Final = "blkio.throttle.write_bps_device"


class Disk(Context):
    """A file system of its own at `folder`; a context manager that mounts it.

    Args:
        folder: is made, and gone afterwards.
        size_bytes: how much it holds, its own structures included.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder
        self._size_bytes = size_bytes

    @staticmethod
    def missing() -> str:
        """What this machine lacks for such a disk, in words; empty when all is there."""
        return missing_for_root()

    def start(self) -> None:
        """Make the file system, and mount it."""
        self.folder.mkdir(parents=True)
        self._mount()

    def close(self) -> None:
        """Unmount it."""
        if self.folder.is_mount():
            self._run("umount", "--lazy", str(self.folder))
        if self.folder.exists():
            self.folder.rmdir()

    @abstractmethod
    def _mount(self) -> None:
        """Make the file system at `folder`, which is there."""

    @staticmethod
    def _run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HarnessError(f"{' '.join(command)} failed:\n{done.stderr}")


class SmallDisk(Disk):
    """A disk of a few kilobytes or megabytes, in memory, which can be filled and cleared."""

    def fill(self, leave_bytes: int = 0) -> None:
        """Put a file there that leaves so much and no more; others may fill it meanwhile."""
        left = self._free_bytes() - leave_bytes
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            for _ in range(left // _PAGE):
                file.write(bytes(_PAGE))

    def clear(self) -> None:
        """Take that file away."""
        self._ballast.unlink(missing_ok=True)

    def _mount(self) -> None:
        self._run("mount", "-t", "tmpfs", "-o", f"size={self._size_bytes}", "tmpfs", str(self.folder))

    def _free_bytes(self) -> int:
        told = os.statvfs(self.folder)
        return told.f_bavail * told.f_frsize

    @property
    def _ballast(self) -> Path:
        return self.folder / ".ballast"


class SlowDisk(Disk):
    """A disk in a file beside its folder, whose writes can be slowed down for one process (version 1 of cgroups)."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        super().__init__(folder, size_bytes)
        self._image = folder.with_suffix(".image")
        self._group = _GROUPS / f"lensload-{os.getpid()}-{id(self)}"

    @staticmethod
    def missing() -> str:
        """What this machine lacks for such a disk, in words; empty when all is there."""
        if lacking := missing_for_root():
            return lacking
        if shutil.which("mkfs.ext4") is None:
            return "mkfs.ext4 (e2fsprogs)"
        return "" if (_GROUPS / _LIMIT).exists() else "the blkio controller of cgroups, version 1,"

    def close(self) -> None:
        """Unmount it; the processes that were slowed down must have ended."""
        if self._group.exists():
            self._group.rmdir()
        super().close()
        self._image.unlink(missing_ok=True)

    def slow_down(self, pid: int, bytes_per_s: int) -> None:
        """From now on, a process writes no faster than this to the disk; what it only writes to memory is not slowed."""
        (self._group / "cgroup.procs").write_text(str(pid))
        self._limit(bytes_per_s)

    def release(self) -> None:
        """It writes as fast as it can again."""
        self._limit(0)

    def _mount(self) -> None:
        with self._image.open("wb") as file:
            file.truncate(self._size_bytes)
        self._run("mkfs.ext4", "-q", str(self._image))
        self._run("mount", "-o", "loop", str(self._image), str(self.folder))
        (self.folder / "lost+found").rmdir()
        self._group.mkdir()

    def _limit(self, bytes_per_s: int) -> None:
        device = self.folder.stat().st_dev
        (self._group / _LIMIT).write_text(f"{os.major(device)}:{os.minor(device)} {bytes_per_s}")
