"""Messages arrive as they were sent."""

import numpy as np
import pytest

from lensload.config.model import RunConfig
from lensload.delivery.bitmap import PAGE, PAGE_BYTES, Page
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.stats import Stats
from lensload.processes.envelope import Envelope, Message, Parcel
from lensload.processes.messages import Audience, ConfigureGenerator, GeneratorReport, Notice, Pages, Refused
from lensload.world.behaviour import Behaviour


def sent(message: Message) -> Message:
    """The message, as whoever receives it has it."""
    envelope = message.sealed()
    assert envelope.holds(type(message))
    return envelope.opened()


def test_a_configuration_and_a_schedule_arrive_as_they_were_sent() -> None:
    """Typed values arrive as values of their types: the configuration, behaviours, and plain fields."""
    order = ConfigureGenerator(
        RunConfig.of(rate=7, topic_prefix="x-"), "h:1", "mock://", True, 3, (1, 2), 0, None
    )
    assert sent(order) == order
    slow = Behaviour(name="slow", dwell_median_s=99.0)
    audience = Audience({slow: 5.0, Behaviour(): 1.0}, {slow: 2})
    assert sent(audience) == audience


def test_what_was_measured_arrives_exactly_and_numpys_numbers_as_plain_ones() -> None:
    """Counts, errors, totals and every bucket of every histogram survive the way."""
    stats = Stats()
    stats.count("topic", "produced", 3)
    stats.error("topic", "no | way", 2)
    stats.add_total("bytes", 2.5)
    stats.record("ack", "topic", np.array([1_000, 2_000_000], np.int64))
    by_second = StatsBySecond(10**18, stats, {-1: Stats(), 3: stats})
    arrived = sent(GeneratorReport(by_second, int(1e18), 0, np.float64(0.5), 1.0, np.int64(4), 0, 1))  # pyright: ignore[reportArgumentType]
    assert isinstance(arrived, GeneratorReport)
    assert arrived.stats == by_second
    assert (type(arrived.queue), arrived.queue, arrived.target_per_s) == (int, 4, 0.5)


def test_pages_arrive_bit_by_bit() -> None:
    """A page's bits and seals are the same on the other side."""
    draws = np.random.default_rng(1)
    bits = draws.integers(0, 256, PAGE_BYTES, np.uint8)
    entered = np.unpackbits(bits, bitorder="little")
    page = Page(bits, draws.integers(0, 2**32, PAGE, np.uint32) * entered.astype(np.uint32))
    arrived = sent(Pages("sent", {(5, 7): page}))
    assert isinstance(arrived, Pages)
    assert arrived.kind == "sent"
    ((key, other),) = arrived.pages.items()
    assert key == (5, 7)
    assert (other.bits == page.bits).all()
    assert (other.seals == page.seals).all()


def test_a_parcel_is_forwarded_without_being_opened() -> None:
    """A worker passes on a message of which it does not know the kind."""
    parcel = Parcel(9, 4, "observer", Envelope("OfALaterVersion", b"\xc1 never valid msgpack"))
    assert Parcel.from_wire(parcel.to_wire()) == parcel
    with pytest.raises(ValueError, match="OfALaterVersion"):
        parcel.envelope.opened()


def test_what_cannot_be_packed_fails_in_the_sender() -> None:
    """A field that is no value of a message is found where it is sent, not where it is read."""
    with pytest.raises(TypeError, match="object"):
        Notice(object()).sealed()  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("code", [2, 3, 4])
def test_a_refusal_keeps_its_exit_code(code: int) -> None:
    """The contract's exit code travels with the text."""
    refused = sent(Refused(code, "no broker"))
    assert isinstance(refused, Refused)
    assert (refused.error.exit_code, str(refused.error)) == (code, "no broker")
