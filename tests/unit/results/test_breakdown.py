"""Where the time went: the parts are the whole, and the sentence names the greatest of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.results.breakdown import PLACES, breakdown, sentence


def found(lag: float | None, queue: float | None, ack: float | None, end: float | None) -> Any:
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
    fall = found(lag, queue, ack, max(end, ack))
    assert sum(fall[f"{place}_us"] or 0.0 for place in PLACES) == pytest.approx(max(end, ack), abs=1e-3)


@pytest.mark.parametrize(
    ("means", "place", "says"),
    [
        ((9_000.0, 100.0, 9_500.0, 9_900.0), "generator", "Mostly in the generator"),
        ((100.0, 5_000.0, 6_000.0, 6_500.0), "client", "up to 5 ms for a batch (linger)"),
        ((100.0, 500.0, 6_000.0, 6_500.0), "broker", "the broker's acknowledgement"),
        ((100.0, 500.0, 1_000.0, 9_000.0), "consumer", "on the consumer's side"),
    ],
)
def test_the_sentence_names_the_greatest_part(means: tuple[float, ...], place: str, says: str) -> None:
    """A person reads in one sentence whom to ask first."""
    fall = found(*means)
    assert fall["mostly"] == place
    assert says in sentence(fall, 5.0)


def test_without_sights_there_is_no_breakdown() -> None:
    """Where nothing was seen, nothing is said of where its time went."""
    assert found(1.0, 1.0, 1.0, None) is None
