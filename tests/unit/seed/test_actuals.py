"""Realised counts are those that anybody finds by reading every event, however the work was divided."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.batches.topic_batch import TopicBatch
from lensload.seed.actuals import NO_POSITION, Actuals, merged
from tests.support.worlds import batches_of

BATCHES = batches_of(20_000)


def counted(batches: list[TopicBatch] | tuple[TopicBatch, ...]) -> dict[str, Any]:
    realised = Actuals()
    for batch in batches:
        realised.add(batch)
    return realised.as_dict()


def by(topic: str, *fields: str) -> dict[tuple[str, ...], int]:
    """How often each combination of values stands in the records of a topic."""
    found: Counter[tuple[str, ...]] = Counter()
    for batch in BATCHES:
        if batch.topic == topic:
            found.update(tuple(_counted_as(record, field) for field in fields) for record in batch.records())
    return dict(found)


def _counted_as(record: dict[str, Any], field: str) -> str:
    if field == "position":
        return record["metadata"].get("position", NO_POSITION)
    return str(len(record[field]) if field == "recommendations" else record[field])


def flat(counts: dict[str, Any], *path: str) -> dict[tuple[str, ...], int]:
    """Nested counts with a tuple of names for each."""
    found: dict[tuple[str, ...], int] = {}
    for name, value in counts.items():
        found |= flat(value, *path, name) if isinstance(value, dict) else {(*path, name): value}
    return found


def test_counts_are_exact():
    """Every type, status, variant, model, list length, category and position is counted as a reader would."""
    counts = counted(BATCHES)
    answers, actions = counts["recommendation-responses"], counts["user-interactions"]
    pairs = [
        (counts["recommendation-requests"]["by_model"], by("recommendation-requests", "modelName")),
        (answers["by_model_and_status"], by("recommendation-responses", "modelName", "status")),
        (answers["by_model"], by("recommendation-responses", "modelName")),
        (answers["by_model_and_length"], by("recommendation-responses", "modelName", "recommendations")),
        (actions["by_type"], by("user-interactions", "interactionType")),
        (actions["by_type_and_position"], by("user-interactions", "interactionType", "position")),
        (actions["by_category"], by("user-interactions", "itemCategory")),
        (
            counts["ab-test-events"]["by_experiment_variant_and_type"],
            by("ab-test-events", "experimentId", "variant", "eventType"),
        ),
        (counts["model-metrics"]["by_model_and_type"], by("model-metrics", "modelName", "metricType")),
    ]
    for found, expected in pairs:
        assert flat(found) == expected
    for batch in BATCHES:
        assert counts[batch.topic]["count"] == len(batch)


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 3_000), max_size=4), workers=st.integers(1, 4))
def test_parts_add_up_to_the_whole(cuts: list[int], workers: int):
    """However batches are cut and given to workers, the merged counts are the same."""
    parts: list[TopicBatch] = []
    for batch in BATCHES:
        edges = sorted({0, len(batch), *(min(cut, len(batch)) for cut in cuts)})
        parts += [batch.part(start, stop) for start, stop in pairwise(edges)]
    assert merged(counted(parts[number::workers]) for number in range(workers)) == counted(BATCHES)


def test_nothing_counts_as_nothing():
    """Who has seen no event has no counts, and adding such a part changes nothing."""
    assert counted([]) == {}
    assert merged([]) == {}
    assert merged([counted(BATCHES), {}]) == counted(BATCHES)
