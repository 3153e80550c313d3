"""What is known of a consumer group under test: how far it is behind, in records and in time, and how it fares."""

from typing_extensions import TypedDict


class Lag(TypedDict):
    """How far a group was behind, over the measured time and the drain.

    Attributes:
        max: the highest of all seconds.
        mean: the mean of all seconds.
        last: that of the last second.
    """

    max: float
    mean: float
    last: float


class TopicLag(TypedDict):
    """A group's lag on one topic.

    Attributes:
        lag: in records: from the committed offsets to the ends, all partitions together.
        lag_s: in seconds: how long ago the oldest event at a committed offset was due; of the partition with the oldest.
    """

    lag: Lag
    lag_s: Lag


class GroupRow(TypedDict):
    """A group in one second.

    Attributes:
        at_s: from the start of the schedule.
        lag: in records, all topics together.
        lag_s: in seconds, of the topic that is furthest behind.
        topics: [records, seconds] by topic.
        state: the group's state, as its coordinator names it.
        members: how many consumers are in it.
        rebalanced: its members or what they are assigned have changed since the row before.
    """

    at_s: float
    lag: int
    lag_s: float
    topics: dict[str, list[float]]
    state: str
    members: int
    rebalanced: bool


class Group(TypedDict):
    """A consumer group over a run.

    Attributes:
        lag: in records, all topics together.
        lag_s: in seconds, of the topic that is furthest behind.
        topics: the same by topic.
        slope_per_s: by how many records per second the lag grew in the measured time, by least squares; null: the time was
            too short.
        slope_low: the low end of its 95 % interval.
        slope_high: the high end.
        recovered_after_s: the longest time for which it was more than a second behind; 0: it never was; null: it still was
            at the end.
        rebalances: how often it rebalanced.
        members: how many consumers were in it in the last second.
        state: its state in the last second.
        series: one row per second.
    """

    lag: Lag
    lag_s: Lag
    topics: dict[str, TopicLag]
    slope_per_s: float | None
    slope_low: float | None
    slope_high: float | None
    recovered_after_s: float | None
    rebalances: int
    members: int
    state: str
    series: list[GroupRow]
