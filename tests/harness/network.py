"""Several hosts on this machine (Linux, as root): network namespaces with addresses of their own, and links that can be cut.

Between each two hosts there is a link of its own: a pair of cables into a bridge in a namespace that is nobody's. A
bridge that is taken down swallows what is sent, as a network does that is gone: no side is told.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Sequence
from itertools import combinations, count
from pathlib import Path
from typing import Final

from tests.harness.artifacts import HarnessError
from tests.harness.context import Context

HERE: Final = "here"
"""The host that the tests themselves run on."""

_NUMBERS: Final = count(1)
_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
# A host has a boot of its own, by which programs tell hosts apart; `ip netns exec` gives each command mounts of its own.
_ENTER: Final = f'mount --bind "$0" {_BOOT_ID} && exec "$@"'


def missing() -> str:
    """What this machine lacks for such hosts, in words; empty when all is there."""
    if sys.platform != "linux":
        return "Linux"
    if os.geteuid() != 0:
        return "root"
    return "" if shutil.which("ip") and shutil.which("mount") else "ip (iproute2) and mount"


class Network(Context):
    """Hosts that reach each other, and `HERE`; a context manager that makes them and cleans up.

    Args:
        names: of the hosts.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._tag = f"ll{os.getpid()}x{next(_NUMBERS)}"
        self._names = (*names, HERE)
        # Of 10.0.0.0/8, by process, so that two test processes do not meet in the namespace that they share.
        self._net = f"10.{200 + os.getpid() // 250 % 50}.{os.getpid() % 250}"
        self._folder = Path(tempfile.mkdtemp(prefix="lensload-network-"))

    def address(self, name: str) -> str:
        """A host's own address, at which all others reach it."""
        return f"{self._net}.{self._names.index(name) + 1}"

    def command(self, name: str) -> list[str]:
        """What to put before a command so that it runs on a host."""
        if name == HERE:
            return []
        return ["ip", "netns", "exec", self._space(name), "sh", "-c", _ENTER, str(self._folder / name)]

    def cut(self, one: str, other: str) -> None:
        """From now on nothing gets from one host to the other, or back."""
        self._ip("-n", self._space("switch"), "link", "set", self._bridge(one, other), "down")

    def mend(self, one: str, other: str) -> None:
        """The link works again."""
        self._ip("-n", self._space("switch"), "link", "set", self._bridge(one, other), "up")

    def close(self) -> None:
        """Take all down; processes that still run on a host keep it alive, unreachable."""
        spaces = [["netns", "delete", self._space(name)] for name in (*self._names[:-1], "switch")]
        devices = [["link", "delete", f"{self._tag}{number}"] for number in range(len(self._names) - 1)]
        for thing in (*devices, *spaces):  # as far as they were made
            subprocess.run(["ip", *thing], capture_output=True, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Make the namespaces and the links between them."""
        for name in (*self._names[:-1], "switch"):
            self._ip("netns", "add", self._space(name))
            self._ip("-n", self._space(name), "link", "set", "lo", "up")
            (self._folder / name).write_text(f"{uuid.uuid4()}\n")
        for name in self._names[:-1]:
            self._ip("-n", self._space(name), "address", "add", f"{self.address(name)}/32", "dev", "lo")
        for one, other in combinations(self._names, 2):
            self._link(one, other)

    def _link(self, one: str, other: str) -> None:
        switch, bridge = self._space("switch"), self._bridge(one, other)
        self._ip("-n", switch, "link", "add", bridge, "type", "bridge", "forward_delay", "0")
        for number, (name, far) in enumerate(((one, other), (other, one))):
            device, plug = f"{self._tag}{self._names.index(far)}", f"p{bridge}{number}"
            into = ("netns", self._space(name)) if name != HERE else ()
            at = ("-n", self._space(name)) if name != HERE else ()
            self._ip("link", "add", device, *into, "type", "veth", "peer", "name", plug, "netns", switch)
            self._ip("-n", switch, "link", "set", plug, "master", bridge, "up")
            if name == HERE:
                self._ip("address", "add", f"{self.address(name)}/32", "dev", device)
            self._ip(*at, "link", "set", device, "up")
            self._ip(*at, "route", "add", f"{self.address(far)}/32", "dev", device, "src", self.address(name))
        self.mend(one, other)

    def _space(self, name: str) -> str:
        return f"{self._tag}-{name}"

    def _bridge(self, one: str, other: str) -> str:
        first, second = sorted((self._names.index(one), self._names.index(other)))
        return f"b{first}{second}"

    @staticmethod
    def _ip(*arguments: str) -> None:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HarnessError(f"ip {' '.join(arguments)} failed:\n{done.stderr}")
