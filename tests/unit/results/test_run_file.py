"""The run file: nothing that was measured gets lost on its way into it, through it and out of it."""

import errno
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload import atomic_file
from lensload.atomic_file import check_writable
from lensload.errors import UsageError
from lensload.metrics.counts import COUNTS
from lensload.metrics.stats import STAGES, Stats
from lensload.results import schema
from lensload.results.build import Recording, build
from lensload.results.counted import stats_of
from lensload.results.environment import PACKAGES, conditions
from lensload.results.run import FORMAT, Row, Run, total
from lensload.results.run_file import read, write
from lensload.verdict.evidence import RunFacts
from lensload.verdict.verdict import codes
from tests.support.courses import rows_of

RECORDING = Recording(
    facts=RunFacts(started_ns=1_772_600_767_891_000_000, measured_s=10.0, target_per_s=200.0)
)


def some_stats(lag_us: int = 100) -> Stats:
    """10 s of 200 events/s on two topics, of which all went well, after a warm-up of 100 events."""
    stats = Stats()
    for topic, count in (("user-interactions", 1_500), ("ab-test-events", 500)):
        for name in ("produced", "acked", "observed"):
            stats.count(topic, name, count)
            stats.count(topic, f"warmup_{name}", 50)
        for place, stage in enumerate(STAGES):
            stats.record(stage, topic, np.arange(count) * 100 + (lag_us + place) * 1_000)
    stats.add_total("bytes", 400_000)
    return stats


def a_run(**changed: object) -> Run:
    return cast(
        "Run", {**build(some_stats(), RECORDING, conditions({"seed": 7}, {"partitions": 4})), **changed}
    )


def test_the_contract():
    """The names that others rely on are all there, with what they mean."""
    run = a_run()
    assert run["format"] == "lensload/run/2"
    assert (run["verdict"], run["reasons"]) == ("pass", [])
    assert run["load"]["target_per_s"] == 200
    assert run["load"]["achieved_per_s"] == 200
    assert run["load"]["mean_bytes"] == 200
    assert set(COUNTS) == set(run["topics"]["user-interactions"])
    for stage in ("schedule_lag", "serialize", "ack", "end_to_end"):
        assert set(run["latency_us"][stage]) == {"all", "ab-test-events", "user-interactions"}
        assert {"count", "mean", "p50", "p90", "p99", "p999", "max"} <= set(run["latency_us"][stage]["all"])
    assert run["conditions"]["seed"] == 7
    assert {"versions", "configuration", "machine", "cluster"} <= set(run["conditions"])
    assert run["started_at"] == "2026-03-04T05:06:07.891+00:00"


@given(due=st.integers(2_000, 50_000), overdue=st.integers(0, 10_000))
def test_a_generator_that_is_too_slow_says_what_it_reached(due: int, overdue: int):
    """What it still produced of the warm-up counts as its rate as far as measured events are missing, and is never made up."""
    stats = some_stats()
    stats.add_total("warmup_overdue", overdue)
    load = build(stats, Recording(facts=replace(RECORDING.facts, target_per_s=due / 10)), {})["load"]
    assert load["produced_per_s"] * 10 == pytest.approx(2_000 + min(overdue, due - 2_000, 100))
    assert load["achieved_per_s"] == load["observed_per_s"] == load["produced_per_s"]
    assert load["produced_per_s"] <= max(load["target_per_s"], 200)


def test_lost_is_acked_less_observed_of_each_topic():
    """What one topic lost is not made up by another, and what was seen without an ack counts as no loss below 0."""
    stats = some_stats()
    stats.count("user-interactions", "observed", -3)
    stats.count("ab-test-events", "observed", 3)
    run = build(stats, RECORDING, {})
    assert run["topics"]["user-interactions"]["lost"] == 3
    assert run["topics"]["ab-test-events"]["lost"] == 0
    assert total(run, "lost") == 3
    assert run["verdict"] == "fail"


