"""Our schemas get their ids, and a registry that fails is told apart from one that refuses or is none."""

import base64
import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from lensload.errors import RegistryError, UsageError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.schema import definitions, registry_auth
from lensload.schema import registry as doors
from tests.harness.registry import Registry as NativeRegistry
from tests.support.web_server import web_server

JSON = "application/vnd.schemaregistry.v1+json"
Reply = tuple[int, str, bytes]


@dataclass
class Scripted:
    """A web server on 127.0.0.1 that answers as `reply` says, and keeps what it was asked."""

    reply: Callable[[str, str, dict[str, Any]], Reply]
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)
    url: str = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """A request handler that plays this script."""
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                path = unquote(urlsplit(self.path).path)
                script.requests.append(("POST", path))
                script.authorizations.add(self.headers.get("Authorization"))
                status, kind, content = script.reply("POST", path, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        return Handler


@contextmanager
def serving(reply: Callable[[str, str, dict[str, Any]], Reply]) -> Generator[Scripted]:
    script = Scripted(reply)
    with web_server(script.handler()) as script.url:
        yield script


def as_json(status: int, **content: object) -> Reply:
    return status, JSON, json.dumps(content).encode()


def a_registry() -> Callable[[str, str, dict[str, Any]], Reply]:
    """What Confluent's registry does on the two requests that we make, from memory."""
    stored: dict[tuple[str, str], int] = {}

    def reply(_: str, path: str, body: dict[str, Any]) -> Reply:
        parts = path.strip("/").split("/")
        key = (parts[1], body["schema"])
        if len(parts) == 3:
            return as_json(200, id=stored.setdefault(key, 100 + len(stored)))
        if key not in stored:
            return as_json(404, error_code=40401, message=f"Subject '{parts[1]}' not found.")
        return as_json(200, subject=parts[1], id=stored[key], version=1, schema=body["schema"])

    return reply


def ids_from(url: str, prefix: str = "", environ: dict[str, str] | None = None) -> dict[str, int]:
    """What a process of its own gets that registers our schemas at the address."""
    with doors.connect(url, environ or {}) as registry:
        return doors.schema_ids(registry.register(definitions.load(), prefix))


def refusal_of(url: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(RegistryError) as caught:
        ids_from(url, environ=environ)
    assert caught.value.exit_code == 4
    assert url in caught.value.message
    assert caught.value.hint
    return str(caught.value)


def test_the_mock_registry_gives_every_process_the_same_ids():
    """Generators and observers that each make up a registry still understand each other."""
    first, second = (ids_from("mock://x", "p-") for _ in range(2))
    assert first == second
    assert tuple(first) == definitions.TOPIC_NAMES
    assert len(set(first.values())) == len(first)


def test_registering_is_idempotent_and_looks_before_it_writes():
    """Ten workers or ten runs leave one version a subject, and the second of them only reads."""
    with serving(a_registry()) as server:
        first = ids_from(server.url, "p-")
        writes = [path for _, path in server.requests if path.endswith("/versions")]
        assert writes == [f"/subjects/p-{name}-value/versions" for name in definitions.TOPIC_NAMES]
        server.requests.clear()
        assert ids_from(server.url, "p-") == first
        assert [path for _, path in server.requests if path.endswith("/versions")] == []


def test_the_client_knows_what_was_registered():
    """An AvroSerializer over the registry's client asks the registry nothing more for what is there."""
    with serving(a_registry()) as server:
        ids_from(server.url)
        with doors.connect(server.url, {}) as ours:
            ids = doors.schema_ids(ours.register(definitions.load()))
            server.requests.clear()
            wanted = doors.RegistrySchema(definitions.load()["ab-test-events"].text, "AVRO")
            assert (
                ours.client.lookup_schema("ab-test-events-value", wanted).schema_id == ids["ab-test-events"]
            )
        assert server.requests == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({registry_auth.USER_INFO_VARIABLE: "ann:a:b"}, "Basic " + base64.b64encode(b"ann:a:b").decode()),
        ({registry_auth.TOKEN_VARIABLE: "t0ken\n"}, "Bearer t0ken"),
    ],
)
def test_credentials_come_from_the_environment(environ: dict[str, str], expected: str | None):
    """Each form of credentials reaches the registry as it wants them, and none is sent unasked."""
    with serving(a_registry()) as server:
        ids_from(server.url, environ=environ)
        assert server.authorizations == {expected}


