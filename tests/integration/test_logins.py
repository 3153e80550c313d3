"""Logins to a real broker and a real registry that demand them: right ones through every command, wrong ones refused.

The secrets are looked for in all that a command leaves: output, run file, page, manifest, and its arguments while it runs.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lensload.cli.main import main
from tests.harness.artifacts import missing_tools
from tests.harness.kafka.secured import Login, SecuredKafka
from tests.harness.registry import Registry
from tests.support.certificates import Authority
from tests.support.logins import Gateway, Issuer, basic, served

pytestmark = [pytest.mark.native, pytest.mark.xdist_group("logins")]  # its tests share a costly broker

CLIENT = ("load-client", "client-secret-4711")
REGISTRY_PASSWORD, TOKEN = "registry-pass-0815", "bearer-token-2342"
WRONG = "not-the-secret-99"
TOLD_WITHIN_S = 10.0  # of a person's patience; it takes 1 to 8 s, and the machine may be busy
LOGIN = Login()
SECRETS = (LOGIN.password, CLIENT[1], REGISTRY_PASSWORD, TOKEN, WRONG)


@dataclass
class Place:
    """A broker and a registry that demand logins, and who may log in."""

    kafka: SecuredKafka
    authority: Authority
    other: Authority
    issuer: Issuer
    gateways: dict[str, Gateway]
    folder: Path

    def client_file(self, kind: str, **changes: str | Path | None) -> str:
        """A --client-config file for a kind of login to the broker; a change of None leaves a property out."""
        certificate, key = self.authority.issue(LOGIN.user)
        tls: dict[str, Any] = {"security.protocol": "SSL", "ssl.ca.location": self.authority.file}
        sasl = {**tls, "security.protocol": "SASL_SSL"}
        user = {"sasl.username": LOGIN.user, "sasl.password": LOGIN.password}
        kinds: dict[str, dict[str, Any]] = {
            "tls": tls,
            "mtls": {**tls, "ssl.certificate.location": certificate, "ssl.key.location": key},
            "plain": {**sasl, **user, "sasl.mechanisms": "PLAIN"},
            "scram": {**sasl, **user, "sasl.mechanisms": "SCRAM-SHA-512"},
            "scram-256": {**sasl, **user, "sasl.mechanisms": "SCRAM-SHA-256"},
            "oidc": {
                **sasl,
                "sasl.mechanisms": "OAUTHBEARER",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.client.id": CLIENT[0],
                "sasl.oauthbearer.client.secret": CLIENT[1],
                "sasl.oauthbearer.token.endpoint.url": f"{self.issuer.url}/token",
            },
        }
        named = {name.replace("_", "."): value for name, value in changes.items()}
        values = {key: value for key, value in {**kinds[kind], **named}.items() if value is not None}
        path = self.folder / f"{kind}-{time.monotonic_ns()}.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        return str(path)

    def registry_environ(self, kind: str) -> dict[str, str]:
        """The environment for a kind of login to the registry."""
        certificate, key = self.authority.issue("registry-client", REGISTRY_PASSWORD)
        own = {
            "basic": {"USER_INFO": f"{LOGIN.user}:{REGISTRY_PASSWORD}"},
            "bearer": {"TOKEN": TOKEN},
            "mtls": {"CERT_FILE": certificate, "KEY_FILE": key, "KEY_PASSWORD": REGISTRY_PASSWORD},
        }
        every = {**own.get(kind, {}), "CA_FILE": self.authority.file}
        return {f"LENSLOAD_REGISTRY_{name}": str(value) for name, value in every.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One broker with all listeners, and one registry behind gateways of all kinds."""
    if missing_tools():
        pytest.skip("needs Java for a real Kafka and registry")
    folder = tmp_path_factory.mktemp("logins")
    authority, other = Authority(folder), Authority(folder)
    issuer = Issuer(folder, CLIENT, LOGIN.user)
    with (
        served(issuer),
        SecuredKafka(authority, LOGIN, issuer.tokens) as kafka,
        Registry() as registry,
        gateways(registry, authority) as doors,
    ):
        yield Place(kafka, authority, other, issuer, doors, folder)


