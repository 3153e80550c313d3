"""The proxy's process: ``python -S relay.py HOST CONTROL_PORT PORT TARGET_PORT``; standard library only.

Threads, not asyncio, whose timers wake at whole milliseconds. A connection has, for each direction, one thread that
reads and stamps and one that writes when the time has come.

Orders, one a connection to the control port: ``delay requests|responses NS [API_KEY]``, ``held API_KEY``,
``hold``, ``resume``, ``drop``; answered by ``done …`` or ``refused …``.
"""

import contextlib
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue

CHUNK = 1 << 18
RESET = struct.pack("ii", 1, 0)  # linger for 0 s: close() sends RST
HEADER = struct.Struct(">Ih")  # of Kafka's requests: how many bytes follow the first four; api key
KEPT = 10_000  # pieces of a kind, of which it is known how long they were held
REQUESTS, RESPONSES = "requests", "responses"


class Line:
    """What is set for one direction of all connections."""

    def __init__(self) -> None:
        self._set: tuple[int, int | None] = (0, None)
        self._held_ns: dict[int, deque[int]] = {}

    def set(self, delay_ns: int, api_key: int | None) -> None:
        """Hold for so long what comes from now on: all of it, or one kind of request."""
        self._set = (delay_ns, api_key)

    def delay_ns(self, api_key: int) -> int:
        """How long a piece of a request of this kind is held."""
        delay_ns, only = self._set
        return delay_ns if only in (None, api_key) else 0

    def held(self, api_key: int, held_ns: int) -> None:
        """Note how long a piece of a request was really held."""
        self._held_ns.setdefault(api_key, deque(maxlen=KEPT)).append(held_ns)

    def take_held_ns(self, api_key: int) -> int:
        """The median of what was noted since the last call; -1 when nothing was."""
        held_ns = sorted(self._held_ns.pop(api_key, ()))
        return held_ns[len(held_ns) // 2] if held_ns else -1


class Requests:
    """Cuts a stream of Kafka's requests into pieces, each of one request, wherever TCP cut it."""

    def __init__(self) -> None:
        self._left = 0  # bytes of the present request that are still to come
        self._api_key = -1
        self._start = b""

    def pieces(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """The pieces in it, each with its api key; less than a header at the end waits for the next call."""
        chunk, self._start = self._start + chunk, b""
        while chunk:
            if not self._left:
                if len(chunk) < HEADER.size:
                    self._start = chunk
                    return
                size, self._api_key = HEADER.unpack_from(chunk)
                self._left = size + 4
            piece, chunk = chunk[: self._left], chunk[self._left :]
            self._left -= len(piece)
            yield self._api_key, piece


def whole(chunk: bytes) -> Iterable[tuple[int, bytes]]:
    """Responses do not say what they answer, and need not be told apart."""
    return ((-1, chunk),)


class Connection:
    """A client's connection, ours to the target, and the four threads between them.

    Args:
        client: as accepted.
        target: as connected.
        lines: what is set for each direction.
        flowing: set while anything may pass.
    """

    def __init__(
        self, client: socket.socket, target: socket.socket, lines: dict[str, Line], flowing: threading.Event
    ) -> None:
        self._ends: tuple[socket.socket, ...] = (client, target)
        self._lock = threading.Lock()
        self._flowing = flowing
        self._lines = lines

    def start(self) -> None:
        """Let bytes through; not before others know of the connection."""
        ends = self._ends
        if ends:  # not dropped already
            client, target = ends
            self._serve(client, target, self._lines[REQUESTS], Requests().pieces)
            self._serve(target, client, self._lines[RESPONSES], whole)

    def close(self, *, reset: bool = False) -> bool:
        """Close both sides, the first time; gives whether this was it."""
        with self._lock:
            ends, self._ends = self._ends, ()
        for each in ends:
            with contextlib.suppress(OSError):
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                each.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)  # wakes the thread that reads it
            each.close()
        return bool(ends)

    def _serve(
        self,
        source: socket.socket,
        sink: socket.socket,
        line: Line,
        cut: Callable[[bytes], Iterable[tuple[int, bytes]]],
    ) -> None:
        source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting: SimpleQueue[tuple[int, int, int, bytes]] = SimpleQueue()

        def read() -> None:
            with contextlib.suppress(OSError):
                while chunk := source.recv(CHUNK):
                    now_ns = time.monotonic_ns()
                    for api_key, piece in cut(chunk):
                        waiting.put((api_key, now_ns, now_ns + line.delay_ns(api_key), piece))
            now_ns = time.monotonic_ns()
            waiting.put((-1, now_ns, now_ns + line.delay_ns(-1), b""))

        def write() -> None:
            with contextlib.suppress(OSError):
                while True:
                    api_key, came_ns, release_ns, piece = waiting.get()
                    while (left_ns := release_ns - time.monotonic_ns()) > 0:
                        time.sleep(left_ns / 1e9)
                    self._flowing.wait()
                    if not piece:
                        break
                    line.held(api_key, time.monotonic_ns() - came_ns)
                    sink.sendall(piece)
            self.close()

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()


class Relay:
    """All connections, and what is done to them."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._lines = {REQUESTS: Line(), RESPONSES: Line()}
        self._flowing = threading.Event()
        self._flowing.set()
        self._connections: list[Connection] = []

    def connect(self, client: socket.socket) -> None:
        """Lead a client's connection to the target; where nobody listens there, close it."""
        try:
            target = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        connection = Connection(client, target, self._lines, self._flowing)
        self._connections.append(connection)
        connection.start()

    def obey(self, order: list[str]) -> str:
        """Do what is said; gives the answer."""
        match order:
            case ["delay", name, delay_ns, *only] if name in self._lines:
                self._lines[name].set(int(delay_ns), int(only[0]) if only else None)
            case ["held", api_key]:
                return f"done {self._lines[REQUESTS].take_held_ns(int(api_key))}"
            case ["hold"]:
                self._flowing.clear()
            case ["resume"]:
                self._flowing.set()
            case ["drop"]:
                dropped, self._connections = self._connections, []
                return f"done {sum(each.close(reset=True) for each in dropped)}"
            case _:
                return "refused: there is no such order"
        return "done"


def main() -> None:
    """Serve until killed."""
    host = sys.argv[1]
    control_port, port, target_port = map(int, sys.argv[2:])
    relay = Relay((host, target_port))
    listener = socket.create_server((host, port))
    control = socket.create_server((host, control_port))
    threading.Thread(target=accept, args=(listener, relay), daemon=True).start()
    while True:
        asker, _ = control.accept()
        with asker, contextlib.suppress(OSError):
            if order := asker.makefile().readline().split():
                asker.sendall(f"{relay.obey(order)}\n".encode())


def accept(listener: socket.socket, relay: Relay) -> None:
    """Let clients in, for ever."""
    while True:
        client, _ = listener.accept()
        with contextlib.suppress(OSError):  # whoever came is gone again
            relay.connect(client)


if __name__ == "__main__":
    main()
