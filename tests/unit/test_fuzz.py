"""Nothing typed by a person ends in a traceback: generated flags, files and variables, through the commands themselves.

A few in CI; `make fuzz` sets FUZZ_EXAMPLES to many.
"""

import copy
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lensload.cli.main import main
from lensload.config.options import options
from lensload.schema import definitions
from tests.support.planted_runs import a_run

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
OPTIONS = [option for option in options() if option.shown.bench and option.name != "run_file"]
EMBEDDED = {"bootstrap_servers", "registry_url"}  # a run towards an address would try it for seconds

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

WORDS = st.sampled_from(
    [
        *(
            "",
            "-",
            "0",
            "-1",
            "1e6",
            "1M",
            "nan",
            "inf",
            "1e999",
            "10k",
            "1_000",
            "5%",
            "all",
            "never",
            "~",
            "/",
            "\x00",
        ),
        *(
            "30s",
            "1h30m",
            "-1h",
            "now",
            "2026-02-30",
            "a=b",
            "a:1",
            "[::1]:9092",
            "::1",
            "http://",
            "mock://",
            "*",
            "ä",
        ),
        *(
            "p95",
            "end_to_end.p99 < 5ms",
            "ack.p200<1",
            "lost == 0",
            "achieved >= 99%",
            "lost <= 1 %",
            "<",
            "x.y.z > 1s",
        ),
        *(
            "ramp:0-1",
            "steps:1,2",
            "spike:9@0-1",
            "spike:-1",
            "day+poisson",
            "constant+",
            "steps:",
            "ramp:1e400-2",
        ),
        *(
            "user-interactions",
            "user-interactions=x.avsc@0.5",
            "model-metrics=/dev/null@0-1",
            "true",
            "[1]",
            "{}",
        ),
    ]
)
TEXTS = WORDS | st.text(max_size=20) | st.floats().map(str) | st.integers().map(str)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | WORDS, inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def _no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked may begin; here it does not."""
    monkeypatch.setattr("lensload.bench.run", lambda *_: 0)
    monkeypatch.setattr("lensload.capacity.repeat.repeated", lambda *_: ([], 0))


def ended(arguments: list[str], files: dict[str, str | bytes], environ: dict[str, str] | None = None) -> str:
    """What a command says that ends well or with a sentence, in a folder with these files."""
    folder = Path(tempfile.mkdtemp(prefix="lensload-fuzz-"))
    before = Path.cwd()
    try:
        os.chdir(folder)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
            (folder / name).write_bytes(data)
        result = CliRunner().invoke(main, arguments, env=environ or {})
    finally:
        os.chdir(before)
        shutil.rmtree(folder)
    said = result.output
    assert "Traceback" not in said, (arguments, files, environ, said)
    assert "fault of lensload" not in said, (arguments, files, environ, said)
    assert result.exit_code in (0, 2, 3, 4) or (arguments[0] == "report" and result.exit_code == 1), said
    assert result.exit_code == 0 or said.strip(), (arguments, files)
    return said


@fuzzed
@given(st.dictionaries(st.sampled_from([option.name for option in OPTIONS]), TEXTS, max_size=3))
def test_flags(given_flags: dict[str, str]):
    """Any value of any flag is taken, or refused with a sentence."""
    by_name = {option.name: option.flag for option in OPTIONS}
    chosen = {
        name: value for name, value in given_flags.items() if name not in EMBEDDED and "html" not in name
    }
    ended(["bench", *(f"{by_name[name]}={value}" for name, value in chosen.items())], {})


@fuzzed
@given(st.dictionaries(st.sampled_from([option.env for option in OPTIONS]), TEXTS, max_size=3))
def test_variables(environ: dict[str, str]):
    """Any value of any variable, too."""
    chosen = {
        name: value.replace("\x00", "")
        for name, value in environ.items()
        if not name.endswith(("SERVERS", "REGISTRY_URL"))
    }
    chosen = {name: value.encode("utf-8", "ignore").decode() for name, value in chosen.items()}
    ended(["bench"], {}, dict(chosen))


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from([option.name for option in OPTIONS]) | st.text(max_size=6), JSONS, max_size=3
    )
)
def test_configuration_files(table: dict[str, Any]):
    """Any lensload.toml, whole or not."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items() if name not in EMBEDDED]
    ended(["bench"], {"lensload.toml": "\n".join(lines)})