@contextlib.contextmanager
def gateways(registry: Registry, authority: Authority) -> Generator[dict[str, Gateway]]:
    """The registry's doors: TLS all of them, with a login each, or with a certificate that is no good."""
    target = registry.url
    allowed = frozenset({basic(LOGIN.user, REGISTRY_PASSWORD)})
    doors = {
        "basic": Gateway(target, allowed),
        "bearer": Gateway(target, frozenset({f"Bearer {TOKEN}"})),
        "tls": Gateway(target),
        "mtls": Gateway(target),
        "expired": Gateway(target),
        "elsewhere": Gateway(target),
    }
    with contextlib.ExitStack() as stack:
        for name, door in doors.items():
            host = "elsewhere.example" if name == "elsewhere" else "127.0.0.1"
            tls = authority.server(asks_clients=name == "mtls", host=host, expired=name == "expired")
            stack.enter_context(served(door, tls))
        yield doors


Change = Callable[[Place], dict[str, str | Path | None]]


@dataclass
class Done:
    """What a command left."""

    code: int
    output: str


def run(folder: Path, environ: dict[str, str], *arguments: str) -> Done:
    """One command to its end; no secret is in its arguments, its output or the files that it leaves."""
    command = [sys.executable, "-m", "lensload", *arguments]
    variables = {
        **os.environ,
        "LENSLOAD_MAX_SCHEDULE_LAG": "1m",
        "LENSLOAD_MAX_OBSERVER_LAG": "1m",
        **environ,
    }
    with subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        shown = process_list(process)
        output, _ = process.communicate(timeout=120)
    left = [path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file()]
    for text in (output, shown, *left):
        assert not [secret for secret in SECRETS if secret in text]
    assert "Traceback" not in output, output
    return Done(process.returncode, output)


def process_list(process: "subprocess.Popen[str]") -> str:
    """The arguments of the command and of all its children, gathered while it starts them."""
    found: set[str] = set()
    until_s = time.monotonic() + 3
    while process.poll() is None and time.monotonic() < until_s:
        for each in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                session = int((each / "stat").read_text().rpartition(")")[2].split()[3])
                if session == process.pid:
                    found.add((each / "cmdline").read_text().replace("\0", " "))
        time.sleep(0.1)
    return "\n".join(found)


LISTENER = {
    "plain": "sasl",
    "scram": "sasl",
    "scram-256": "sasl",
    "oidc": "oauth",
    "mtls": "mtls",
    "tls": "tls",
}


def to(place: Place, kind: str, door: str, prefix: str, **changes: str | Path | None) -> list[str]:
    """The flags for a kind of login to the broker and a door of the registry."""
    return [
        *("--bootstrap-servers", place.kafka.address(LISTENER[kind])),
        *("--registry-url", place.gateways[door].url),
        *("--client-config", place.client_file(kind, **changes)),
        *("--topic-prefix", prefix),
    ]


BENCH = (
    "bench",
    "--rate",
    "200",
    "--warmup",
    "0s",
    "--duration",
    "1s",
    "--partitions",
    "1",
    "--html",
    "r.html",
)


@pytest.mark.parametrize(("kind", "door"), [("scram", "bearer"), ("oidc", "tls"), ("mtls", "mtls")])
def test_bench_seed_and_replay_log_in(place: Place, kind: str, door: str, topic_prefix: str, tmp_path: Path):
    """Each kind of login to broker and registry carries a run, a history and its replay."""
    environ = place.registry_environ(door)
    where = to(place, kind, door, topic_prefix)
    made = run(tmp_path, environ, *BENCH, "--topics", "user-interactions", *where)
    assert made.code == 0, made.output
    assert json.loads((tmp_path / "run.json").read_text())["verdict"] == "pass"
    seeded = run(tmp_path, environ, "seed", "--events", "500", "--topics", "model-metrics", *where)
    assert seeded.code == 0, seeded.output
    replayed = run(tmp_path, environ, "replay", "model-metrics", "--decode", *where)
    assert replayed.code == 0, replayed.output


def test_capacity_logs_in(place: Place, topic_prefix: str, tmp_path: Path):
    """A search for the highest rate makes its runs with the same login."""
    done = run(
        tmp_path,
        place.registry_environ("basic"),
        *("capacity", "--start-rate", "50", "--max-rate", "50", "--step-duration", "1s", "--warmup", "0s"),
        *("--settle", "0s", "--slo", "lost == 0", "--partitions", "1"),
        *to(place, "scram-256", "basic", topic_prefix),
    )
    assert done.code == 0, done.output


