"""Frames between control and its processes, and the names of the messages in them.

A link is one end of a socket pair. Each frame is a length (4 bytes, big-endian) and a msgpack map that has a
`type`. The same class serves both ends: plain blocking sockets in the engine and the observer, and sockets that
gevent has patched in control, where waiting here lets the other greenlets run.

    control -> engine, observer    configure, begin, drain, audience (engine only), settled (observer only)
    engine, observer -> control    ready, report, pages, notice, drained, refused, and from the engine scheduled

A process that sees `LinkClosed` has lost its parent: it ends at once and drains nothing, so that a dead control
leaves no process behind.
"""

import select
import socket
import struct
import threading
import time
from typing import Any, Final, Self

import msgpack

Message = dict[str, Any]

TO_PROCESS: Final = frozenset({"configure", "begin", "audience", "settled", "drain"})
FROM_PROCESS: Final = frozenset({"ready", "report", "pages", "notice", "scheduled", "drained", "refused"})

_LENGTH = struct.Struct(">I")
_CHUNK_BYTES = 1 << 18


class LinkClosed(Exception):  # noqa: N818  # an event as much as an error: the other end has gone
    """The other end has closed the link, or its process has ended."""


class Link:
    """One end of a link: frames out, frames in.

    Any thread (or greenlet) may send at any time; only one may receive.

    Args:
        connection: one end of a stream socket pair, blocking; the link owns it from here on.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._gathered = bytearray()
        self._sending = threading.Lock()

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """Our end of a new link, and the socket to hand to a child (`pass_fds`), closed here once it runs."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    @classmethod
    def of_child(cls, fd: int) -> Self:
        """The child's end, from the descriptor number it got as its argument."""
        connection = socket.socket(fileno=fd)
        # A pair made in a process that gevent has patched does not block, at either end: a report that finds
        # the buffer full would then look like a closed link.
        connection.setblocking(True)
        return cls(connection)

    def send(self, message: Message) -> None:
        """Send one message; waits while the other end's buffer is full.

        NumPy scalars in it become plain numbers.

        Raises:
            ValueError: its `type` is none of the protocol's.
            LinkClosed: the other end is gone.
        """
        if message.get("type") not in TO_PROCESS | FROM_PROCESS:
            raise ValueError(f"No message of the link is called {message.get('type')!r}.")
        body = bytes(msgpack.packb(message, default=_plain) or b"")
        try:
            with self._sending:
                self._socket.sendall(_LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise LinkClosed(str(error)) from error

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """The next message; None when none came whole within the timeout.

        Args:
            timeout_s: how long to wait; 0 takes only what is already there, None waits for ever.

        Raises:
            LinkClosed: the other end is gone, and every whole message it sent has been received.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (message := self._next()) is None:
            wait_ms = None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)
            if not self._poll.poll(wait_ms):
                return None
            try:
                chunk = self._socket.recv(_CHUNK_BYTES)
            except OSError as error:
                raise LinkClosed(str(error)) from error
            if not chunk:
                raise LinkClosed("the other end closed it")
            self._gathered += chunk
        return message

    def fileno(self) -> int:
        """The descriptor, for `select` and its like; -1 once closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end; the other sees `LinkClosed` after what was sent. Closing twice does nothing."""
        self._socket.close()

    def _next(self) -> Message | None:
        if len(self._gathered) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._gathered)[0]
        if len(self._gathered) < end:
            return None
        message: Message = msgpack.unpackb(self._gathered[_LENGTH.size : end], strict_map_key=False)
        del self._gathered[:end]
        return message


def _plain(value: object) -> object:
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"A message cannot hold a {type(value).__name__}: {value!r}")
    return item()
