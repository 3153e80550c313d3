"""When a producer's unanswered requests are limited, and to how many."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.kafka.unanswered import LIMIT, limited

IDEMPOTENT: dict[str, Any] = {"enable.idempotence": True, "linger.ms": 5}
COUNTS = st.lists(st.integers(1, 200), min_size=1, max_size=64)


@given(COUNTS, st.integers(1, 100))
def test_the_limit_is_below_the_partitions_that_each_broker_leads(partitions: list[int], brokers: int):
    """Where there is one: so that one partition's request waits when none is answered; and two are always allowed."""
    found = limited(IDEMPOTENT, partitions, brokers)
    assert {name: found[name] for name in IDEMPOTENT} == IDEMPOTENT
    if LIMIT in found:
        assert 2 <= found[LIMIT] < sum(count // brokers for count in partitions)


@pytest.mark.parametrize(
    ("partitions", "brokers", "limit"),
    [
        ([4, 4, 4, 4, 4], 1, None),  # librdkafka's own five are fewer than the partitions
        ([3, 3, 3, 3, 3], 3, 4),
        ([1, 1, 1, 1, 1], 1, 4),
        ([3], 1, 2),
        ([2], 1, None),  # a limit of one would leave the broker idle between two requests
        ([1, 1, 1, 1, 1], 3, None),
        ([4], 0, 3),
    ],
)
def test_only_where_librdkafkas_own_limit_is_too_high(partitions: list[int], brokers: int, limit: int | None):
    """With many partitions a broker it is low enough, and with very few none would be of use."""
    assert limited(IDEMPOTENT, partitions, brokers).get(LIMIT) == limit


@pytest.mark.parametrize(
    "own",
    [{LIMIT: "5"}, {"max.in.flight": "3"}, {"enable.idempotence": "false"}, {"enable.idempotence": False}],
)
def test_what_people_set_stays(own: dict[str, Any]):
    """A limit of theirs is kept, and a producer without idempotence, which does not spin, gets none."""
    settings = {**IDEMPOTENT, **own}
    assert limited(settings, [5], 1) == settings