def test_the_warm_up_is_counted_apart():
    """Warm-up events are in no figure of the measured time, and are not forgotten."""
    run = a_run()
    assert total(run, "produced") == 2_000
    assert run["warmup"]["user-interactions"] == {"produced": 50, "acked": 50, "observed": 50}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("queue_full", "queue_full"),
        ("mismatched", "serializer_mismatch"),
        ("deleted_before_read", "deleted_before_read"),
        ("read_again", "read_again"),
    ],
)
def test_totals_reach_the_verdict(name: str, code: str):
    """What the generator confesses turns the verdict."""
    stats = some_stats()
    stats.add_total(name, 2)
    run = build(stats, RECORDING, {})
    assert run["verdict"] == "invalid"
    assert codes(run["reasons"]) == [code]
    assert run["totals"][name] == 2


def test_late_and_negative_latencies_reach_the_verdict():
    """A client that was late, and a clock that stepped, turn the verdict."""
    late = build(some_stats(lag_us=200_000), RECORDING, {})
    assert codes(late["reasons"]) == ["schedule_lag"]
    stepped = some_stats()
    stepped.record("end_to_end", "ab-test-events", np.full(40, -1))
    run = build(stepped, RECORDING, {})
    assert codes(run["reasons"]) == ["negative_latency"]
    assert run["latency_us"]["end_to_end"]["all"]["negative"] == 40


def test_the_course_reaches_the_run():
    """How a run went is in its file: cut short, embedded, notices, and the verdict's reasons."""
    facts = RunFacts(measured_s=10.0, target_per_s=200.0, embedded=True, cut_short=True)
    recording = Recording(facts=facts, notices=("Gone.",))
    run = build(some_stats(), recording, {})
    assert (run["cut_short"], run["embedded"], run["notices"]) == (True, True, ["Gone."])
    assert codes(run["reasons"]) == ["cut_short"]


def test_nothing_measured_is_a_run_too():
    """A run that was stopped before its first event has a file, an invalid one."""
    run = build(Stats(), Recording(facts=RunFacts(embedded=True)), {})
    assert run["verdict"] == "invalid"
    assert run["latency_us"]["ack"]["all"]["count"] == 0
    json.dumps(run, allow_nan=False)


def test_errors_are_told_the_most_frequent_first():
    """Who reads one error reads the one that matters most."""
    stats = some_stats()
    stats.error("ab-test-events", "Local: Message timed out", 2)
    stats.error("user-interactions", "Broker: Not enough in-sync replicas", 30)
    assert [error["count"] for error in build(stats, RECORDING, {})["errors"]] == [30, 2]


def test_a_row_counts_what_was_due_in_its_second():
    """A row of the series has warm-up and measured events, and only percentiles that its sample carries."""
    (second,) = rows_of([some_stats()], 200.0, queue=5)
    assert (second["at_s"], second["produced"], second["queue"]) == (1.0, 2_100, 5)
    assert second["target_per_s"] == 200.0
    assert second["latency_us"]["ack"]["p50"] is not None
    few = Stats()
    few.record("ack", "ab-test-events", np.arange(100))
    latency = rows_of([few])[0]["latency_us"]
    assert set(latency) == {"ack"}
    assert latency["ack"]["p50"] is not None
    assert latency["ack"]["p99"] is None


def test_numbers_of_other_kinds_lose_no_run(tmp_path: Path):
    """A NumPy scalar, a path or a NaN in what others hand in does not cost the result of an hour."""
    (second,) = rows_of([Stats()])
    latency: Any = {"ack": {"p50": np.float32(2), "p99": float("nan")}}
    series = [cast("Row", {**second, "produced": np.int64(3), "at_s": np.float64(1), "latency_us": latency})]
    recording = Recording(facts=RunFacts(measured_s=1.0, embedded=True), series=series)
    run = build(some_stats(), recording, {"file": Path("x"), "array": np.arange(2)})
    write(tmp_path / "run.json", run)
    found = read(tmp_path / "run.json")
    assert found["series"] == [
        {**second, "produced": 3, "at_s": 1.0, "latency_us": {"ack": {"p50": 2.0, "p99": None}}}
    ]
    assert found["conditions"] == {"file": "x", "array": [0, 1]}


