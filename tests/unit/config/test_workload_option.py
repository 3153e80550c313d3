"""A workload in a configuration: its topics are the run's, it travels whole, and what is LENS's alone is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lensload.config.loading import load
from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.processes.envelope import Envelope
from lensload.processes.messages import ConfigureObserver
from tests.support import shop


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return shop.written(tmp_path)


def loaded(path: Path, **flags: object) -> RunConfig:
    return load({"workload": str(path), **flags}, environ={}, folder=path.parent)


def test_the_topics_of_a_run_are_those_of_its_workload(path: Path):
    """All of them, in the file's order, unless some are named."""
    assert loaded(path).load.topics == ("orders", "payments")
    assert loaded(path, topics="payments,orders").load.topics == ("orders", "payments")
    some = loaded(path, topics="payments")
    assert (some.load.topics, some.known_topics) == (("payments",), ("orders", "payments"))


def test_a_workload_travels_to_where_its_files_are_not(path: Path):
    """Another process or host needs no file, and has the same run."""
    config = loaded(path, slo="orders.end_to_end.p99 < 1s")
    for file in path.parent.iterdir():
        file.unlink()
    assert RunConfig.from_json(config.as_json()) == config
    assert config.load.workload is not None
    topics = [
        replace(each, schema_text=each.schema_text + " " * 100_000) for each in config.load.workload.topics
    ]
    load_ = config.load.model_copy(update={"workload": replace(config.load.workload, topics=tuple(topics))})
    long = config.model_copy(update={"load": load_})
    assert len(long.as_json()) < 50_000
    assert RunConfig.from_json(long.as_json()) == long
    sealed = ConfigureObserver(config, "a:1", "mock://", False, 7, 0, 1).sealed()
    opened = Envelope(sealed.kind, sealed.body).opened()
    assert isinstance(opened, ConfigureObserver)
    assert opened.config == config
    assert set(opened.streams.readers) == {"orders", "payments"}


def test_a_run_file_says_which_workload_it_was_and_not_where_it_lay(
    path: Path, tmp_path_factory: pytest.TempPathFactory
):
    """Equal workloads have one digest wherever they lie; another seed has another."""
    told = loaded(path).public()["workload"]
    assert (told["file"], told["seed"], told["shares"]) == (
        "shop.toml",
        7,
        {"orders": 0.75, "payments": 0.25},
    )
    assert str(path.parent) not in json.dumps(loaded(path).public())
    elsewhere = shop.written(tmp_path_factory.mktemp("elsewhere"))
    assert loaded(elsewhere).public()["workload"] == told
    elsewhere.write_text(shop.TEXT.replace("seed = 7", "seed = 8"))
    assert loaded(elsewhere).public()["workload"]["digest"] != told["digest"]
    assert load({}, environ={}, folder=path.parent).public()["workload"] is None


def test_a_seed_that_is_given_is_that_of_the_workload(path: Path):
    """--seed replaces the seed that the file names, in every process of the run; nothing else of the workload changes."""
    ours = loaded(path, seed=4)
    shop.written(path.parent, shop.TEXT.replace("seed = 7", "seed = 4"))
    assert ours.public()["workload"] == loaded(path).public()["workload"]
    assert RunConfig.from_json(ours.as_json()) == ours
    assert loaded(path, seed=1).public()["workload"]["seed"] == 1  # LENS's default, but given


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--lift", "0.3"),
        ("--audience-size", "640"),
        ("--experiment", "none"),
        ("--behaviour", "purchase_rate=0.4"),
        ("--recommender", "external"),
        ("--responses-topic", "answers"),
        ("--evolve", "user-interactions=newer.avsc@0.3"),
    ],
)
def test_what_only_lens_world_has_is_refused_by_name(path: Path, flag: str, value: str):
    """Nobody takes an option that decides nothing for one that does."""
    with pytest.raises(UsageError) as caught:
        loaded(path, **{flag.removeprefix("--").replace("-", "_"): value})
    assert flag in str(caught.value)
    assert "--workload" in str(caught.value)


def test_consumer_groups_are_watched_with_any_workload(path: Path):
    """A group's lag is that on the topics of the run, whatever they are."""
    assert loaded(path, watch_group="billing").service.watch_group == ("billing",)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"topics": "order"}, "orders?"),
        ({"topics": "user-interactions"}, "'user-interactions'"),
        ({"slo": "order.ack.p99 < 1s"}, "orders?"),
        ({"slo": "payments.ack.p99 < 1s", "topics": "orders"}, "payments"),
    ],
)
def test_a_topic_that_the_workload_does_not_have_is_named(path: Path, flags: dict[str, str], named: str):
    """A slip is refused with the nearest topic of the workload; LENS's topics are none of its."""
    with pytest.raises(UsageError) as caught:
        loaded(path, **flags)
    assert named in str(caught.value)


def test_topics_that_are_too_rare_to_be_made_alone_are_refused(path: Path):
    """Nobody waits for a run that counts off a million events for one of its own."""
    path.write_text(shop.TEXT.replace("share = 3", "share = 3_000"))
    assert loaded(path).load.topics == ("orders", "payments")
    with pytest.raises(UsageError, match="payments"):
        loaded(path, topics="payments")


def test_a_subject_needs_a_registry(path: Path):
    """Who names a subject and no registry reads which flag is missing."""
    path.write_text(shop.TEXT.replace('"order.avsc"', '{ subject = "orders-value" }'))
    with pytest.raises(UsageError, match="--registry-url"):
        loaded(path)


def test_topics_may_have_names_with_dots(path: Path):
    """Objectives name them all the same."""
    path.write_text(shop.TEXT.replace("topics.orders", 'topics."com.shop.orders"'))
    config = loaded(path, slo="com.shop.orders.ack.p99 < 1s, com.shop.orders.lost == 0")
    assert [each.figure.topic for each in config.criteria.slo] == ["com.shop.orders"] * 2
