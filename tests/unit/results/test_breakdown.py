"""Where the time went: the parts are the whole, and the sentence names the greatest of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.results.breakdown import PLACES, breakdown, sentence


def breakdown_of(lag: float | None, queue: float | None, ack: float | None, end: float | None) -> Any:
    latency = {
        name: {"all": {"mean": mean}}
        for name, mean in (("schedule_lag", lag), ("ack", ack), ("end_to_end", end))
    }
    return breakdown(
        latency, {} if queue is None else {"queue": {"mean": queue}, "output_buffer": {"mean": 0.0}}
    )


times = st.floats(0, 1e7)


@given(times, st.none() | times, times, times)
def test_the_parts_are_the_whole(lag: float, queue: float | None, ack: float, end: float) -> None:
    """Generator, client, broker and consumer make up the end-to-end mean where an event is due before it is acked."""
    ack = max(ack, lag)
    fall = breakdown_of(lag, queue, ack, max(end, ack))
    assert sum(fall[f"{place}_us"] or 0.0 for place in PLACES) == pytest.approx(max(end, ack), abs=1e-3)


MEANS = {
    "generator": (9_000.0, 100.0, 9_500.0, 9_900.0),
    "client": (100.0, 5_000.0, 6_000.0, 6_500.0),
    "broker": (100.0, 500.0, 6_000.0, 6_500.0),
    "consumer": (100.0, 500.0, 1_000.0, 9_000.0),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_greatest_part_is_named(place: str) -> None:
    """A person reads in one sentence whom to ask first, and a program by name."""
    fall = breakdown_of(*MEANS[place])
    assert fall["mostly"] == place
    assert place in sentence(fall)


def test_the_clients_part_names_its_linger() -> None:
    """Where events wait in the client's queue, the setting that makes them wait is there with its value."""
    assert "7.5 ms" in sentence(breakdown_of(*MEANS["client"]), 7.5)
    assert "7.5 ms" not in sentence(breakdown_of(*MEANS["broker"]), 7.5)


def test_a_wait_beyond_the_linger_is_not_called_the_linger() -> None:
    """Events whose mean wait is longer than a batch waits to be filled wait for something else too."""
    fall = breakdown_of(*MEANS["client"])
    client_ms = (fall["client_us"] or 0.0) / 1_000
    long, short = (sentence(fall, client_ms * factor) for factor in (2, 0.5))
    assert ("core" in long, "core" in short) == (False, True)


def test_without_sights_there_is_no_breakdown() -> None:
    """Where nothing was seen, nothing is said of where its time went."""
    assert breakdown_of(1.0, 1.0, 1.0, None) is None