def test_what_is_written_is_read(tmp_path: Path):
    """A run comes back as it was, from a folder that did not exist."""
    path = tmp_path / "new" / "folder" / "run.json"
    check_writable(path)
    run = a_run()
    write(path, run)
    assert read(path) == run
    assert [found.name for found in path.parent.iterdir()] == ["run.json"]


def test_a_link_stays_a_link_and_the_mode_is_the_umasks(tmp_path: Path):
    """What stands at the path is replaced where it really is, readable for who may read new files."""
    (tmp_path / "link").symlink_to(tmp_path / "real.json")
    write(tmp_path / "link", a_run())
    assert (tmp_path / "link").is_symlink()
    assert read(tmp_path / "real.json")["format"] == FORMAT
    (tmp_path / "plain").touch()
    assert (tmp_path / "real.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


@given(
    parts=st.lists(st.lists(st.integers(0, 10**10), min_size=1, max_size=50), min_size=1, max_size=4),
)
def test_histograms_of_runs_merge_into_the_one(parts: list[list[int]]):
    """Histograms read from several runs add up to that of one run with all their events."""
    whole, merged = Stats(), Stats()
    for part in parts:
        stats = Stats()
        stats.record("ack", "ab-test-events", np.array(part))
        whole.add(stats)
        for key, found in stats_of(build(stats, RECORDING, {})).histograms.items():
            merged.histograms.setdefault(key, found.__class__()).add(found)
    wanted, got = whole.histogram("ack"), merged.histogram("ack")
    assert (got.counts == wanted.counts).all()
    assert (got.count, got.min_ns, got.max_ns) == (wanted.count, wanted.min_ns, wanted.max_ns)
    assert got.sum_ns == pytest.approx(wanted.sum_ns, rel=1e-12, abs=len(parts))


def place_in(error: UsageError) -> Path:
    (place,) = [word for word in str(error).split() if word.endswith(".json.")]
    return Path(place.removesuffix("."))


def test_a_path_that_cannot_be_written_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The run is kept in the temp folder, the message says where, and the exit code is that of wrong usage."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").touch()
    run = a_run()
    for path in (tmp_path, tmp_path / "file" / "run.json"):
        with pytest.raises(UsageError) as caught:
            write(path, run)
        assert caught.value.exit_code == 2
        assert str(path) in str(caught.value)
        assert read(place_in(caught.value)) == run


