"""A disk of a few kilobytes or megabytes (Linux, as root), which can be filled and cleared."""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.harness.artifacts import HarnessError
from tests.harness.network import missing

__all__ = ["SmallDisk", "missing"]

_PAGE = 4096


class SmallDisk:
    """A folder that is a file system of its own, in memory; a context manager that mounts it.

    Args:
        folder: is made, and gone afterwards.
        size_bytes: how much it holds, its folders' own pages included.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder
        self._size_bytes = size_bytes

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self._run("mount", "-t", "tmpfs", "-o", f"size={self._size_bytes}", "tmpfs", str(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._run("umount", "--lazy", str(self.folder))
        self.folder.rmdir()

    def fill(self, leave_bytes: int = 0) -> None:
        """Put a file there that leaves so much and no more; others may fill it meanwhile."""
        left = self._free_bytes() - leave_bytes
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            for _ in range(left // _PAGE):
                file.write(bytes(_PAGE))

    def clear(self) -> None:
        """Take that file away."""
        self._ballast.unlink(missing_ok=True)

    def _free_bytes(self) -> int:
        told = subprocess.run(
            ["df", "--block-size=1", "--output=avail", str(self.folder)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(told.stdout.splitlines()[1])

    @property
    def _ballast(self) -> Path:
        return self.folder / ".ballast"

    @staticmethod
    def _run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HarnessError(f"{' '.join(command)} failed:\n{done.stderr}")
