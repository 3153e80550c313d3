"""Who asks for logins besides a broker: a token endpoint, and a gateway before a registry."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.harness.kafka.secured import Tokens
from tests.support.web_server import web_server

ISSUER, AUDIENCE = "https://issuer.example", "kafka"
Reply = tuple[int, str, bytes]


class Issuer:
    """Who issues tokens for OAUTHBEARER, and whose keys are in a file.

    Args:
        folder: where that file is written.
        client: the id and the secret that get a token.
        user: whom the tokens name.
    """

    def __init__(self, folder: Path, client: tuple[str, str], user: str) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._client, self._user = client, user
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": "one",
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        self.tokens = Tokens(folder / "keys.json", ISSUER, AUDIENCE)
        self.tokens.keys.write_text(json.dumps({"keys": [key]}))
        self.url = ""

    def token(self, lives_s: int = 600) -> str:
        """A token, signed."""
        now_s = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": self._user, "iat": now_s - 5, "exp": now_s + lives_s}
        text = ".".join(
            _text(json.dumps(part).encode())
            for part in ({"alg": "RS256", "typ": "JWT", "kid": "one"}, claims)
        )
        signed = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_text(signed)}"

    def answer(self, method: str, _path: str, headers: Mapping[str, str], _body: bytes) -> Reply:
        """What the endpoint answers: a token for the right client (client_credentials)."""
        if method != "POST" or headers.get("Authorization") != basic(*self._client):
            return 401, "application/json", json.dumps({"error": "invalid_client"}).encode()
        granted = {"access_token": self.token(), "token_type": "Bearer", "expires_in": 600}
        return 200, "application/json", json.dumps(granted).encode()


class Gateway:
    """Asks for an Authorization before it lets requests through to a registry.

    Args:
        target: the registry's address.
        allowed: the Authorization headers that are let through; empty for all.
    """

    def __init__(self, target: str, allowed: frozenset[str] = frozenset()) -> None:
        self._target = target
        self.allowed = allowed
        self.url = ""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the registry answers, or 401."""
        if self.allowed and headers.get("Authorization") not in self.allowed:
            return (
                401,
                "application/json",
                json.dumps({"error_code": 401, "message": "Unauthorized"}).encode(),
            )
        request = urllib.request.Request(self._target + path, body or None, method=method)  # noqa: S310 - http, ours
        for name in ("Content-Type", "Accept"):
            if value := headers.get(name):
                request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:  # noqa: S310 - http, ours
                return reply.status, reply.headers.get("Content-Type", ""), reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Content-Type", ""), error.read()


def _handler(answer: Callable[[str, str, Any, bytes], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, kind, content = answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler


@contextmanager
def served(
    what: Issuer | Gateway, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Generator[None]:
    """Serve it at its `url`, on 127.0.0.1, over TLS if a server's context is given."""
    with web_server(_handler(what.answer), tls, host) as what.url:
        yield


def basic(user: str, password: str) -> str:
    """The header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))
