"""How far a seed or a replay is, for whoever waits."""

from lensload.report.progress import line


def test_half_of_it_in_ten_seconds_leaves_ten_seconds():
    """Who waits knows how fast it goes, how much is done and how long the rest takes."""
    assert line("messages", 10, 5000, 500, 1000) == "00:10  5,000 messages  500/s  50 %  ETA 00:10"
    assert line("messages", 10, 5000, 500, None) == "00:10  5,000 messages  500/s"
    assert line("messages", 0, 0, 0, 1000).endswith("0 %  ETA -")


def test_what_was_done_before_is_no_merit_of_this_run():
    """A seed that is resumed shows all its events, at the pace at which it sends now."""
    assert line("events", 10.0, 600_000, 600_000, 1_000_000, 100_000) == (
        "00:10  600,000 events  50,000/s  60 %  ETA 00:08"
    )