def test_a_full_disk_leaves_the_old_file_and_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever reads the path sees the old run or the new one, and the new one is somewhere."""
    path, elsewhere = tmp_path / "run.json", tmp_path / "temp"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    write(path, a_run())
    full = [OSError(errno.ENOSPC, "No space left on device")]
    real = os.fsync
    monkeypatch.setattr(atomic_file.os, "fsync", lambda fd: raise_(full.pop()) if full else real(fd))
    with pytest.raises(UsageError) as caught:
        write(path, a_run(measured_s=11.0))
    assert os.strerror(errno.ENOSPC) in str(caught.value)
    assert read(path)["measured_s"] == 10.0
    assert read(place_in(caught.value))["measured_s"] == 11.0
    assert sorted(found.name for found in tmp_path.iterdir()) == ["run.json", "temp"]


def raise_(error: Exception) -> None:
    raise error


def test_the_last_resort_is_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Where no folder takes it, the run stands on standard error, whole."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    run = a_run()
    with pytest.raises(UsageError, match=re.escape(str(tmp_path))):
        write(tmp_path, run)
    assert json.loads(capsys.readouterr().err) == run


def test_a_pipe_is_written_into(tmp_path: Path):
    """`--run-file /dev/stdout` and shell pipes work: what is no file is not replaced by one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_writable(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write(pipe, a_run())
    assert json.loads(reader.communicate()[0])["format"] == FORMAT
    assert pipe.is_fifo()


def test_an_unwritable_path_is_known_before_the_run(tmp_path: Path):
    """Nobody waits an hour to learn that the run file's place is wrong; and the check leaves no trace."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "run.json"):
        with pytest.raises(UsageError, match="--run-file"):
            check_writable(path)
    check_writable(tmp_path / "run.json")
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (json.dumps({"format": FORMAT})[:-4], "line 1"),
        ("", "line 1"),
        ("[1, 2]", FORMAT),
        ('{"name": "Aggregated"}', FORMAT),
        ('{"format": "lensload/manifest/1"}', "lensload/manifest/1"),
        ('{"format": "lensload/run/1", "conditions": {"versions": {"lensload": "0.1.0"}}}', "lensload 0.1.0"),
        ('{"format": "lensload/run/3"}', "lensload/run/3"),
        ('{"format": "lensload/run/2"}', "verdict"),
        ("\xff\xfe", FORMAT),
    ],
)
def test_what_is_no_run_file_is_refused(tmp_path: Path, content: str, named: str):
    """Each kind of wrong file is refused by its name, with what it is or where it is wrong."""
    path = tmp_path / "x.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"verdict": "passed"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"reasons": ["It was late."]}, "reasons.0"),
        ({"load": {}}, "load.target_per_s"),
        ({"topics": {"user-interactions": {"produced": 1}}}, "topics.user-interactions.acked"),
        ({"measured_s": True}, "measured_s"),
        ({"latency_us": {"ack": {"all": {}}}}, "latency_us.ack.all.count"),
        ({"latency_us": {"ack": {}}}, "latency_us"),
        ({"slices": [{"from_s": 0.0}]}, "slices.0."),
        ({"conditions": []}, "conditions"),
    ],
)
def test_a_run_file_that_was_changed_by_hand_is_refused(
    tmp_path: Path, changed: dict[str, object], place: str
):
    """Nothing is computed from half a run file, least of all a pass."""
    write(tmp_path / "x.json", a_run(**changed))
    with pytest.raises(UsageError, match=re.escape(f"its {place}")):
        read(tmp_path / "x.json")


def test_the_published_schema_is_current():
    """Who checks run files by the package's JSON Schema checks what this version writes and reads."""
    published = files("lensload.results").joinpath("run.schema.json").read_text(encoding="utf-8")
    assert published == schema.text(), "regenerate it: python -m lensload.results.schema"


def test_a_run_is_valid_by_the_published_schema():
    """What this version writes is what the schema says, and what is not a run file is not."""
    validator = jsonschema.Draft202012Validator(schema.schema())
    for run in (a_run(), build(Stats(), Recording(facts=RunFacts()), {})):
        validator.validate(json.loads(json.dumps(run)))
    assert not validator.is_valid(json.loads(json.dumps(a_run(verdict="passed"))))


def test_every_field_of_a_run_file_is_described():
    """Who reads the schema, or the page that is made of it, finds what each field of a run means."""
    fields = schema.schema()["properties"]
    assert [name for name, field in fields.items() if not field.get("description")] == []


def test_a_missing_run_file_is_named(tmp_path: Path):
    """A path that does not exist is a wrong argument, not a stack trace."""
    with pytest.raises(UsageError, match=r"nowhere\.json"):
        read(tmp_path / "nowhere.json")


def test_conditions_name_versions_and_machine_but_no_host():
    """A stranger can repeat the run, and does not learn whose machine it was."""
    found: dict[str, Any] = conditions({"seed": 3, "rate": 5.0}, {"embedded": True}, run_tag=12)
    assert set(found["versions"]) == {"python", "lensload", "librdkafka", *PACKAGES}
    assert found["machine"]["cpus"] > 0
    assert (found["seed"], found["configuration"]["rate"], found["run_tag"]) == (3, 5.0, 12)
    assert platform.node() not in found["machine"].values()


def test_conditions_do_not_import_locust():
    """Asking for locust's version must not patch the process for gevent."""
    code = (
        "import sys; from lensload.results.environment import conditions; from lensload.results import build, run_file;"
        "conditions({}, {}); sys.exit(bool({'locust', 'gevent'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
