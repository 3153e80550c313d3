"""All five schemas get into the registry, or none; what a registry says no to is told, and nothing stays half done."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lensload.cli import main
from lensload.schema import definitions
from lensload.schema import registry as doors
from lensload.schema.definitions import TOPIC_NAMES, subject
from lensload.schema.registration import publish
from tests.harness.registry import Registry
from tests.support.registries import JSON, Interrupt, Reply, as_json, standing_in

SCHEMAS = Path(__file__).parents[2] / "schemas"
INTERACTIONS = "user_interaction.avsc"
CAMPAIGN = {"name": "campaign", "type": ["null", "string"], "default": None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the schemas, to be changed; and no lensload.toml or registry of the shell's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    return shutil.copytree(SCHEMAS, tmp_path / "schemas")


def change(folder: Path, how: Callable[[dict[str, Any]], object], file: str = INTERACTIONS) -> None:
    document = json.loads((folder / file).read_text())
    how(document)
    (folder / file).write_text(json.dumps(document))


def add(folder: Path, **field: Any) -> None:
    change(folder, lambda document: document["fields"].append(field))


def drop(folder: Path, name: str) -> None:
    change(
        folder,
        lambda document: document["fields"].remove(next(f for f in document["fields"] if f["name"] == name)),
    )


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main.main, ["schemas", *map(str, arguments)])


def rows(result: Result) -> list[list[str]]:
    """The cells of the table that `register` shows."""
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()[2:]]


def refusal(url: str, folder: Path, code: int = 4) -> str:
    """What `register` says as it fails; never a traceback."""
    result = run("register", "--registry-url", url, "--folder", folder)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    return result.stderr


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def test_register_shows_ids_and_is_idempotent(folder: Path):
    """The second time all are known, the ids are the same, and nothing is written."""
    with standing_in() as server:
        first = rows(run("register", "--registry-url", server.url))
        assert [row[0] for row in first] == [subject(name) for name in TOPIC_NAMES]
        assert {row[3] for row in first} == {"new"}
        assert server.levels == {subject(name): "BACKWARD" for name in TOPIC_NAMES}
        server.requests.clear()
        second = rows(run("register", "--registry-url", server.url, "--folder", folder))
        assert [row[:3] for row in second] == [row[:3] for row in first]
        assert {row[3] for row in second} == {"known"}
        assert server.writes == []


def test_a_subject_with_another_level_becomes_backward_and_that_is_told(folder: Path):
    """A level that someone set is not replaced in silence."""
    del folder
    with standing_in() as server:
        run("register", "--registry-url", server.url)
        server.levels["ab-test-events-value"] = "NONE"
        result = run("register", "--registry-url", server.url)
        assert re.search("BACKWARD.*NONE", result.stdout)
        assert server.levels["ab-test-events-value"] == "BACKWARD"


@pytest.mark.parametrize(
    ("theirs", "becomes"),
    [
        ("BACKWARD_TRANSITIVE", "BACKWARD_TRANSITIVE"),
        ("FULL", "FULL"),
        ("FULL_TRANSITIVE", "FULL_TRANSITIVE"),
        ("FORWARD", "FULL"),
        ("FORWARD_TRANSITIVE", "FULL_TRANSITIVE"),
        ("NONE", "BACKWARD"),
    ],
)
@pytest.mark.parametrize("whose", ["subject", "default"])
def test_what_a_level_forbids_stays_forbidden(theirs: str, becomes: str, whose: str, folder: Path):
    """A level set by somebody, for the subject or for all, gains BACKWARD and loses nothing; what is enough stays."""
    del folder
    name = "ab-test-events-value"
    with standing_in() as server:
        if whose == "subject":
            run("register", "--registry-url", server.url)
        server.levels[name if whose == "subject" else ""] = theirs
        shown = {row[0]: row[4] for row in rows(run("register", "--registry-url", server.url))}
        assert shown[name] == becomes
        assert server.levels.get(name, theirs) == becomes
        assert server.levels.get("", theirs) == theirs
        server.requests.clear()
        assert run("register", "--registry-url", server.url).exit_code == 0
        assert server.writes == []


def of_a_java_team(folder: Path) -> None:
    """Write the schemas as Java's tools do: other docs, and strings with a property of Java's."""

    def in_java(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: in_java(value) for key, value in node.items() if key != "doc"}
        if isinstance(node, list):
            return [in_java(each) for each in node]
        return {"type": "string", "avro.java.string": "String"} if node == "string" else node

    for path in folder.glob("*.avsc"):
        document = json.loads(path.read_text())
        for field in document["fields"]:
            field["type"] = in_java(field["type"])
            field.pop("doc", None)
        path.write_text(json.dumps(document))


def test_an_equal_schema_of_another_team_gets_no_second_version(folder: Path):
    """What differs in docs and properties alone is known, and said to differ; only --register always adds it."""
    of_a_java_team(folder)
    with standing_in() as server:
        theirs = rows(run("register", "--registry-url", server.url, "--folder", folder))
        server.requests.clear()
        for mode in ("missing", "never"):
            result = run("register", "--registry-url", server.url, "--register", mode)
            assert [row[:3] for row in rows(result)] == [row[:3] for row in theirs]
            assert {row[3] for row in rows(result)} == {"known"}
            assert "--register always" in result.stderr
        assert server.writes == []
        added = run("register", "--registry-url", server.url, "--register", "always")
        assert {(row[2], row[3]) for row in rows(added)} == {("2", "new")}
        assert "--register always" not in added.stderr


def test_never_registers_nothing(folder: Path):
    """Where a schema is missing, --register never is exit code 4, and nothing is written, no level either."""
    del folder
    with standing_in() as server:
        result = run("register", "--registry-url", server.url, "--register", "never")
        assert result.exit_code == 4
        assert "recommendation-requests-value" in result.stderr
        assert server.writes == []


def test_the_client_file_says_how_to_log_in_to_the_registry(folder: Path):
    """`register` and `check` take address and credentials from the file that every other command takes."""
    with standing_in() as server:
        (folder.parent / "cloud.properties").write_text(
            f"schema.registry.url={server.url}\nbasic.auth.credentials.source=USER_INFO\n"
            "basic.auth.user.info=somebody:something\n"
        )
        for command in ("register", "check"):
            assert run(command, "--client-config", "cloud.properties").exit_code == 0
        assert server.authorizations == {f"Basic {base64.b64encode(b'somebody:something').decode()}"}


def test_where_the_address_comes_from(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A flag beats LENSLOAD_REGISTRY_URL, that beats lensload.toml, and LENS's SCHEMA_REGISTRY_URL is last."""
    with standing_in() as one, standing_in() as two:
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", one.url)
        assert one.url in run("register").stdout
        (folder.parent / "lensload.toml").write_text(f'registry_url = "{two.url}"\ntopic_prefix = "dev-"')
        result = run("register")
        assert two.url in result.stdout
        assert "dev-user-interactions-value" in result.stdout
        monkeypatch.setenv("LENSLOAD_REGISTRY_URL", one.url)
        assert one.url in run("register").stdout
        assert two.url in run("register", "--registry-url", two.url).stdout
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "ftp://x")
    monkeypatch.delenv("LENSLOAD_REGISTRY_URL")
    (folder.parent / "lensload.toml").unlink()
    refused = run("register")
    assert refused.exit_code == 2
    assert re.search("SCHEMA_REGISTRY_URL.*ftp://x", refused.stderr)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (as_json(401, error_code=401, message="who"), "(401"),
        (as_json(409, error_code=409, message="changed"), "changed"),
        (as_json(422, error_code=42205, message="READONLY mode"), "READONLY mode"),
        (as_json(500, error_code=50001, message="store"), "HTTP 500"),
        ((200, "text/html", b"<html>hello"), "--registry-url"),
        ((200, JSON, b"[]"), "--registry-url"),
        (as_json(200), "--registry-url"),
    ],
)  # fmt: skip
def test_nothing_is_half_registered_without_being_told(reply: Reply, message: str, folder: Path):
    """When the third of five is refused, the two before it are named with their ids, and so are the rest."""

    def interrupt(method: str, path: str) -> Reply | None:
        stop = method == "POST" and path == "/subjects/user-interactions-value/versions"
        return reply if stop else None

    with standing_in(interrupt) as server:
        text = refusal(server.url, folder)
    assert message in text
    assert "recommendation-requests-value (id 100), recommendation-responses-value (id 101)." in text
    assert "user-interactions-value, ab-test-events-value, model-metrics-value." in text