def test_a_clouds_file_is_enough(place: Place, topic_prefix: str, tmp_path: Path):
    """The file that a console offers holds the addresses and both logins: nothing else has to be said."""
    path = Path(place.client_file("plain"))
    path.write_text(
        path.read_text()
        + f"bootstrap.servers={place.kafka.address('sasl')}\nsession.timeout.ms=45000\nacks=all\n"
        + f"schema.registry.url={place.gateways['basic'].url}\nbasic.auth.credentials.source=USER_INFO\n"
        + f"basic.auth.user.info={LOGIN.user}:{REGISTRY_PASSWORD}\n"
    )
    environ = {"LENSLOAD_REGISTRY_CA_FILE": str(place.authority.file)}
    done = run(tmp_path, environ, *BENCH, "--client-config", str(path), "--topic-prefix", topic_prefix)
    assert done.code == 0, done.output


def examined(folder: Path, environ: dict[str, str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The doctor's exit code and its findings by code; no secret is in them, and no file is left."""
    done = run(folder, environ, "doctor", "--json", *arguments)
    document = json.loads(done.output)
    assert document["exit_code"] == done.code
    assert not list(folder.iterdir())
    return done.code, {each["code"]: each for each in document["findings"]}


@pytest.mark.parametrize(
    ("kind", "door"), [("plain", "basic"), ("scram", "bearer"), ("oidc", "tls"), ("mtls", "mtls")]
)
def test_doctor_logs_in(place: Place, kind: str, door: str, topic_prefix: str, tmp_path: Path):
    """With each kind of login the doctor looks at cluster, topics and registry, and finds nothing in the way."""
    environ = place.registry_environ(door)
    code, found = examined(tmp_path, environ, *to(place, kind, door, topic_prefix))
    assert code == 0, found
    assert {"cluster_reached", "topics_missing", "schemas_missing"} <= set(found)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("plain", lambda _: {"sasl_password": WRONG}),
        ("scram", lambda _: {"sasl_password": WRONG}),
        ("oidc", lambda _: {"sasl_oauthbearer_client_secret": WRONG}),
        ("tls", lambda place: {"ssl_ca_location": place.other.file}),
        ("mtls", lambda place: _issued(place.other)),
    ],
)
def test_doctor_finds_that_the_broker_refuses_the_login(
    place: Place, kind: str, change: Change, tmp_path: Path
):
    """Who is refused by the broker gets a finding with the fix, and the registry is looked at all the same."""
    where = to(place, kind, "tls", "refused-", **change(place))
    code, found = examined(tmp_path, place.registry_environ("tls"), *where)
    assert code == 4
    assert found["cluster_refused"]["severity"] == "refused"
    assert found["cluster_refused"]["fix"]
    assert "schemas_missing" in found


@pytest.mark.parametrize(
    ("door", "environ"),
    [
        ("basic", {"USER_INFO": f"{LOGIN.user}:{WRONG}"}),
        ("bearer", {"TOKEN": WRONG}),
        ("mtls", {}),
        ("expired", {}),
    ],
)
def test_doctor_finds_that_the_registry_refuses_the_login(
    place: Place, door: str, environ: dict[str, str], tmp_path: Path
):
    """The same for the registry, beside a cluster that is reached."""
    variables = {
        **place.registry_environ("tls"),
        **{f"LENSLOAD_REGISTRY_{name}": text for name, text in environ.items()},
    }
    code, found = examined(tmp_path, variables, *to(place, "scram", door, "refused-"))
    assert code == 4
    assert found["registry_refused"]["fix"]
    assert "cluster_reached" in found


def test_doctor_finds_which_right_is_missing(place: Place, tmp_path: Path):
    """Logged in is not allowed: topics that may not be created, or not be described, are a finding."""
    where = to(place, "scram", "tls", "refused-", sasl_username=LOGIN.powerless)
    code, found = examined(tmp_path, place.registry_environ("tls"), *where)
    assert code == 4
    assert {"cluster_reached", "topics_not_creatable"} <= set(found)


