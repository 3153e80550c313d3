"""A stand-in for Confluent's registry, for what a real one will not do on request: to fail, to refuse, to speak TLS.

It knows subjects, versions, ids and levels, from memory; compatibility it does not judge: that is for the real one.
"""

import json
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.web_server import web_server

JSON = "application/vnd.schemaregistry.v1+json"
Reply = tuple[int, str, bytes]
Interrupt = Callable[[str, str], Reply | None]
"""Given method and path, what to answer in the registry's place; None to let it answer."""


def as_json(status: int, **content: object) -> Reply:
    return status, JSON, json.dumps(content).encode()


@dataclass
class StandIn:
    """Subjects and what was asked of them."""

    interrupt: Interrupt = lambda _method, _path: None
    url: str = ""
    subjects: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    levels: dict[str, str] = field(default_factory=dict[str, str])  # of all other subjects: that of ""
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    authorizations: set[str | None] = field(default_factory=set[str | None])
    peers: list[Any] = field(default_factory=list[Any])
    _ids: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [each for each in self.requests if each[0] == "PUT" or each[1].endswith("/versions")]

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        """What Confluent's registry answers."""
        self.requests.append((method, path))
        if (interrupted := self.interrupt(method, path)) is not None:
            return interrupted
        kind, *rest = path.strip("/").split("/")
        if kind == "config":
            return self._config(method, "/".join(rest), body)
        if kind == "compatibility":
            known = rest[1] in self.subjects
            return as_json(200, is_compatible=True) if known else _missing(40401)
        return self._subject(method, rest[0], rest[1:], body)

    def _config(self, method: str, subject: str, body: dict[str, Any]) -> Reply:
        if method == "PUT":
            self.levels[subject] = body["compatibility"]
            return as_json(200, **body)
        level = self.levels.get(subject)
        return as_json(200, compatibilityLevel=level) if level else _missing(40408)

    def _subject(self, method: str, subject: str, rest: list[str], body: dict[str, Any]) -> Reply:
        known = self.subjects.get(subject, [])
        if method == "GET":
            return self._version(subject, len(known)) if known else _missing(40401)
        text = body["schema"]
        if rest == ["versions"]:
            self._ids.setdefault(text, 100 + len(self._ids))
            if text not in known:
                self.subjects.setdefault(subject, []).append(text)
            return as_json(200, id=self._ids[text])
        return self._version(subject, known.index(text) + 1) if text in known else _missing(40403)

    def _version(self, subject: str, version: int) -> Reply:
        text = self.subjects[subject][version - 1]
        return as_json(200, subject=subject, id=self._ids[text], version=version, schema=text)


def _missing(code: int) -> Reply:
    return as_json(404, error_code=code, message="not found")


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 20

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else {}
            stand_in.authorizations.add(self.headers.get("Authorization"))
            if isinstance(self.connection, ssl.SSLSocket):
                stand_in.peers.append(self.connection.getpeercert())
            path = unquote(urlsplit(self.path).path)
            status, kind, content = stand_in.answer(self.command, path, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _any  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler


@contextmanager
def standing_in(
    interrupt: Interrupt = lambda _method, _path: None, tls: ssl.SSLContext | None = None
) -> Generator[StandIn]:
    """A stand-in at its `url` on 127.0.0.1, over TLS if a server's context is given."""
    stand_in = StandIn(interrupt)
    with web_server(_handler(stand_in), tls) as stand_in.url:
        yield stand_in