def test_credentials_of_no_form_are_refused_and_not_repeated():
    """A slip in the secret is told before anything is sent, without the secret."""
    for environ in (
        {registry_auth.USER_INFO_VARIABLE: "sesame"},
        {registry_auth.USER_INFO_VARIABLE: "a:sesame", registry_auth.TOKEN_VARIABLE: "sesame"},
    ):
        with pytest.raises(UsageError) as caught:
            doors.connect("http://127.0.0.1:9", environ)
        assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "named", "also"),
    [
        (as_json(401, error_code=401, message="who are you"), "401 Unauthorized", "LENSLOAD_REGISTRY_USER_INFO"),
        ((401, "text/html", b"<html>"), "401 Unauthorized", "LENSLOAD_REGISTRY_TOKEN"),
        (as_json(403, error_code=40301, message="no"), "recommendation-requests-value", "403"),
        ((404, "text/html", b"<html>"), "HTTP 404", "/apis/ccompat/v7"),
        (as_json(404, error="Not Found"), "HTTP 404", "--registry-url"),
        ((405, "text/plain", b""), "HTTP 405", "--registry-url"),
        ((302, "text/html", b""), "HTTP 302", "--registry-url"),
        ((200, "text/html", b"<html>hello"), "JSON", "--registry-url"),
        (as_json(200, hello="world"), "id", "--registry-url"),
        ((200, JSON, b"[]"), "Schema Registry", "--registry-url"),
        ((200, JSON, b""), "Schema Registry", "--registry-url"),
        (as_json(409, error_code=409, message="rating changed"), "rating changed", "--topic-prefix"),
        (as_json(422, error_code=42205, message="read-only"), "422", "read-only"),
        (as_json(500, error_code=50001, message="store timeout"), "HTTP 500", "store timeout"),
        (as_json(500, error_code=500, message=None), "HTTP 500", "log"),
        ((503, "text/html", b"<html>"), "HTTP 503", "log"),
    ],
)  # fmt: skip
def test_every_refusal_is_told_apart_with_what_to_do(reply: Reply, named: str, also: str):
    """Who runs into the registry reads which registry, what it refused, and the way on; never a traceback."""
    with serving(lambda *_: reply) as server:
        begun_s = time.monotonic()
        text = refusal_of(server.url, {registry_auth.USER_INFO_VARIABLE: "ann:sesame"})
        assert time.monotonic() - begun_s < 25
    assert named in text
    assert also in text
    assert "sesame" not in text
    assert "None" not in text


def test_a_registry_that_starts_a_moment_late_is_waited_for():
    """One failed answer of a registry that is just coming up does not end a run."""
    answer = a_registry()
    failures = iter([as_json(503, error_code=50003, message="starting")])
    with serving(lambda *asked: next(failures, None) or answer(*asked)) as server:
        assert len(ids_from(server.url)) == 5


def test_nothing_at_the_address_is_told_soon():
    """A registry that is down is named within seconds."""
    with serving(a_registry()) as server:
        url = server.url
    begun_s = time.monotonic()
    assert url in refusal_of(url)
    assert time.monotonic() - begun_s < 25


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_broker_in_the_registrys_place_is_told_so(scheme: str):
    """A broker's port given for the registry's is a common slip; a broker closes the connection without an answer."""
    with EmbeddedCluster() as cluster:
        address = cluster.bootstrap_servers.partition(",")[0]
        assert "broker" in refusal_of(f"{scheme}://{address}")


def test_an_unknown_host_is_told():
    """A mistyped host is told apart from a registry that is down."""
    assert "nowhere.invalid:8081" in refusal_of("http://nowhere.invalid:8081")


def test_plain_http_where_tls_was_asked_for_is_told():
    """https:// on a plain port is a slip of the URL, and the message says so."""
    with serving(a_registry()) as server:
        text = refusal_of(server.url.replace("http:", "https:"))
    assert "https://" in text
    assert "TLS" in text


def test_a_registry_that_never_answers_is_given_up_in_time():
    """However slowly something trickles in, the promised time is kept."""
    released = threading.Event()

    def never(*_: object) -> Reply:
        released.wait(30)
        return as_json(500)

    with serving(never) as server:
        begun_s = time.monotonic()
        with (
            doors.connect(server.url, {}) as registry,
            pytest.raises(RegistryError, match=rf"{server.url} .*\b1 s"),
        ):
            registry.register(definitions.load(), timeout_s=1)
        assert time.monotonic() - begun_s < 25
        released.set()


@pytest.mark.native
def test_a_real_registry_has_our_schemas_after_registering(registry: NativeRegistry, topic_prefix: str):
    """What a real registry hands to consumers under the id and the subject is our schema, in one version."""
    ids = ids_from(registry.url, topic_prefix)
    assert ids_from(registry.url, topic_prefix) == ids
    with doors.connect(registry.url, {}) as ours:
        for name, schema in definitions.load().items():
            latest = ours.client.get_latest_version(definitions.subject(name, topic_prefix))
            assert (latest.schema_id, latest.version) == (ids[name], 1)
            stored = ours.client.get_schema(ids[name]).schema_str
            assert json.loads(stored or "") == json.loads(schema.text)


@pytest.mark.native
def test_a_real_registry_refuses_a_schema_that_breaks_its_readers(
    registry: NativeRegistry, topic_prefix: str
):
    """A subject that other software owns is not overwritten, and the refusal names it."""
    ids_from(registry.url, topic_prefix)
    other = dict(definitions.load())
    metrics = other["model-metrics"]
    text = metrics.text.replace('"name": "value", "type": "float"', '"name": "value", "type": "string"')
    other["model-metrics"] = definitions.of_text(metrics.topic, text, Path("other.avsc"))
    with (
        doors.connect(registry.url, {}) as ours,
        pytest.raises(RegistryError, match=rf"{topic_prefix}model-metrics-value"),
    ):
        ours.register(other, topic_prefix)
