"""The CI recipe of docs/ci.md, really run: gate.sh against a real Kafka and a real registry, with short durations."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.proxy import PRODUCE, Proxy
from tests.harness.registry import Registry
from tests.support.locusts import LENIENT, REPOSITORY

RECIPE = REPOSITORY / "examples" / "ci"
GATE, WORKFLOW, DOCS = RECIPE / "gate.sh", RECIPE / "benchmark.yml", REPOSITORY / "docs" / "ci.md"
SMALL = {
    "LENSLOAD": f"{sys.executable} -m lensload",
    "LENSLOAD_AUDIENCE_SIZE": "500",
    "LENSLOAD_CATALOGUE_SIZE": "200",
    **LENIENT,
    "GATE_RATE": "400",
    "GATE_DURATION": "6s",  # of one run on each side, fewer than four whole seconds could not be compared
    "GATE_WARMUP": "500ms",
}


class Gate:
    """A project's CI: one folder, in which the gate is run again and again."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self._folder = folder
        self._variables = {**os.environ, **SMALL, **variables}
        self.said = ""

    def runs(self, **variables: str) -> int:
        """Run the script; its exit code. What it printed is in `said`."""
        command = ["bash", str(GATE)]
        done = subprocess.run(
            command,
            cwd=self._folder,
            env={**self._variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.said = done.stdout
        sys.stdout.write(done.stdout)
        return done.returncode

    def baselines(self) -> list[str]:
        """The names of the runs that are stored."""
        return sorted(path.name for path in (self._folder / "gate-baselines").glob("*.json"))


@pytest.fixture
def gate(tmp_path: Path, proxy: Proxy, registry: Registry, topic_prefix: str) -> Gate:
    return Gate(
        tmp_path,
        LENSLOAD_BOOTSTRAP_SERVERS=proxy.bootstrap_servers,
        LENSLOAD_REGISTRY_URL=registry.url,
        LENSLOAD_TOPIC_PREFIX=topic_prefix,
        GATE_MAX_REGRESSION="ack.p50=200%\nend_to_end.p50=200%",
        GITHUB_STEP_SUMMARY=str(tmp_path / "step-summary.md"),
    )


def test_the_gate_from_its_first_run_to_a_slow_cluster(gate: Gate, proxy: Proxy, tmp_path: Path):
    """It stores the first run, passes the same again, and fails when the cluster has become slower.

    The cluster takes 200 ms from the first, beside which a neighbour's noise is small; then it takes ten times that.
    """
    proxy.delay("requests", 200, PRODUCE)
    assert gate.runs() == 0
    assert gate.said.endswith("gate: PASSED\n")
    assert not (tmp_path / "gate" / "compare.xml").exists()
    first = gate.baselines()
    assert len(first) == 1

    assert gate.runs(GATE_STORE="always") == 0
    assert gate.said.endswith("gate: PASSED\n")
    assert gate.baselines()[0] == first[0]
    assert len(gate.baselines()) == 2
    for name in ("run.json", "run.html", "run.xml", "compare.xml", "summary.md"):
        assert (tmp_path / "gate" / name).stat().st_size > 100, name
    assert len((tmp_path / "step-summary.md").read_text().splitlines()) > 10

    proxy.delay("requests", 2_000, PRODUCE)
    stored = gate.baselines()
    assert gate.runs(GATE_STORE="always", GATE_CONFIRM="0") == 1
    assert "gate: FAILED" in gate.said
    assert gate.baselines() == stored


def test_the_gate_shuts_for_a_missed_objective_and_for_an_invalid_run(gate: Gate, tmp_path: Path):
    """A missed objective is exit 1, whatever the baselines say; an invalid run is exit 3, and neither is stored."""
    assert gate.runs(GATE_SLOS="end_to_end.p50 < 1us", GATE_DURATION="2s") == 1
    assert "end_to_end.p50 < 1us" in gate.said
    assert "gate: FAILED" in gate.said
    assert json.loads((tmp_path / "gate" / "run.json").read_text())["verdict"] == "fail"
    assert gate.runs(LENSLOAD_MAX_SCHEDULE_LAG="0s", GATE_DURATION="1s") == 3
    assert "2 of 2" in gate.said
    assert "gate: INVALID" in gate.said
    assert gate.baselines() == []


@pytest.mark.parametrize(
    ("variables", "code", "says"),
    [
        ({"GATE_STORE": "sometimes"}, 2, "sometimes"),
        ({"GATE_SLOS": "end_to_end.p101 < 1s"}, 2, "p101"),
        ({"GATE_RATE": "lots"}, 2, "lots"),
    ],
)
def test_a_slip_in_the_settings_does_not_pass(
    tmp_path: Path, variables: dict[str, str], code: int, says: str
):
    """Nothing passes by accident: a wrong setting is exit 2, and is named."""
    gate = Gate(tmp_path)
    assert gate.runs(**variables) == code
    assert says in gate.said
    assert gate.baselines() == []


def test_the_oldest_baselines_go_and_a_refresh_begins_anew(tmp_path: Path):
    """The folder never grows beyond what it may keep, and after a refresh nothing of before is compared with."""
    folder = tmp_path / "gate-baselines"
    folder.mkdir()
    for year in (2001, 2002, 2003):
        (folder / f"{year}0101T000000Z.json").write_text("{}")
    gate = Gate(tmp_path, LENSLOAD=f"{sys.executable} {_stand_in(tmp_path)}")
    assert gate.runs(GATE_STORE="always", GATE_KEEP="2") == 0
    kept = gate.baselines()
    assert kept[0] == "20030101T000000Z.json"
    assert len(kept) == 2
    assert gate.runs(GATE_STORE="always", GATE_REFRESH="1") == 0
    assert len(gate.baselines()) == 1
    assert gate.runs(GATE_STORE="never") == 0
    assert len(gate.baselines()) == 1


def test_what_seems_slower_must_be_so_twice(tmp_path: Path):
    """One bad run in a pull request is measured again, and fails only if the second one is slower too."""
    gate = Gate(tmp_path, LENSLOAD=f"{sys.executable} {_stand_in(tmp_path)}")
    assert gate.runs() == 0
    assert gate.runs(SLOWER="run.json") == 0
    again = tmp_path / "gate" / "again.json"
    assert again.exists()
    assert gate.runs(SLOWER="run.json again.json") == 1
    again.unlink()
    assert gate.runs(SLOWER="run.json", GATE_CONFIRM="0") == 1
    assert not again.exists()


def test_what_cannot_be_told_fails_on_demand(tmp_path: Path):
    """The comparison is told to fail for it only where the gate's setting says so."""
    gate = Gate(tmp_path, LENSLOAD=f"{sys.executable} {_stand_in(tmp_path)}", GATE_CONFIRM="0")
    assert gate.runs() == 0
    assert gate.runs(UNKNOWN="1") == 0
    assert gate.runs(UNKNOWN="1", GATE_FAIL_ON_UNKNOWN="1") == 1


def test_few_baselines_are_not_compared_with_as_if_they_were_many(tmp_path: Path):
    """Until there are as many baselines as GATE_ENOUGH says, the newest stands alone."""
    gate = Gate(tmp_path, GATE_ENOUGH="4", LENSLOAD=f"{sys.executable} {_stand_in(tmp_path)}")
    assert gate.runs() == 0
    for year in (2001, 2002, 2003):
        assert gate.runs() == 0
        assert "compared with 1\n" in gate.said
        (tmp_path / "gate-baselines" / f"{year}0101T000000Z.json").write_text("{}")
    assert gate.runs() == 0
    assert "compared with 4\n" in gate.said


def _stand_in(folder: Path) -> Path:
    """A lensload that measures nothing: what is tested with it is what the script makes of its exit codes."""
    place = folder / "stand_in.py"
    place.write_text(
        "import os, pathlib, sys\n"
        "named = lambda flag: sys.argv[sys.argv.index(flag) + 1]\n"
        "if sys.argv[1] == 'bench':\n"
        "    pathlib.Path(named('--run-file')).write_text('{}')\n"
        "else:\n"
        "    print('compared with', sys.argv.count('--base'))\n"
        "    unknown = 'UNKNOWN' in os.environ and '--fail-on-unknown' in sys.argv\n"
        "    sys.exit(unknown or pathlib.Path(named('--new')).name in os.environ.get('SLOWER', ''))\n"
    )
    return place


def test_the_workflow_and_the_docs_say_what_the_script_takes():
    """Every setting has its line in docs/ci.md, and the workflow sets none that the script does not know."""
    known = set(re.findall(r"^: \"\$\{(\w+):=", GATE.read_text(), re.MULTILINE))
    assert len(known) > 10
    documented = set(re.findall(r"`((?:GATE_|LENSLOAD\b)\w*)`", DOCS.read_text()))
    assert known <= documented
    used = set(re.findall(r"\bGATE_\w+", WORKFLOW.read_text()))
    assert used
    assert used <= known
    assert {name for name in documented if name.startswith("GATE_")} <= known


def test_the_workflow_can_only_read_and_runs_pinned_actions():
    """Whoever copies it gives nobody more than they must: every action by its commit, and contents to be read."""
    text = WORKFLOW.read_text()
    actions = re.findall(r"uses: (\S+)", text)
    assert actions
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in actions), actions
    assert "contents: read" in text
    assert "persist-credentials: false" in text