@pytest.mark.parametrize(
    ("interrupt", "message"),
    [
        (lambda _m, _p: as_json(401), "(401"),
        (lambda _m, _p: (503, "text/html", b"<html>"), "HTTP 503"),
        (lambda _m, _p: (200, "text/plain", b"\x00\xff"), "--registry-url"),
        (lambda _m, _p: (404, "text/html", b""), "HTTP 404"),
    ],
)  # fmt: skip
def test_a_registry_that_fails_from_the_start_is_told(interrupt: Interrupt, message: str, folder: Path):
    """Exit code 4, which registry, what it said and what to do."""
    with standing_in(interrupt) as server:
        text = refusal(server.url, folder)
        assert server.url in text
    assert message in text


def test_nobody_there_is_told(folder: Path):
    """A registry that is down is exit code 4, for register and for check."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        assert url in refusal(url, folder)
        checked = run("check", "--registry-url", url)
    assert checked.exit_code == 4
    assert url in checked.stderr


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"type": "record"}', '{"type": "strng"}', '{"openapi": "3.1.0"}']
)
def test_a_file_that_is_not_avro_is_told_before_anything_is_sent(text: str, folder: Path):
    """A broken file is named, exit code 2, and the registry is not even asked."""
    (folder / INTERACTIONS).write_text(text)
    with standing_in() as server:
        assert INTERACTIONS in refusal(server.url, folder, code=2)
        assert server.requests == []


def test_a_subject_of_someone_else_is_left_alone(folder: Path):
    """Where the subject holds something else, nothing of ours is added to it."""
    with standing_in() as server:
        with doors.connect(server.url, {}) as books:
            books.client.register_schema(subject(TOPIC_NAMES[0]), doors.RegistrySchema('"string"', "AVRO"))
        text = refusal(server.url, folder, code=2)
        assert list(server.subjects) == [subject(TOPIC_NAMES[0])]
    assert subject(TOPIC_NAMES[0]) in text
    assert "--topic-prefix" in text


def test_a_breach_of_lens_rule_is_refused_by_register_before_anything_is_registered(folder: Path):
    """What the registry would take, LENS does not; and the four good schemas wait for the fifth."""
    with standing_in() as server:
        with doors.connect(server.url, {}) as books:
            publish(books, {name: s for name, s in definitions.load().items() if name == "user-interactions"})
        drop(folder, "duration")
        text = refusal(server.url, folder, code=2)
        assert list(server.subjects) == ["user-interactions-value"]
    assert "version 1 of user-interactions-value" in text
    assert "duration: " in text


def test_the_registrys_own_refusal_counts_where_lens_rule_is_kept(folder: Path):
    """A registry that is stricter than LENS has its say: check finds 2, register 4, and nothing is registered."""

    def strict(_method: str, path: str) -> Reply | None:
        return as_json(200, is_compatible=False) if path.startswith("/compatibility") else None

    with standing_in(strict) as server:
        assert run("register", "--registry-url", server.url).exit_code == 0
        add(folder, **CAMPAIGN)
        checked = run("check", "--registry-url", server.url, "--folder", folder)
        assert checked.exit_code == 2
        for text in (checked.stderr, refusal(server.url, folder)):
            assert re.search("user_interaction.avsc .*version 1 of user-interactions-value", text)
            assert server.url in text
        assert {len(versions) for versions in server.subjects.values()} == {1}


def test_check_passes_and_says_what_each_file_is(folder: Path):
    """Unchanged files are their newest version; a new optional field may follow, and can be recorded."""
    assert {line.split()[-1] for line in run("check").stdout.splitlines()} == {"1"}
    add(folder, **CAMPAIGN)
    assert re.search(rf"^{INTERACTIONS} .*version 1\b", run("check", "--folder", folder).stdout, re.MULTILINE)
    assert "v2.avsc" in run("check", "--folder", folder, "--record").stdout
    assert re.search(
        rf"^{INTERACTIONS} .*\b2$", run("check", "--folder", folder, INTERACTIONS).stdout, re.MULTILINE
    )


def test_check_names_field_rule_and_fix(folder: Path):
    """Every breach of every file at once, exit code 2, and nothing is recorded."""
    drop(folder, "duration")
    add(folder, name="campaign", type="string")
    change(folder, lambda document: document["fields"][1].update(type="int"), "model_metrics.avsc")
    result = run("check", "--folder", folder, "--record")
    assert result.exit_code == 2
    assert "duration: " in result.stderr
    assert re.search(r'campaign: .*"type": \["null"', result.stderr)
    assert re.search("timestamp: .*long.*int", result.stderr)
    assert len(list((folder / "history" / "user-interactions-value").iterdir())) == 1


def test_a_version_that_skips_back_is_held_against_all_of_them(folder: Path):
    """A field that version 2 added may not go in version 3, though version 1 has no such field."""
    add(folder, **CAMPAIGN)
    assert run("check", "--folder", folder, "--record").exit_code == 0
    drop(folder, "campaign")
    result = run("check", "--folder", folder)
    assert result.exit_code == 2
    assert "version 2" in result.stderr


def test_the_script_is_a_door_to_register():
    """`cd schemas && python register_schemas.py`, word for word, takes the address from SCHEMA_REGISTRY_URL."""
    with standing_in() as server:
        done = _script({"SCHEMA_REGISTRY_URL": server.url})
        assert done.returncode == 0, done.stderr
        assert sorted(server.subjects) == sorted(subject(name) for name in TOPIC_NAMES)
    assert done.stdout.splitlines()[2].split() == [subject(TOPIC_NAMES[0]), "100", "1", "new", "BACKWARD"]
    failed = _script({"SCHEMA_REGISTRY_URL": server.url})
    assert failed.returncode == 4
    assert "127.0.0.1" in failed.stderr


def _script(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "register_schemas.py"]
    env = {**os.environ, **environ}
    return subprocess.run(command, cwd=SCHEMAS, env=env, capture_output=True, text=True, check=False)


@pytest.mark.native
def test_on_a_real_registry(registry: Registry, topic_prefix: str):
    """The script's subjects, ids, versions and levels are what a real registry tells anyone who asks."""
    environ = {"LENSLOAD_REGISTRY_URL": registry.url, "LENSLOAD_TOPIC_PREFIX": topic_prefix}
    outputs = [_script(environ) for _ in range(2)]
    tables = [[line.split() for line in done.stdout.splitlines()[2:]] for done in outputs]
    assert [{row[3] for row in table} for table in tables] == [{"new"}, {"known"}]
    assert [row[:3] for row in tables[0]] == [row[:3] for row in tables[1]]
    assert {subject(name, topic_prefix) for name in TOPIC_NAMES} <= set(get(f"{registry.url}/subjects"))
    for name, number, version, *_ in tables[0]:
        latest = get(f"{registry.url}/subjects/{name}/versions/latest")
        assert (latest["subject"], str(latest["id"]), str(latest["version"])) == (name, number, version)
        assert get(f"{registry.url}/config/{name}") == {"compatibilityLevel": "BACKWARD"}
        topic = name.removeprefix(topic_prefix).removesuffix("-value")
        assert json.loads(latest["schema"]) == json.loads(definitions.load()[topic].text)


