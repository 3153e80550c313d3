"""The command line checks everything before it starts anything, and refuses in words with the right exit code."""

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from lensload import bench
from lensload.cli import main
from lensload.config.loading import load
from lensload.config.model import HANDOVER_VARIABLE, RunConfig
from lensload.config.options import options
from lensload.kafka.embedded import EmbeddedCluster
from lensload.schema import definitions
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry


class Began(SystemExit):
    """The end of a command that would have made a run."""

    def __init__(self, run: RunConfig) -> None:
        super().__init__(99)
        self.run = run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, and no run: what is looked at beside its start is."""

    def run(config: RunConfig, meanwhile: Callable[[], None]) -> int:
        meanwhile()
        raise Began(config)

    monkeypatch.setattr(bench, "run", run)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main.main, list(arguments))


def started(*arguments: str) -> RunConfig:
    """The run that `lensload bench` with these arguments makes."""
    result = run("bench", *arguments)
    assert isinstance(result.exception, Began), result.output
    return result.exception.run


def refused(*arguments: str) -> str:
    """What `lensload bench` says of these arguments; nothing was started, nothing thrown."""
    result = run("bench", *arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    return result.stderr


def test_a_bench_is_what_its_flags_say():
    """Flags reach the run."""
    run = started("--rate", "5000", "--duration", "20s", "--seed", "7")
    assert (run.load.rate, run.load.duration_s, run.world.seed) == (5000, 20, 7)


def test_a_bench_ends_though_nobody_says_when():
    """Without a duration a run in CI would never end."""
    assert started().load.duration_s == 30


def test_the_whole_configuration_comes_through(elsewhere: Path):
    """A process of a run's own is what flags, environment and file amount to, told in one variable without secrets."""
    (elsewhere / "lensload.toml").write_text('topic_prefix = "dev-"')
    (elsewhere / "client.properties").write_text("batch.size=20000\nsasl.password=sesame")
    run = started("--client-config", "client.properties", "--topics", "model-metrics", "--duration", "1m")
    assert run == load({"client_config": "client.properties", "topics": "model-metrics", "duration": "1m"})
    command, environ = bench.command(run, os.environ)
    assert command[:3] == [sys.executable, "-P", "-m"]  # of installed modules only
    assert command[-1] == "lensload.bench"
    assert RunConfig.from_json(environ[HANDOVER_VARIABLE]) == run
    assert "sesame" not in environ[HANDOVER_VARIABLE]


def test_no_configuration_of_another_run_is_handed_over(monkeypatch: pytest.MonkeyPatch):
    """What a shell has left in the variable of the handover does not count."""
    monkeypatch.setenv(HANDOVER_VARIABLE, "stale")
    _, environ = bench.command(started(), os.environ)
    assert environ["PATH"] == os.environ["PATH"]
    assert json.loads(environ[HANDOVER_VARIABLE])["seed"] == 1


def test_another_configuration_file_may_be_named(elsewhere: Path):
    """--config reads that file in place of lensload.toml."""
    (elsewhere / "lensload.toml").write_text("seed = 1")
    (elsewhere / "ci.toml").write_text("seed = 2")
    assert started("--config", "ci.toml").world.seed == 2
    assert "gone.toml" in refused("--config", "gone.toml")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--raet", "5"], ["--raet"]),
        (["--user-rate", "5"], ["--user-rate"]),
        (["5000"], ["5000"]),
        (["--rate"], ["--rate"]),
        (["--rate", "fast"], ["--rate", "'fast'"]),
        (["--rate", "-5"], ["--rate", "'-5'", "0"]),
        (["--duration", "soon"], ["--duration", "'soon'", "30s"]),
        (["--profile", "ranp"], ["--profile", "ramp?"]),
        (["--bootstrap-servers", "localhost:9092"], ["--registry-url"]),
        (["--client-config", "gone"], [" gone "]),
        (["--run-file", "."], ["--run-file"]),
        (["--run-file", ""], ["--run-file"]),
    ],
)
def test_wrong_usage_is_refused_before_anything_starts(arguments: list[str], named: list[str]):
    """Each slip is named, with what may be given instead, and exit code 2."""
    text = refused(*arguments)
    assert [name for name in named if name not in text] == []


def test_a_slip_in_the_file_or_the_environment_is_refused(elsewhere: Path, monkeypatch: pytest.MonkeyPatch):
    """The sources beside the flags are refused in the same way, by name."""
    monkeypatch.setenv("LENSLOAD_RAET", "5")
    assert re.search("LENSLOAD_RAET.*LENSLOAD_RATE", refused())
    (elsewhere / "lensload.toml").write_text("raet = 5")
    assert re.search(r"lensload\.toml.*'raet'.*\brate\b", refused())


def test_what_a_client_file_says_of_options_counts(elsewhere: Path):
    """A console's file is taken as it is: addresses and acks from it, unless a flag says otherwise."""
    (elsewhere / "client.properties").write_text(
        "bootstrap.servers=SASL_SSL://a.example:9092,\nschema.registry.url=http://r.example\nacks=1\nlinger.ms=7\n"
    )
    found = load({"client_config": "client.properties", "linger_ms": "9"})
    assert (found.cluster.bootstrap_servers, found.cluster.registry_url) == (
        "a.example:9092",
        "http://r.example",
    )
    assert (found.producer.acks, found.producer.linger_ms) == ("1", 9)
    (elsewhere / "client.properties").write_text("acks=2\n")
    assert "client.properties:1: acks" in refused("--client-config", "client.properties")


