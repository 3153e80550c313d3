"""Which requests the live page answers: none that a page of another site makes a person's browser send.

Such a page can ask from its own origin, or from a name of its own that its DNS suddenly points here (DNS rebinding),
which makes it one origin with ours to the browser. So a name must be known too. An IP address, localhost and a name
without a dot are in nobody's public DNS; with TLS or a login, a page under another name gets nowhere.
"""

import socket
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Request

FLAG: Final = "--web-allowed-hosts"

Refusal = tuple[HTTPStatus, str, str]
"""The status, what is wrong and what to do about it."""


class Origins:
    """The names that this server has.

    Args:
        names: further names that people reach it by: of a proxy before it, or in a DNS.
        any_name: another name is no danger, because a login protects every request.
    """

    def __init__(self, names: Iterable[str] = (), *, any_name: bool = False) -> None:
        self._names = {name.lower() for name in names}
        self._own = {socket.gethostname().lower(), *self._names}
        self._any_name = any_name

    def refusal(self, request: Request) -> Refusal | None:
        """Why a request is refused; None where it is not."""
        if not (self._any_name or request.is_secure or self._is_own(_hostname(request.host))):
            name = _hostname(request.host)
            return (
                HTTPStatus.FORBIDDEN,
                f"This server does not know the name {name!r}.",
                f"Use its IP address, or start it with {FLAG} {name}.",
            )
        changes = request.method not in ("GET", "HEAD", "OPTIONS")
        if self._is_foreign(request, changes=changes):
            origin = request.headers.get("Origin") or "another site"
            advice = f"If it is this page behind a proxy, start the server with {FLAG} and the proxy's name."
            return HTTPStatus.FORBIDDEN, f"Requests of {origin} are refused.", advice
        if changes and request.mimetype != "application/json":
            # No form of another site can send that.
            what = "A change is a POST with Content-Type: application/json."
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, what, ""
        return None

    def _is_own(self, name: str) -> bool:
        return "." not in name or name.endswith(".localhost") or name in self._own or _is_address(name)

    def _is_foreign(self, request: Request, *, changes: bool) -> bool:
        """Whether a page of another site asks; "null" is the origin of a sandboxed frame or a file: another site's too."""
        origin = request.headers.get("Origin")
        if origin is not None:
            return origin.partition("://")[2] != request.host and _hostname(origin) not in self._names
        site = request.headers.get("Sec-Fetch-Site")
        return site in ("cross-site", "same-site") and (changes or "/api/" in request.path)


def _hostname(place: str) -> str:
    """The name in an origin or in a Host header, without scheme and port."""
    try:
        return urlsplit(place if "//" in place else f"//{place}").hostname or ""
    except ValueError:  # brackets around what is no address
        return place


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
