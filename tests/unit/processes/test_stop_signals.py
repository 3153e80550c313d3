"""Ctrl-C and SIGTERM between two steps of work."""

import signal

import pytest

from lensload.processes.stop_signals import deferred_stops, stopping_by


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_deferred_stop_leaves_no_step_half_done_and_is_not_forgotten(number: signal.Signals) -> None:
    """What is begun is finished, and the signal then does what it did before."""
    steps: list[str] = []

    def work() -> None:
        with deferred_stops():
            signal.raise_signal(number)
            steps.append("finished")

    with stopping_by(signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["finished"]


def test_a_block_that_fails_shows_its_own_error_where_no_signal_came() -> None:
    """Deferring changes nothing else, and the handlers of before are there again."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="own"), deferred_stops():
        raise ValueError("own")
    assert signal.getsignal(signal.SIGTERM) is before
