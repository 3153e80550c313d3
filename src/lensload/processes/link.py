"""Frames between a parent process and a child.

A link is one end of a socket pair. Each frame is a length (4 bytes, big-endian), the length of the message's kind
(1 byte), the kind, and the packed message (see envelope.py). The same class serves both ends: plain blocking sockets
in the child, and in the parent sockets that gevent may have patched, where waiting lets other greenlets run.

A process that sees `LinkClosed` has lost its parent: it ends at once and drains nothing, so that a parent that was
killed leaves no process behind.
"""

import select
import socket
import struct
import threading
import time
from typing import Self

from lensload.processes.envelope import Envelope, Message

_HEAD = struct.Struct(">IB")
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

    def send(self, message: Message | Envelope) -> None:
        """Send one message; waits while the other end's buffer is full.

        Raises:
            TypeError: the message holds what cannot be packed.
            LinkClosed: the other end is gone.
        """
        envelope = message if isinstance(message, Envelope) else message.sealed()
        kind = envelope.kind.encode()
        head = _HEAD.pack(len(kind) + len(envelope.body), len(kind))
        try:
            with self._sending:
                self._socket.sendall(b"".join((head, kind, envelope.body)))
        except OSError as error:
            raise LinkClosed(str(error)) from error

    def receive(self, timeout_s: float | None = None) -> Envelope | None:
        """The next message; None when none came whole within the timeout.

        Args:
            timeout_s: how long to wait; 0 takes only what is already there, None waits for ever.

        Raises:
            LinkClosed: the other end is gone, and every whole message it sent has been received.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (envelope := self._next()) is None:
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
        return envelope

    def fileno(self) -> int:
        """The descriptor, for `select` and its like; -1 once closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end; the other sees `LinkClosed` after what was sent. Closing twice does nothing."""
        self._socket.close()

    def _next(self) -> Envelope | None:
        if len(self._gathered) < _HEAD.size:
            return None
        length, kind_length = _HEAD.unpack_from(self._gathered)
        begin, end = _HEAD.size + kind_length, _HEAD.size + length
        if len(self._gathered) < end:
            return None
        kind, body = self._gathered[_HEAD.size : begin].decode(), bytes(self._gathered[begin:end])
        del self._gathered[:end]
        return Envelope(kind, body)
