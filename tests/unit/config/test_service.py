"""The configuration of a run with a service under test."""

import pytest

from lensload.config.model import RunConfig
from lensload.errors import UsageError

REAL = {"bootstrap_servers": "localhost:9092", "registry_url": "http://localhost:8081"}


def test_an_external_recommender_leaves_its_topics_to_it():
    """The rate is that of the requests; responses and model metrics are the service's to write."""
    run = RunConfig.of(**REAL, recommender="external", topic_prefix="p-")
    assert run.scheduled_topics == ("recommendation-requests",)
    assert run.written_topics == ("recommendation-requests", "user-interactions", "ab-test-events")
    assert run.responses_name == "p-recommendation-responses"
    assert run.changed(responses_topic="answers").responses_name == "p-answers"


def test_without_one_lensload_writes_everything():
    """By default nothing changes: all topics are written, and none is read for answers."""
    run = RunConfig()
    assert run.scheduled_topics == run.written_topics == run.load.topics
    assert run.responses_name is None


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"bootstrap_servers": "localhost:9092", "registry_url": "mock://"},
        {**REAL, "topics": "user-interactions"},
    ],
)
def test_a_service_that_cannot_be_reached_is_refused(values: dict[str, str]):
    """The embedded cluster and a registry made up in each process are out of a service's reach; so is a run without requests."""
    with pytest.raises(UsageError):
        RunConfig.of(recommender="external", **values)


@pytest.mark.parametrize("text", ["a, b", "a;b", ["a", "b"], ["a,b"]])
def test_several_groups_may_be_watched(text: object):
    """Groups come one by one or in one text, and survive the way to another process."""
    run = RunConfig.of(watch_group=text)
    assert run.service.watch_group == ("a", "b")
    assert RunConfig.from_json(run.as_json()) == run


@pytest.mark.parametrize(
    ("slo", "more"),
    [
        ("response.p99 < 150ms", {"recommender": "external"}),
        ("answered >= 99%", {"recommender": "external"}),
        ("responses.duplicated == 0", {"recommender": "external"}),
        ("group(svc).lag_s.max < 5s", {"watch_group": "other,svc"}),
    ],
)
def test_an_objective_of_a_service_that_nobody_measures_is_refused(slo: str, more: dict[str, str]):
    """Before the run, and not with a missing figure at its end."""
    with pytest.raises(UsageError, match=r"--(recommender external|watch-group svc)"):
        RunConfig.of(**REAL, slo=[slo])
    assert RunConfig.of(**REAL, slo=[slo], **more).criteria.slo