def the_registry_takes(registry: Registry, name: str, folder: Path) -> bool | None:
    """Whether the registry itself would let the folder's schema of user interactions follow what subject `name` has."""
    with doors.connect(registry.url, {}) as books:
        return books.fits(name, definitions.load(folder)["user-interactions"])


@pytest.mark.native
def test_versions_and_verdicts_of_a_real_registry(registry: Registry, topic_prefix: str, folder: Path):
    """A newer version gets a new id and number; a removal it would take, LENS does not; the rest both refuse."""
    where = ("--registry-url", registry.url, "--topic-prefix", topic_prefix, "--folder", folder)
    first = {row[0]: row for row in rows(run("register", *where))}
    add(folder, **CAMPAIGN)
    checked = run("check", *where)
    assert checked.exit_code == 0, checked.output
    assert "version 1" in checked.stdout
    second = {row[0]: row for row in rows(run("register", *where))}
    name = subject("user-interactions", topic_prefix)
    assert second[name][2:4] == ["2", "new"]
    assert second[name][1] != first[name][1]
    assert get(f"{registry.url}/subjects/{name}/versions") == [1, 2]
    drop(folder, "campaign")
    drop(folder, "duration")
    lenient = run("check", *where)
    assert lenient.exit_code == 2
    assert the_registry_takes(registry, name, folder)
    assert run("register", *where).exit_code == 2
    add(folder, name="duration", type="string")
    strict = run("check", *where)
    assert strict.exit_code == 2
    assert the_registry_takes(registry, name, folder) is False
    assert strict.stderr != lenient.stderr
    assert get(f"{registry.url}/subjects/{name}/versions") == [1, 2]


@pytest.mark.native
def test_a_real_registry_refuses_what_is_not_avro_and_what_cannot_follow(
    registry: Registry, topic_prefix: str
):
    """The registry's own 422 and 409 come through as ours, naming subject and registry."""
    name = f"{topic_prefix}strange-value"
    with doors.connect(registry.url, {}) as books:
        put = books.client.register_schema
        for text, message in (
            ('{"type": "nonsense"}', r"\(422\)"),
            ('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}', ""),
            ('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}', r"\(409\)"),
        ):
            wanted = doors.RegistrySchema(text, "AVRO")
            if not message:
                put(name, wanted)
                books.set_level(name, "BACKWARD")
                continue
            with pytest.raises(doors.RegistryError, match=rf"{name} {message}|{name}.*{message}"):
                books.ask(name, lambda _, text=wanted: put(name, text))