def refused(folder: Path, environ: dict[str, str], *arguments: str) -> str:
    """What a command says that ends with exit 4, in time; no secret is in it, and no file is left."""
    with contextlib.chdir(folder):
        began_s = time.monotonic()
        result = CliRunner().invoke(main, list(arguments), env=environ)
        took_s = time.monotonic() - began_s
    assert result.exit_code == 4, result.output
    assert took_s < TOLD_WITHIN_S
    assert not [secret for secret in SECRETS if secret in result.output]
    assert not list(folder.iterdir())
    return result.output


@pytest.mark.parametrize(
    ("kind", "listener", "change", "said"),
    [
        ("plain", "", lambda _: {"sasl_password": WRONG}, "sasl.username, sasl.password"),
        ("scram", "", lambda _: {"sasl_password": WRONG}, "sasl.username, sasl.password"),
        ("scram", "", lambda _: {"sasl_username": "nobody"}, "sasl.username, sasl.password"),
        ("plain", "oauth", lambda _: {}, "sasl.mechanisms"),
        (
            "oidc",
            "",
            lambda _: {"sasl_oauthbearer_client_secret": WRONG},
            "sasl.oauthbearer.token.endpoint.url",
        ),
        ("tls", "", lambda place: {"ssl_ca_location": place.other.file}, "ssl.ca.location"),
        ("tls", "expired", lambda _: {}, "certificate has expired"),
        ("tls", "elsewhere", lambda _: {}, "ssl.endpoint.identification.algorithm=none"),
        ("tls", "mtls", lambda _: {}, "ssl.certificate.location and ssl.key.location"),
        ("mtls", "", lambda place: _issued(place.other), "ssl.certificate.location and ssl.key.location"),
        ("tls", "", lambda _: {"security_protocol": "PLAINTEXT"}, "security.protocol=SSL"),
        ("plain", "", lambda _: {"security_protocol": "SASL_PLAINTEXT"}, "security.protocol=SASL_SSL"),
        ("tls", "sasl", lambda _: {}, "security.protocol=SASL_SSL"),
    ],
)
def test_a_login_that_the_broker_refuses_is_told(
    place: Place, kind: str, listener: str, change: Change, said: str, tmp_path: Path
):
    """Whoever is refused reads within ten seconds what to do, and nothing was sent."""
    where = to(place, kind, "tls", "refused-", **change(place))
    where[1] = place.kafka.address(listener or LISTENER[kind])
    assert said in refused(tmp_path, place.registry_environ("tls"), *BENCH, *where)


def _issued(authority: Authority) -> dict[str, str | Path | None]:
    certificate, key = authority.issue("stranger")
    return {"ssl_certificate_location": certificate, "ssl_key_location": key}


@pytest.mark.parametrize(
    ("door", "environ", "said"),
    [
        ("basic", {}, "LENSLOAD_REGISTRY_USER_INFO"),
        ("basic", {"USER_INFO": f"{LOGIN.user}:{WRONG}"}, "401"),
        ("bearer", {"TOKEN": WRONG}, "401"),
        ("tls", {"CA_FILE": ""}, "LENSLOAD_REGISTRY_CA_FILE"),
        ("mtls", {}, "LENSLOAD_REGISTRY_CERT_FILE"),
        ("expired", {}, "has expired"),
        ("elsewhere", {}, "--registry-url"),
    ],
)
def test_a_login_that_the_registry_refuses_is_told(
    place: Place, door: str, environ: dict[str, str], said: str, tmp_path: Path
):
    """The same for the registry, through another command."""
    variables = {
        **place.registry_environ("tls"),
        **{f"LENSLOAD_REGISTRY_{name}": text for name, text in environ.items()},
    }
    where = to(place, "scram", door, "refused-")
    assert said in refused(tmp_path, variables, "seed", "--events", "10", *where)


def test_who_may_log_in_and_do_nothing_reads_which_right_is_missing(place: Place, tmp_path: Path):
    """Logged in is not allowed: the missing right is told, with exit 4."""
    where = to(place, "scram", "tls", "refused-", sasl_username=LOGIN.powerless)
    told = refused(tmp_path, place.registry_environ("tls"), *BENCH, *where)
    assert "allow these credentials" in told
