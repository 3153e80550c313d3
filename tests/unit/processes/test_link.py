"""The frames between a parent and its child processes."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest

from lensload.processes.envelope import Envelope, Message
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import Begin, Drain, Notice, Scheduled
from tests.support.locusts import PATIENCE_S


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    ours, theirs = Link.pair()
    link = Link(theirs)
    yield ours, link
    ours.close()
    link.close()


def test_messages_arrive_whole_and_in_order(ends: tuple[Link, Link]) -> None:
    """What is sent is what is received, one message after another, forwarded envelopes among them."""
    ours, theirs = ends
    sent: list[Message] = [Notice(f"number {n}") for n in range(50)]
    for message in sent[:25]:
        ours.send(message)
    for message in sent[25:]:
        ours.send(message.sealed())
    received = [theirs.receive(1) for _ in sent]
    assert [envelope and envelope.opened() for envelope in received] == sent


def test_a_message_larger_than_the_sockets_buffers_arrives(ends: tuple[Link, Link]) -> None:
    """A frame's size is not bounded by what the kernel buffers."""
    ours, theirs = ends
    envelope = Envelope("Notice", bytes(5_000_000))
    sender = threading.Thread(target=ours.send, args=(envelope,))
    sender.start()
    received = theirs.receive(10)
    sender.join()
    assert received == envelope


def test_nothing_within_the_timeout_is_none(ends: tuple[Link, Link]) -> None:
    """A silent link does not block its reader longer than asked, nor is silence an error."""
    ours, theirs = ends
    assert theirs.receive(0) is None
    assert theirs.receive(0.01) is None
    ours.send(Drain())
    assert theirs.receive(1) == Drain().sealed()


def test_a_closed_link_says_so_after_its_last_message(ends: tuple[Link, Link]) -> None:
    """A process's last message is not lost when it ends right after sending it."""
    ours, theirs = ends
    ours.send(Scheduled())
    ours.close()
    ours.close()
    assert theirs.receive(1) == Scheduled().sealed()
    with pytest.raises(LinkClosed):
        theirs.receive(1)
    with pytest.raises(LinkClosed):
        theirs.send(Drain())


_ECHO = """
    import sys
    {patch}
    from lensload.processes.link import Link, LinkClosed
    link = Link.of_child(int(sys.argv[1]))
    try:
        while True:
            link.send(link.receive())
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
    begin = Begin(1 << 60, 1 << 61, 0)
    ours.send(begin)
    envelope = ours.receive(PATIENCE_S)
    assert envelope is not None
    assert envelope.opened() == begin
    ours.close()
    assert child.wait(PATIENCE_S) == 7


_FLOOD = """
    import sys
    from lensload.processes.link import Link
    from lensload.processes.envelope import Envelope
    link = Link.of_child(int(sys.argv[1]))
    for n in range(20):
        link.send(Envelope(str(n), bytes(1_000_000)))
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
    numbers = [envelope.kind for _ in range(20) if (envelope := ours.receive(PATIENCE_S))]
    assert numbers == [str(n) for n in range(20)]
    assert child.wait(PATIENCE_S) == 0
    ours.close()