KEYS = st.sampled_from(
    [
        *(
            "security.protocol",
            "sasl.mechanisms",
            "sasl.mechanism",
            "sasl.username",
            "sasl.password",
            "ssl.ca.location",
        ),
        *(
            "acks",
            "linger.ms",
            "compression.type",
            "batch.size",
            "ssl.keystore.location",
            "ssl.keystore.type",
            "group.id",
        ),
        *(
            "basic.auth.user.info",
            "ssl.truststore.type",
            "ssl.truststore.location",
            "key.serializer",
            "sasl.jaas.config",
        ),
        *(
            "spring.kafka.properties.acks",
            "sasl.oauthbearer.method",
            "transactional.id",
            "error_cb",
            "[x]",
            "!",
            "#",
        ),
    ]
)


@fuzzed
@given(
    st.lists(
        st.tuples(KEYS | st.text(max_size=8), st.sampled_from(["=", ":", " ", "\\\n"]), TEXTS), max_size=5
    )
)
def test_client_files(lines: list[tuple[str, str, str]]):
    """Any client file, in any dialect."""
    text = "\n".join("".join(line) for line in lines)
    ended(["bench", "--client-config", "client.properties"], {"client.properties": text})


@fuzzed
@given(
    st.binary(max_size=40),
    st.sampled_from(["client.properties", "lensload.toml", "run.json", "manifest.json"]),
)
def test_any_bytes_in_any_file(content: bytes, name: str):
    """What is no text is named as what it is."""
    commands = {
        "client.properties": ["bench", "--client-config", name],
        "lensload.toml": ["bench"],
        "run.json": ["report", name],
        "manifest.json": ["seed", "--verify", name],
    }
    ended(commands[name], {name: content})


RUN = json.loads(json.dumps(a_run()))


@fuzzed
@given(st.data())
def test_run_files(data: st.DataObject):
    """A run file with anything in any place of it."""
    run = copy.deepcopy(RUN)
    node: Any = run
    for _ in range(data.draw(st.integers(1, 4))):
        if not isinstance(node, dict) or not node:
            break
        key = data.draw(st.sampled_from(sorted(node)))
        if data.draw(st.booleans()):
            node[key] = data.draw(JSONS)
            break
        node = node[key]
    ended(["report", "run.json"], {"run.json": json.dumps(run)})


SCHEMAS = {
    path.name: path.read_text(encoding="utf-8") for path in definitions.default_folder().glob("*.avsc")
}


@fuzzed
@given(st.data())
def test_schema_files(data: st.DataObject):
    """A schema file with anything in any place of it."""
    name = data.draw(st.sampled_from(sorted(SCHEMAS)))
    document = json.loads(SCHEMAS[name])
    node: Any = document
    for _ in range(data.draw(st.integers(1, 6))):
        keys = (
            sorted(node)
            if isinstance(node, dict)
            else list(range(len(node)))
            if isinstance(node, list)
            else []
        )
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            node[key] = data.draw(JSONS)
            break
        node = node[key]
    ended(["schemas", "check", "--folder", "."], {**SCHEMAS, name: json.dumps(document)})


@fuzzed
@given(TEXTS, st.sampled_from(["--events", "--days", "--until", "--fault"]))
def test_histories(value: str, flag: str):
    """Any amount, length, end and fault of a history; none is written, since there is nowhere to."""
    rest = ["--output-dir", "/dev/null/x", "--output-format", "avro", "--events", "10"]
    ended(["seed", *rest, f"{flag}={value}"], {})
