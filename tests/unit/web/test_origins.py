"""Which requests the live page answers."""

import socket
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lensload.config.model import RunConfig
from lensload.web.live import Live
from lensload.web.origins import Origins
from lensload.web.pages import blueprint
from lensload.web.runs import Runs
from lensload.web.server import BenchControl

READ, CHANGE = "/lensload/api/state", "/lensload/api/rate"


def client(folder: Path, *names: str, any_name: bool = False) -> FlaskClient:
    app, live = Flask(__name__), Live()
    origins = Origins(names, any_name=any_name)
    control = BenchControl(RunConfig(), live)
    app.register_blueprint(blueprint(live, control, Runs(folder), prefix="/lensload", origins=origins))
    return app.test_client()


def status(page: FlaskClient, path: str, host: str, scheme: str = "http", **headers: str) -> int:
    sent: dict[str, Any] = {"Host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
    method = page.post if path == CHANGE else page.get
    body = {"json": {"rate_per_s": 1}} if path == CHANGE else {}
    return method(path, headers=sent, base_url=f"{scheme}://127.0.0.1", **body).status_code


NO_RUN = 409  # what a change is answered that passed


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8089", "[::1]:8089", "192.168.1.7", "localhost:8090", "a.localhost", "master:8089",
     socket.gethostname(), "LOAD.example.com", "load.example.com:8443"],
)  # fmt: skip
def test_addresses_own_names_and_allowed_names_are_answered(tmp_path: Path, host: str) -> None:
    """Somebody reaches the page by an address, in a container network, or by a name that was allowed, and can steer."""
    page = client(tmp_path, "load.example.com")
    for path in ("/lensload/", READ):
        assert status(page, path, host) == 200
    assert status(page, CHANGE, host, Origin=f"http://{host}") == NO_RUN
    assert status(page, CHANGE, host) == NO_RUN, "a script sends no origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8089", "127.0.0.1.evil.example", "[evil.example]"]
)
def test_a_name_that_may_be_rebound_is_refused(tmp_path: Path, host: str) -> None:
    """A page of another site whose DNS suddenly points here reads nothing and steers nothing, though it is one origin."""
    page = client(tmp_path, "load.example.com")
    for path in ("/lensload/", "/lensload/live.js", "/lensload/runs/run.json", READ, CHANGE):
        assert status(page, path, host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin") == 403, path


def test_with_tls_or_a_login_any_name_is_answered(tmp_path: Path) -> None:
    """A rebound name has neither our certificate nor the cookie of our login."""
    assert status(client(tmp_path), READ, "load.example.com", scheme="https") == 200
    assert status(client(tmp_path, any_name=True), READ, "load.example.com") == 200
    assert status(client(tmp_path), READ, "load.example.com") == 403


def test_other_origins_are_refused_but_a_proxy_that_was_named(tmp_path: Path) -> None:
    """Behind a proxy the host is often another than the browser's; what other sites and frames send is refused."""
    page, behind = client(tmp_path), client(tmp_path, "load.example.com")
    at = "127.0.0.1:8089"
    for origin in ("https://load.example.com", "null", "http://127.0.0.1:9999", "https://evil.example"):
        assert status(page, CHANGE, at, Origin=origin) == 403, origin
        assert status(page, READ, at, Origin=origin) == 403, origin
    assert status(behind, CHANGE, at, Origin="https://load.example.com") == NO_RUN
    assert status(behind, CHANGE, at, Origin="https://evil.example") == 403
    assert status(page, CHANGE, at, Sec_Fetch_Site="cross-site") == 403
    assert status(page, READ, at, Sec_Fetch_Site="same-site") == 403
    assert status(page, "/lensload/", at, Sec_Fetch_Site="cross-site") == 200, "a link leads to it"


def test_a_change_must_be_json(tmp_path: Path) -> None:
    """A form of another site can be sent without asking first; JSON cannot."""
    page = client(tmp_path)
    assert page.post(CHANGE, data="rate_per_s=1", base_url="http://localhost").status_code == 415
    assert (
        page.post(CHANGE, data="{}", content_type="text/plain", base_url="http://localhost").status_code
        == 415
    )


def test_who_is_refused_is_told_the_flag(tmp_path: Path) -> None:
    """A person who opens the page by a name of their own reads how to allow it."""
    answer = client(tmp_path).get("/lensload/", base_url="http://load.example.com")
    assert "--web-allowed-hosts load.example.com" in answer.get_data(as_text=True)
