"""The live page as a script uses it."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.support.locusts import wait_until


class Live:
    """The page's JSON, over plain HTTP."""

    def __init__(self, port: int) -> None:
        self.page = f"http://127.0.0.1:{port}/lensload/"

    def state(self) -> dict[str, Any]:
        """What the page shows, its whole course included; nothing while nobody answers."""
        try:
            found: dict[str, Any] = json.loads(self.get("api/state"))
        except OSError:
            return {"phase": ""}
        return found

    def get(self, path: str) -> str:
        """What is at an address."""
        with urllib.request.urlopen(self.page + path, timeout=60) as answer:  # noqa: S310 - our own address
            return answer.read().decode()

    def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        """The status and the answer to what is sent there as JSON."""
        sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = urllib.request.Request(self.page + "api/" + path, json.dumps(body).encode(), sent)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def until(self, phase: str) -> dict[str, Any]:
        """The state once the run is in a phase."""
        found: dict[str, Any] = wait_until(lambda: (now := self.state())["phase"] == phase and now)
        return found
