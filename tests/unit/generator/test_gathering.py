"""How long a generator gathers events that are due: a small share of what its client waits by itself."""

from hypothesis import given
from hypothesis import strategies as st

from lensload.generator.process import gathering_ns
from lensload.ids import NS_PER_MS


@given(st.floats(0, 900_000))
def test_gathering_is_a_share_of_the_linger_time_within_bounds(linger_ms: float):
    """A client that waits longer for a batch to fill is handed events less often; never more than 1 ms late, nor below 0.3."""
    gathered_ms = gathering_ns(linger_ms) / NS_PER_MS
    assert 0.3 <= gathered_ms <= 1
    assert gathered_ms <= max(0.3, linger_ms / 8 + 1e-6)
    assert gathering_ns(linger_ms + 1) >= gathering_ns(linger_ms)


def test_a_client_that_does_not_wait_is_not_kept_waiting():
    """Without linger time events are gathered for the shortest time."""
    assert gathering_ns(0) == 0.3 * NS_PER_MS
