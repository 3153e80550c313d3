"""The web UI as a person sees it: `locust` in the repository's root, in a browser."""

import html
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.process import accepts, free_port
from tests.support.locusts import REPOSITORY, Locust, WebUI, child_pids, wait_until

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1400,1700", "--virtual-time-budget=5000",
)  # fmt: skip
SHOWN = (
    "Acks",
    "Drain Timeout",
    "Rate Profile",
    "Seed",
    "Serializer",
    "Topics",
    "User Rate",
    "Verify Per S",
    "Warmup",
)
NEVER_SHOWN = ("Bootstrap Servers", "Client Config", "Registry Url", "Run File")


class Page:
    """What a browser shows at an address, again each time."""

    def __init__(self, chromium: str, port: int, folder: Path) -> None:
        self._chromium = chromium
        self._address = f"http://127.0.0.1:{port}/"
        self._folder = folder

    def text(self, name: str) -> str:
        """All text on the page; a picture of it is left in the test's folder."""
        # The profile is deleted at once: a browser's last processes may still write while the test's folder goes.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            picture = f"--screenshot={self._folder / name}.png"
            command = [
                self._chromium,
                *QUIET,
                f"--user-data-dir={profile}",
                picture,
                "--dump-dom",
                self._address,
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        body = re.sub(
            r"<(script|style)\b.*?</\1>", " ", done.stdout[done.stdout.index("<body") :], flags=re.DOTALL
        )
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", body)))


@pytest.fixture
def locust(tmp_path: Path) -> Iterator[tuple[Locust, int]]:
    port = free_port()
    small = ("--warmup", "500ms", "--audience-size", "500", "--catalogue-size", "200")
    place = ("--web-port", str(port), "--run-file", str(tmp_path / "run.json"))
    with Locust(tmp_path, *small, *place, locustfile=None) as running:
        running.says("Starting web interface at http://127.0.0.1:")
        wait_until(lambda: accepts(port))  # Locust listens a moment after it has said where
        yield running, port
    wait_until(lambda: not child_pids(REPOSITORY))


def test_a_person_starts_a_test_in_the_browser_and_sees_it_run(
    chromium: str, locust: tuple[Locust, int], tmp_path: Path
):
    """The form offers our options and asks for no host; the table shows each stage in fractions of a millisecond."""
    running, port = locust
    web = WebUI(port)
    page = Page(chromium, port, tmp_path)
    form = page.text("form")
    for name in SHOWN:
        assert f"{name} (" in form, name
    for name in NEVER_SHOWN:
        assert f"{name} (" not in form, name
    assert "Custom parameters" in form
    assert "has no host attribute" not in form
    assert "embedded-cluster" in form

    assert web.swarm(5, seed="3")["success"]
    for stage in ("ack", "encode", "end_to_end", "schedule_lag"):
        wait_until(lambda stage=stage: web.row(stage, "user-interactions"))
    encode = web.row("encode", "user-interactions")
    assert encode is not None
    for name in ("min_response_time", "median_response_time", "avg_response_time"):
        assert 0 < encode[name] < 1, name
    shown = page.text("running")
    assert re.search(r"(?i)status running", shown)
    found = re.search(r"encode user-interactions (\d+) 0 (0\.\d+) (0\.\d+) ([\d.]+) ([\d.]+) (0\.\d+)", shown)
    assert found, shown
    assert re.search(r"ack recommendation-responses \d+ 0 [\d.]+", shown)
    web.stop()
    assert "Traceback" not in running.log
    assert running.run()["verdict"] == "pass"
