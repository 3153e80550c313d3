"""The frames between control and its processes."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from lensload.processes.link import Link, LinkClosed


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    ours, theirs = Link.pair()
    link = Link(theirs)
    yield ours, link
    ours.close()
    link.close()


def test_messages_arrive_whole_and_in_order(ends: tuple[Link, Link]) -> None:
    """What is sent is what is received, one message after another, bytes and None and numbers included."""
    ours, theirs = ends
    sent = [{"type": "report", "n": n, "raw": b"\0\xff", "none": None, "list": [1, 2.5]} for n in range(50)]
    for message in sent:
        ours.send(message)
    assert [theirs.receive(1) for _ in sent] == sent


def test_a_message_larger_than_the_sockets_buffers_arrives(ends: tuple[Link, Link]) -> None:
    """A frame's size is not bounded by what the kernel buffers."""
    ours, theirs = ends
    sender = threading.Thread(target=ours.send, args=({"type": "report", "raw": bytes(5_000_000)},))
    sender.start()
    message = theirs.receive(10)
    sender.join()
    assert message is not None
    assert len(message["raw"]) == 5_000_000


def test_nothing_within_the_timeout_is_none(ends: tuple[Link, Link]) -> None:
    """A silent link does not block its reader longer than asked, nor is silence an error."""
    ours, theirs = ends
    assert theirs.receive(0) is None
    assert theirs.receive(0.01) is None
    ours.send({"type": "drain"})
    assert theirs.receive(1) == {"type": "drain"}


def test_a_closed_link_says_so_after_its_last_message(ends: tuple[Link, Link]) -> None:
    """A process's last word is not lost when it ends right after saying it."""
    ours, theirs = ends
    ours.send({"type": "drained"})
    ours.close()
    ours.close()
    assert theirs.receive(1) == {"type": "drained"}
    with pytest.raises(LinkClosed):
        theirs.receive(1)
    with pytest.raises(LinkClosed):
        theirs.send({"type": "drain"})


def test_unknown_messages_are_refused_where_they_are_sent(ends: tuple[Link, Link]) -> None:
    """A misspelt message name fails in the sender, not silently in the receiver."""
    with pytest.raises(ValueError, match="draine"):
        ends[0].send({"type": "draine"})


def test_numpy_scalars_become_plain_numbers(ends: tuple[Link, Link]) -> None:
    """An engine may report what NumPy counted without converting it first."""
    ours, theirs = ends
    ours.send({"type": "report", "n": np.int64(3), "x": np.float64(0.5)})
    assert theirs.receive(1) == {"type": "report", "n": 3, "x": 0.5}
    with pytest.raises(TypeError, match="object"):
        ours.send({"type": "report", "n": object()})


_ECHO = """
    import sys
    {patch}
    from lensload.processes.link import Link, LinkClosed
    link = Link.of_child(int(sys.argv[1]))
    try:
        while True:
            link.send({{"type": "report", "got": link.receive()}})
    except LinkClosed:
        sys.exit(7)
"""


@pytest.mark.parametrize(
    "patch", ["", "from gevent import monkey; monkey.patch_all()"], ids=["plain", "gevent"]
)
def test_a_child_speaks_over_its_descriptor_and_sees_its_parent_go(patch: str) -> None:
    """Both kinds of process can hold an end, and each notices at once when the other has gone."""
    ours, theirs = Link.pair()
    program = textwrap.dedent(_ECHO.format(patch=patch))
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()
    ours.send({"type": "begin", "start_ns": 1 << 60})
    assert ours.receive(20) == {"type": "report", "got": {"type": "begin", "start_ns": 1 << 60}}
    ours.close()
    assert child.wait(10) == 7


_FLOOD = """
    import sys
    from lensload.processes.link import Link
    link = Link.of_child(int(sys.argv[1]))
    for n in range(20):
        link.send({"type": "report", "n": n, "raw": bytes(1_000_000)})
"""


def test_a_full_buffer_is_waited_for_and_is_no_closed_link() -> None:
    """Ends made by gevent's sockets do not block; a child's report that finds the buffer full arrives all the same."""
    ours, theirs = Link.pair()
    theirs.setblocking(False)  # as gevent leaves both ends of a pair
    program = textwrap.dedent(_FLOOD)
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()
    numbers = [message["n"] for _ in range(20) if (message := ours.receive(20))]
    assert numbers == list(range(20))
    assert child.wait(10) == 0
    ours.close()
