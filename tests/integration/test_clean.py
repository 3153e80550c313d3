"""`lensload clean` removes what lensload created under a prefix from a real cluster and registry, and nothing else."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lensload.cli.main import main
from lensload.kafka.admin import TopicAdmin
from lensload.schema import registry as registries
from lensload.schema.definitions import TOPIC_NAMES, subject
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.workloads import record


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(command: str, *arguments: str, answer: str = "") -> Result:
    """A command of lensload in this process, with what a person would type."""
    return CliRunner().invoke(main, [command, *arguments], input=answer)


def where(kafka: Kafka, registry: Registry, prefix: str) -> tuple[str, ...]:
    """The flags that name both servers."""
    return (
        *("--bootstrap-servers", kafka.bootstrap_servers),
        *("--registry-url", registry.url, "--topic-prefix", prefix),
    )


def test_what_was_seeded_goes_and_its_neighbour_stays(kafka: Kafka, registry: Registry, topic_prefix: str):
    """Topics and subjects of the prefix are gone, those of a longer prefix are not; a second time has nothing to do."""
    mine, other = where(kafka, registry, topic_prefix), where(kafka, registry, f"{topic_prefix}x-")
    for place in (mine, other):
        seeded = run("seed", "--events", "500", "--manifest", f"{place[-1]}manifest.json", *place)
        assert seeded.exit_code == 0, seeded.output
        for name in TOPIC_NAMES:  # what a command creates it says, with the full names
            assert place[-1] + name in seeded.stderr
            assert subject(name, place[-1]) in seeded.stderr
    for answer in ("n\n", ""):  # no, and nobody there to answer
        refused = run("clean", *mine, answer=answer)
        assert refused.exit_code == 2
        assert "--yes" in refused.output
    assert left(kafka, registry, topic_prefix) == (5, 5)
    assert run("clean", *mine, "--yes").exit_code == 0
    assert left(kafka, registry, topic_prefix) == (0, 0)
    assert left(kafka, registry, f"{topic_prefix}x-") == (5, 5)
    assert run("clean", *mine).exit_code == 0


def test_what_a_workload_left_goes(kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path):
    """The command that a seed of a workload names removes its topics and the subjects of its values and keys."""
    (tmp_path / "v.avsc").write_text(json.dumps(record("Told", id="string", part="int")), encoding="utf-8")
    (tmp_path / "k.avsc").write_text(json.dumps(record("Key", part="int")), encoding="utf-8")
    file = tmp_path / "my own.toml"
    schemas = 'schema = "v.avsc"\nkey_schema = "k.avsc"\nkey = "part"\n'
    file.write_text(f'[topics.told]\n{schemas}stopwatch = "id"\n', encoding="utf-8")
    place = where(kafka, registry, topic_prefix)
    seeded = run("seed", "--workload", str(file), "--events", "100", *place)
    assert seeded.exit_code == 0, seeded.output
    (told,) = (line for line in seeded.stderr.splitlines() if "lensload clean" in line)
    flags = shlex.split(told.partition("lensload clean")[2])
    names = [f"{topic_prefix}told-{each}" for each in ("value", "key")]
    assert existing(registry, names) == names
    cleaned = run("clean", "--yes", *place[:4], *flags)
    assert cleaned.exit_code == 0, cleaned.output
    assert not existing(registry, names)
    assert not TopicAdmin({"bootstrap.servers": kafka.bootstrap_servers}).counts([f"{topic_prefix}told"])


def existing(registry: Registry, subjects: Iterable[str]) -> list[str]:
    """Those of the subjects that the registry has now: a connection of its own remembers nothing."""
    with registries.connect(registry.url) as books:
        return [name for name in subjects if books.latest(name)]


def left(kafka: Kafka, registry: Registry, prefix: str) -> tuple[int, int]:
    """How many topics and how many subjects the prefix has."""
    admin = TopicAdmin({"bootstrap.servers": kafka.bootstrap_servers})
    subjects = existing(registry, [subject(name, prefix) for name in TOPIC_NAMES])
    return len(admin.counts([prefix + name for name in TOPIC_NAMES])), len(subjects)


def test_without_a_prefix_nothing_is_deleted(kafka: Kafka, registry: Registry):
    """Topics without a prefix may be those of real services: the command refuses, whatever the flags."""
    assert run("clean", *where(kafka, registry, ""), "--yes").exit_code == 2


def test_without_an_address_nothing_is_deleted():
    """The embedded cluster has nothing to clean."""
    assert run("clean", "--topic-prefix", "x-", "--yes").exit_code == 2
