"""A TCP proxy between clients and a broker, for faults and delays whose size is known."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tests.harness.artifacts import HarnessError
from tests.harness.process import Server, accepts, free_port

RELAY = Path(__file__).with_name("relay.py")
ANSWER_S = 10.0

Direction = Literal["requests", "responses"]
PRODUCE, FETCH = 0, 1
"""Kafka's numbers of its requests (api keys), for `Proxy.delay`."""


class Proxy(Server):
    """Relays TCP from one port of a host to another, in a process (and GIL) of its own; steered while it runs.

    A broker of the harness advertises a proxy's port to whoever comes through it, so that all of a client's
    connections do: ``with Proxy(kafka.proxy_port, kafka.proxied_port)``, clients at `bootstrap_servers`. With nothing
    set it adds some 0.1 ms a direction.

    Args:
        port: where it listens.
        target_port: where it leads.
        host: the address that both ports are of.
        enter: what to put before a command so that it runs on that host.
    """

    def __init__(
        self, port: int, target_port: int, *, host: str = "127.0.0.1", enter: Sequence[str] = ()
    ) -> None:
        super().__init__("proxy")
        self._host, self._enter = host, enter
        self.bootstrap_servers = f"{host}:{port}"
        self._port, self._target_port = port, target_port
        self._control_port = free_port()

    def delay(self, direction: Direction, delay_ms: float, api_key: int | None = None) -> None:
        """Hold each byte that comes in from now on for so long, one way, in one direction.

        It is a delay line: what comes in together goes out together, later, so throughput stays as it is, and
        order within a connection is kept. Each call replaces what was set for its direction; a round trip takes
        the sum of both.

        Args:
            direction: "requests" (from the client to the broker) or "responses".
            delay_ms: how long; 0 for not at all.
            api_key: delay only this kind of Kafka's requests (PRODUCE, FETCH), and whatever is behind one on its
                connection; None: all bytes, of whatever protocol. For "requests" only.
        """
        only = "" if api_key is None else f" {api_key}"
        self._say(f"delay {direction} {delay_ms * 1e6:.0f}{only}")

    def held_ms(self, api_key: int) -> float:
        """How long requests of a kind were really held since the last call, the median: a busy machine adds to a delay."""
        return int(self._say(f"held {api_key}")) / 1e6

    def hold(self) -> None:
        """Let nothing through in either direction until `resume`; connections stay open, new ones are accepted."""
        self._say("hold")

    def resume(self) -> None:
        """Let all that was held go on, in order and at once, as a network does that comes back."""
        self._say("resume")

    def drop(self) -> int:
        """Break all connections that are open (RST to both sides); gives how many. New ones are accepted."""
        return int(self._say("drop"))

    def _command(self) -> list[str]:
        ports = (self._control_port, self._port, self._target_port)
        return [*self._enter, sys.executable, "-S", str(RELAY), self._host, *map(str, ports)]

    def _answers(self) -> bool:
        return accepts(self._control_port, self._host)  # opened after the other one

    def _say(self, order: str) -> str:
        with socket.create_connection((self._host, self._control_port), timeout=ANSWER_S) as control:
            control.sendall(f"{order}\n".encode())
            verdict, _, text = control.makefile().readline().strip().partition(" ")
        if verdict != "done":
            raise HarnessError(f"The proxy does not do {order!r}: {text or 'no answer'}\n{self.log_tail()}")
        return text
