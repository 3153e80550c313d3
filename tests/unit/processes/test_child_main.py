"""What a child process does before its order comes."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.processes.child_main import serve
from lensload.processes.envelope import Message
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import ConfigureGenerator, Expect
from lensload.world.options import WorldOptions
from lensload.world.world import made

CONFIG = RunConfig.of(catalogue_size=200, audience_size=500)
ORDER = ConfigureGenerator(CONFIG, "h:1", "mock://", True, 3, (1, 2), 0, None)


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    """A link to this process, which is a child for once."""
    handler = signal.getsignal(signal.SIGINT)
    ours, theirs = Link.pair()
    with theirs:
        monkeypatch.setattr(sys, "argv", ["child", str(os.dup(theirs.fileno()))])
    yield ours
    ours.close()
    signal.signal(signal.SIGINT, handler)


def test_what_is_expected_is_prepared_before_the_order(link: Link) -> None:
    """A configuration that cannot be prepared refuses nothing: the order may have another."""
    done: list[RunConfig | Message] = []

    def prepare(config: RunConfig) -> None:
        done.append(config)
        if config != CONFIG:
            raise UsageError("This one never.")

    def work(own: Link, order: Message) -> None:
        done.append(order)
        own.close()

    other = RunConfig.of(rate=7)
    for message in (Expect(CONFIG), Expect(other), ORDER):
        link.send(message)
    serve(work, prepare)
    assert done == [CONFIG, other, ORDER]
    with pytest.raises(LinkClosed):  # before that, no word
        link.receive(0)


def test_a_world_that_was_expected_is_not_made_again() -> None:
    """The population of an order is the very one that was made for what was expected, each as it arrives."""

    def arrived(message: Expect | ConfigureGenerator) -> WorldOptions:
        opened = message.sealed().opened()
        assert isinstance(opened, Expect | ConfigureGenerator)
        return opened.config.world

    assert made(arrived(ORDER)) is made(arrived(Expect(CONFIG)))