def test_a_broken_schema_file_is_refused(elsewhere: Path, monkeypatch: pytest.MonkeyPatch):
    """Schemas are read before anything starts, and a broken one is named."""
    monkeypatch.setattr(definitions, "default_folder", lambda: elsewhere)
    assert "recommendation-requests" in refused()


def test_the_place_of_the_run_file_is_left_as_it_was(elsewhere: Path):
    """Checking that the result can be written neither leaves a file nor touches an earlier result."""
    (elsewhere / "run.json").write_text("an earlier run")
    started()
    assert (elsewhere / "run.json").read_text() == "an earlier run"
    assert [path.name for path in elsewhere.iterdir()] == ["run.json"]


def test_an_unknown_command_is_refused_with_the_nearest():
    """Who mistypes the command reads which it may have been."""
    result = run("bnech")
    assert result.exit_code == 2
    assert "bench?" in result.stderr


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:{closed}", "nowhere.invalid:9092"])
def test_a_cluster_that_does_not_answer_is_named_before_locust_starts(bootstrap: str):
    """Exit code 4 within ten seconds, with the address, and nothing of Locust's around it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = bootstrap.format(closed=held.getsockname()[1])
        begun_s = time.monotonic()
        result = run("bench", "--bootstrap-servers", address, "--registry-url", "mock://")
    assert time.monotonic() - begun_s < 30
    assert result.exit_code == 4
    assert address in result.stderr


def test_a_registry_that_does_not_answer_is_named_before_locust_starts():
    """The registry is looked for as soon as the cluster has been found, and named apart from it."""
    with EmbeddedCluster() as real_enough, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        result = run("bench", "--bootstrap-servers", real_enough.bootstrap_servers, "--registry-url", url)
    assert result.exit_code == 4
    assert url in result.stderr


@pytest.mark.native
def test_a_real_cluster_has_topics_and_schemas_before_locust_starts(
    kafka: Kafka, registry: Registry, topic_prefix: str
):
    """However many workers start, they find everything in place."""
    addresses = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    run = started(*addresses, "--topic-prefix", topic_prefix, "--partitions", "3")
    assert run.cluster.bootstrap_servers == kafka.bootstrap_servers
    topics = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).topics
    assert all(len(topics[topic_prefix + name].partitions) == 3 for name in definitions.TOPIC_NAMES)


def test_the_help_tells_every_option_and_its_default():
    """Everything that decides a run can be found without reading the source."""
    text = run("bench", "--help").stdout
    for option in options():
        assert (option.flag in text) == option.shown.bench
    assert "[default: 5000]" in text
    assert "lensload.toml" in text


@pytest.mark.parametrize("command", ["bench", "capacity", "compare", "replay", "report", "schemas", "seed"])
def test_every_command_has_its_help_under_both_names(command: str):
    """-h is --help, for the group and for each command that it lists."""
    assert f"\n  {command} " in run("-h").stdout
    short, long = run(command, "-h"), run(command, "--help")
    assert (short.exit_code, short.stdout) == (0, long.stdout)
    assert short.stdout.startswith(f"Usage: lensload {command} ")


def test_the_help_of_a_bench_lists_its_options_in_groups():
    """Forty flags can be found: each stands under the title of its group, and what is no part of a run comes last."""
    titles = [title for title, _ in itertools.groupby(options(), lambda option: option.group)]
    sections = re.split(r"^(\S.*):$", run("bench", "-h").stdout, flags=re.MULTILINE)
    assert sections[1::2] == [*titles, "Options"]
    for title, text in zip(sections[1::2], sections[2::2], strict=True):
        flags = {option.flag for option in options() if option.group == title and option.shown.bench}
        assert set(re.findall(r"^  (--[\w-]+)", text, re.MULTILINE)) == (flags or {"--config"})


def test_a_command_loads_only_its_own_module():
    """Each command starts as fast as what it needs: none imports another's clients."""
    code = "import sys; from lensload.cli.main import main; main(['schemas', 'list'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"lensload.cli.bench", "lensload.cli.seed", "confluent_kafka", "locust"}
    assert heavy.isdisjoint(done.stdout.split())


def test_schemas_list_shows_each_subject():
    """What will stand in the registry can be seen without one."""
    lines = run("schemas", "list", "--topic-prefix", "dev-").stdout.splitlines()
    assert len(lines) == 6
    for line, (name, schema) in zip(lines[1:], definitions.load().items(), strict=True):
        assert line.split() == [
            f"dev-{name}-value",
            schema.topic.record,
            schema.topic.key_field,
            str(len(schema.fields)),
            schema.fingerprint,
        ]


def test_the_command_itself_refuses_without_a_traceback(elsewhere: Path):
    """As a process, too: exit code 2, a message on stderr, nothing on stdout."""
    code = "import sys; from lensload.cli.main import main; sys.argv[0] = 'lensload'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "bench", "--rate", "none"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: --rate ")
    assert "Traceback" not in done.stderr
