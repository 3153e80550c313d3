"""Every value of a run is checked wherever it comes from, and what is refused is refused in words."""

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.config.loading import load
from lensload.config.model import RunConfig
from lensload.config.options import Option, options
from lensload.errors import UsageError
from lensload.parse import duration_s
from lensload.schema.definitions import TOPIC_NAMES


def refusal(**flags: object) -> str:
    """What `load` says to these flags alone."""
    with pytest.raises(UsageError) as caught:
        load(flags, environ={}, folder=Path("/nonexistent"))
    assert caught.value.exit_code == 2
    return str(caught.value)


def option(name: str, base: RunConfig | None = None) -> Option:
    return next(each for each in options(base) if each.name == name)


def test_defaults_are_a_run_on_the_embedded_cluster(tmp_path: Path):
    """Who gives nothing gets all five topics at 5,000 events a second, here."""
    config = load(environ={}, folder=tmp_path)
    assert config.cluster.embedded
    assert (config.load.rate, config.load.topics, str(config.load.profile)) == (
        5000.0,
        TOPIC_NAMES,
        "constant",
    )


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path):
    """The nearer a value was given to the run, the more it counts."""
    (tmp_path / "lensload.toml").write_text('rate = 1\nseed = 1\npartitions = 1\nduration = "1m"\n')
    environ = {"LENSLOAD_RATE": "2", "LENSLOAD_SEED": "2", "LENSLOAD_LIFT": ""}
    config = load({"rate": "3", "profile": None}, environ=environ, folder=tmp_path)
    assert (config.load.rate, config.world.seed, config.cluster.partitions, config.load.duration_s) == (
        3,
        2,
        1,
        60,
    )
    assert (config.world.lift, str(config.load.profile)) == (0.1, "constant")


def test_an_effect_is_for_one_experiment_or_for_both():
    """--experiment none is an A/A test of both; NAME=EFFECT changes one, and the last word counts."""
    config = load({"experiment": "none, large-cards=small"}, environ={}, folder=Path("/nonexistent"))
    assert config.world.experiment == (("ranking-v2", "none"), ("large-cards", "small"))
    assert RunConfig.from_json(config.as_json()) == config
    assert RunConfig().world.experiment == ()


def test_a_named_file_is_read_in_place_of_the_usual_one(tmp_path: Path):
    """--config and LENSLOAD_CONFIG name the file; the one in the folder is then left alone."""
    (tmp_path / "lensload.toml").write_text("seed = 1")
    (tmp_path / "other.toml").write_text('seed = 2\nacks = 1\ntopics = ["model-metrics"]')
    config = load(file=tmp_path / "other.toml", environ={}, folder=tmp_path)
    assert (config.world.seed, config.producer.acks, config.load.topics) == (2, "1", ("model-metrics",))
    assert load(environ={"LENSLOAD_CONFIG": str(tmp_path / "other.toml")}, folder=tmp_path) == config


def test_a_blank_flag_takes_an_address_back(tmp_path: Path):
    """A cleared field of the form, or --bootstrap-servers '', means none, whatever the file says."""
    (tmp_path / "lensload.toml").write_text(
        'bootstrap_servers = "kafka:9092"\nregistry_url = "http://r:8081/"'
    )
    assert load(environ={}, folder=tmp_path).cluster.registry_url == "http://r:8081"
    blank = {"bootstrap_servers": "", "registry_url": "", "duration": "", "client_config": ""}
    config = load(blank, environ={}, folder=tmp_path)
    assert config.cluster.embedded
    assert (config.cluster.registry_url, config.load.duration_s, config.cluster.client_config) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("raet = 5", r"lensload\.toml.*'raet'.* rate\?"),
        ("bootstrap-servers = 'a:1'", r"lensload\.toml.*'bootstrap-servers'.* bootstrap_servers\?"),
        ("[bench]\nrate = 5", r"lensload\.toml.*'bench'"),
        ("rate = \n", r"lensload\.toml"),
        ("rate = true", r"rate in .*lensload\.toml.* true"),
        ("rate = -5", r"rate in .*lensload\.toml.* -5: "),
    ],
)
def test_a_file_that_nobody_can_follow_is_refused(tmp_path: Path, content: str, message: str):
    """A slip in lensload.toml is named with the file, and never silently ignored."""
    (tmp_path / "lensload.toml").write_text(content)
    with pytest.raises(UsageError, match=message):
        load(environ={}, folder=tmp_path)


def test_a_named_file_must_be_there(tmp_path: Path):
    """A mistyped --config is not the same as no configuration."""
    with pytest.raises(UsageError, match=r"gone\.toml"):
        load(file=tmp_path / "gone.toml", environ={}, folder=tmp_path)
    with pytest.raises(UsageError, match=re.escape(str(tmp_path))):
        load(file=tmp_path, environ={}, folder=tmp_path)


