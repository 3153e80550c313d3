"""What people are told of partitions that change under a run."""

from lensload.kafka.partition_watch import Partition, changes

WHOLE = {"a": [Partition(1, 3), Partition(2, 3)], "b": [Partition(1, 3)]}


def test_nothing_is_said_of_partitions_that_stay():
    """No change, no sentence."""
    assert not list(changes(WHOLE, WHOLE, {"a": 2, "b": 2}))


def test_leaders_that_move_are_counted_by_where_they_move():
    """One sentence for all partitions that moved from one broker to another, of whatever topic."""
    now = {"a": [Partition(3, 3), Partition(2, 3)], "b": [Partition(3, 3)]}
    (said,) = changes(WHOLE, now, {})
    assert "2 partitions" in said
    assert "broker 3" in said


def test_a_topic_that_grows_is_named():
    """New partitions are told with their topic; they did not move."""
    (said,) = changes(WHOLE, {**WHOLE, "b": [Partition(1, 3), Partition(2, 3)]}, {})
    assert said.startswith("b has 2 partitions")


def test_too_few_replicas_are_told_once_and_their_recovery_too():
    """A topic that refuses acks=all is named when that begins, not again while it lasts, and when it ends."""
    short = {"a": [Partition(1, 1), Partition(2, 3)], "b": [Partition(1, 1)]}
    least = {"a": 2, "b": 1}
    (begun,) = changes(WHOLE, short, least)
    assert begun.startswith("a: 1 of 2 partitions")
    assert not list(changes(short, short, least))
    (over,) = changes(short, WHOLE, least)
    assert over.startswith("a: enough")


def test_what_was_short_from_the_start_is_told():
    """The first look tells of what is wrong already, and of nothing else."""
    assert not list(changes({}, WHOLE, {"a": 2}))
    assert len(list(changes({}, WHOLE, {"a": 4}))) == 1
