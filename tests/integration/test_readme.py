"""The README's tasks, as a reader would type them, on a real cluster: they work, and do what the README says of them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lensload.kafka.admin import TopicAdmin
from lensload.schema.definitions import TOPIC_NAMES
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.pages import ROOT
from tests.support.topic_reader import read_to_end

pytestmark = pytest.mark.native

# The README's own would take minutes; a run so short is invalid, which is a result all the same.
SHORTER = {"--duration": "1s", "--rate": "200", "--events": "2000"}
SMALL = {"LENSLOAD_AUDIENCE_SIZE": "500", "LENSLOAD_CATALOGUE_SIZE": "200", "LENSLOAD_WARMUP": "0s"}


def tasks() -> dict[str, list[str]]:
    """The words of each task's command in the table, by its first option or, without one, its name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\| [^|]+ \| `(lensload [^`]+)` \|", text, re.MULTILINE)
    return {words[1] + words[2]: words for words in map(shlex.split, commands)}


class Reader:
    """Somebody who tries the README in an empty folder."""

    def __init__(self, folder: Path, kafka: Kafka, registry: Registry, prefix: str) -> None:
        self.folder = folder
        self._addresses = {"localhost:9092": kafka.bootstrap_servers, "http://localhost:8081": registry.url}
        where = {"BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "REGISTRY_URL": registry.url}
        own = {f"LENSLOAD_{name}": value for name, value in {**where, "TOPIC_PREFIX": prefix}.items()}
        self._environ = {**os.environ, **SMALL, **own}

    def types(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of theirs."""
        typed = [self._addresses.get(word, word) for word in words]
        for place, word in enumerate(words[:-1]):
            typed[place + 1] = SHORTER.get(word, typed[place + 1])
        installed = str(Path(sys.executable).parent / typed[0])
        return subprocess.run(
            [installed, *typed[1:]],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def test_the_tasks_work_as_they_stand(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
) -> None:
    """Each writes what it says, ends with a code of the table, and `clean` removes what all of them created."""
    reader, typed = Reader(tmp_path, kafka, registry, topic_prefix), tasks()
    assert len(typed) >= 5, "the table of tasks is read"

    bench = reader.types(typed["bench--bootstrap-servers"])
    assert bench.returncode in (0, 3), bench.stderr
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "run.json").exists()

    doctor = reader.types(typed["doctor--bootstrap-servers"])
    assert doctor.returncode in (0, 3), doctor.stdout + doctor.stderr
    assert kafka.bootstrap_servers in doctor.stdout

    gate = reader.types(typed["bench--duration"])
    assert gate.returncode in (0, 1, 3), gate.stderr
    names = [case.attrib["name"] for case in ET.parse(tmp_path / "junit.xml").iter("testcase")]
    assert {"end_to_end.p99 < 50ms", "lost == 0"} <= set(names)

    settings = {"bootstrap.servers": kafka.bootstrap_servers}
    created = [topic_prefix + topic for topic in TOPIC_NAMES]
    assert set(TopicAdmin(settings).counts(created)) == set(created)
    cleaned = reader.types(["lensload", "clean", "--topic-prefix", topic_prefix, "--yes"])
    assert cleaned.returncode == 0, cleaned.stderr
    assert not TopicAdmin(settings).counts(created)

    seed = reader.types(typed["seed--events"])
    assert seed.returncode == 0, seed.stderr
    written = TopicAdmin(settings).counts(created)
    assert set(written) == set(created)
    records = [read_to_end(kafka.bootstrap_servers, [topic], count) for topic, count in written.items()]
    assert sum(map(len, records)) == int(SHORTER["--events"])