def test_a_slip_in_the_environment_is_refused_but_other_names_are_not(tmp_path: Path):
    """LENSLOAD_RAET is a slip; LENSLOAD_HARNESS_HOME is somebody else's."""
    with pytest.raises(UsageError, match=r"LENSLOAD_RAET.* LENSLOAD_RATE\?"):
        load(environ={"LENSLOAD_RAET": "5"}, folder=tmp_path)
    others = {"LENSLOAD_HARNESS_HOME": "x", "LENSLOAD_REGISTRY_TOKEN": "t", "LENSLOAD_CONFIG_JSON": "{}"}
    assert load(environ=others, folder=tmp_path) == RunConfig()


@pytest.mark.parametrize(
    ("flag", "value", "named"),
    [
        ("--rate", "abc", ""),
        ("--rate", "0", ""),
        ("--rate", "nan", ""),
        ("--rate", "inf", ""),
        ("--rate", "", ""),
        ("--duration", "fast", "30s"),
        ("--duration", "0", ""),
        ("--warmup", "-1s", "30s"),
        ("--workers", "65", "64"),
        ("--partitions", "1.5", ""),
        ("--acks", "2", "'all', '1' or '0'"),
        ("--compression", "lz5", "lz4"),
        ("--topics", "user-interaction", "user-interactions?"),
        ("--topics", ",", ""),
        ("--catalogue-size", "119", "120"),
        ("--audience-size", "63", "64"),
        ("--experiment", "simpsons", "simpson?"),
        ("--experiment", "ranking-v2=huge", "'huge'"),
        ("--experiment", "ranking=none", "ranking-v2?"),
        ("--profile", "rampe", "ramp?"),
        ("--topic-prefix", "a/b", ""),
        ("--bootstrap-servers", "http://kafka:9092/", "localhost:9092"),
        ("--bootstrap-servers", "a:9092,,b", "localhost:9092"),
        ("--registry-url", "localhost:8081", "http://localhost:8081"),
        ("--registry-url", "http://", "http://localhost:8081"),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_flag_and_what_to_give(flag: str, value: str, named: str):
    """Who mistypes a value reads which flag, what was given, and what to give."""
    text = refusal(**{flag.removeprefix("--").replace("-", "_"): value})
    assert flag in text
    assert repr(value) in text
    assert named in text


@pytest.mark.parametrize(
    ("flags", "missing"),
    [
        ({"bootstrap_servers": "a:9092"}, "--registry-url"),
        ({"registry_url": "http://r:8081"}, "--bootstrap-servers"),
    ],
)
def test_an_address_alone_is_refused_with_the_other_flag(flags: dict[str, str], missing: str):
    """A run has a cluster and a registry, or neither."""
    assert missing in refusal(**flags)


def test_all_slips_are_told_at_once():
    """Nobody mends one flag only to be told of the next."""
    text = refusal(rate="x", seed="-1")
    assert "--rate is 'x'" in text
    assert "--seed is '-1'" in text


@pytest.mark.parametrize("name", ["registry_url", "bootstrap_servers"])
def test_credentials_in_an_address_are_refused_and_not_repeated(name: str):
    """A password typed into an address reaches neither a run nor a message."""
    text = refusal(**{name: "http://ann:sesame@host:8081"})
    assert "sesame" not in text
    if name == "registry_url":
        assert "LENSLOAD_REGISTRY_USER_INFO" in text


def test_the_mock_registry_goes_with_either_cluster():
    """mock:// stands for no registry, on a real cluster and on the embedded one."""
    assert load({"registry_url": "mock://"}, environ={}, folder=Path("/nonexistent")).cluster.embedded
    both = {"registry_url": "mock://x", "bootstrap_servers": "a:1,[::1]:9092, SASL_SSL://b.c:2"}
    assert not load(both, environ={}, folder=Path("/nonexistent")).cluster.embedded


def test_an_objective_of_a_topic_that_is_not_written_is_refused_with_the_nearest():
    """A topic that is mistyped in an objective is named, and so is the one that was meant."""
    assert "user-interactions?" in refusal(slo="user-interaction.ack.p99 < 5ms")


def test_topics_come_in_causal_order_and_once():
    """The order in which topics are asked for decides nothing."""
    config = RunConfig.of(topics="model-metrics, user-interactions,model-metrics")
    assert config.load.topics == ("user-interactions", "model-metrics")


@pytest.mark.parametrize("text", ["300000", "300,000", "300k", "0.3M", " 3e5 "])
def test_a_rate_is_read_as_people_write_it(text: str):
    """A form, a file and the environment take rates as the command line does."""
    assert RunConfig.of(rate=text).load.rate == 300_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2m", 120),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("500ms", 0.5),
        ("1.5S", 1.5),
        ("7", 7),
        (7, 7),
        ("0s", 0),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float):
    """Each notation of the help text is understood."""
    assert duration_s(text) == seconds


@given(st.one_of(st.text(max_size=8), st.floats(), st.none()))
def test_a_duration_is_finite_and_not_negative_or_refused(text: object):
    """No text whatever gives a run that cannot end or starts before it starts."""
    try:
        assert 0 <= duration_s(text) < float("inf")
    except ValueError as error:
        assert "30s" in str(error)  # noqa: PT017 - either outcome is right


@given(
    rate=st.floats(0.01, 1e8) | st.just("max"),
    duration=st.one_of(st.none(), st.floats(0.1, 1e6)),
    topics=st.sets(st.sampled_from(TOPIC_NAMES), min_size=1),
    run_file=st.sampled_from([Path("run.json"), Path("/a folder/b.json")]),
)
def test_a_config_survives_the_pipe(
    rate: float | str, duration: float | None, topics: set[str], run_file: Path
):
    """What a generator process gets is exactly what was checked."""
    config = RunConfig.of(rate=rate, duration_s=duration, topics=tuple(topics), run_file=run_file)
    assert RunConfig.of(**config.as_dict()) == config
    assert RunConfig.from_json(config.as_json()) == config


def test_a_run_file_names_no_folder_of_anybody_s():
    """Run files are passed around: they hold the whole configuration, but not whose home it lay in."""
    config = RunConfig.of(
        client_config=Path("/home/ann/client.properties"), run_file=Path("/home/ann/run.json")
    )
    shown = json.dumps(config.public())
    assert "ann" not in shown
    assert json.loads(shown) == config.as_dict() | {
        "client_config": "client.properties",
        "run_file": "run.json",
    }


def test_changing_and_receiving_check_again():
    """No way into a RunConfig goes around its checks."""
    assert RunConfig().changed(rate=7).load.rate == 7
    for attempt in (
        lambda: RunConfig().changed(rate=-7),
        lambda: RunConfig().changed(raet=7),
        lambda: RunConfig.of(raet=7),
        lambda: RunConfig.from_json('{"rate": -7}'),
    ):
        with pytest.raises(UsageError):
            attempt()


def test_every_option_can_be_shown_and_taken_back(tmp_path: Path):
    """The defaults of flags and forms, given back as they are, change nothing."""
    for base in (
        RunConfig(),
        RunConfig.of(bootstrap_servers="a:1", registry_url="mock://", duration_s=90, topics=TOPIC_NAMES[:2]),
    ):
        given_back = {each.name: each.default for each in options(base)}
        assert load(given_back, environ={}, folder=tmp_path) == base


def test_every_option_has_what_a_door_needs():
    """Help, flag and variable follow from the field, and a form never holds a None."""
    assert {each.field for each in options()} == set(RunConfig().as_dict())
    for each in options():
        assert each.help.endswith(".")
        assert each.flag == f"--{each.name.replace('_', '-')}"
        assert each.env == f"LENSLOAD_{each.name.upper()}"
        assert not each.choices or each.default in each.choices
        assert None not in asdict(each).values()
    assert (option("duration").default, option("warmup").default, option("rate").default) == (
        "",
        "2s",
        "5000",
    )


def test_the_form_holds_no_address_and_no_path():
    """Whoever can open the web page can neither send credentials elsewhere nor write files."""
    shown = {each.name for each in options() if each.shown.web}
    assert shown.isdisjoint({"bootstrap_servers", "registry_url", "client_config", "run_file"})
    assert {"user_rate", "profile", "seed", "duration"} <= shown


def test_no_flag_is_one_that_locust_has():
    """Locust refuses to start over a flag that is declared twice."""
    code = (
        "import sys; from locust.argument_parser import get_parser\n"
        "print(*(flag for action in get_parser()._actions for flag in action.option_strings))"
    )
    taken = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {each.locust_flag for each in options() if each.shown.locust}
    assert ours.isdisjoint(taken.stdout.split())


def test_importing_the_configuration_stays_cheap():
    """Generators import it before the first event: neither locust nor a registry client may ride along."""
    code = "import sys, lensload.config.model; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"locust", "gevent", "confluent_kafka", "faker", "numpy", "pydantic_settings", "requests"}
    assert heavy.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    "environ",
    [
        {"LENSLOAD_SERVICE_HOST": "10.0.0.1", "LENSLOAD_PORT": "tcp://10.0.0.1:80"},
        {"LENSLOAD_RATE_SERVICE_PORT": "80", "LENSLOAD_RATES_PORT_80_TCP_ADDR": "10.0.0.1"},
        {"LENSLOAD_PROMETHEUS_PORT": "tcp://10.0.0.1:80", "LENSLOAD_REGISTRY_PORT": "tcp://10.0.0.1:80"},
    ],
)
def test_what_an_orchestrator_sets_for_a_service_named_like_ours_is_no_slip(
    environ: dict[str, str], tmp_path: Path
):
    """A pod beside a service called lensload starts; its variables are nobody's options."""
    assert load({}, environ=environ, folder=tmp_path) == load({}, environ={}, folder=tmp_path)
