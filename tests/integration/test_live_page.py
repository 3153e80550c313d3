"""The live page as people use it: in a real browser, with Locust and with bench, and as scripts use it, by its JSON."""

import http.client
import json
import re
import signal
import ssl
import subprocess
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from lensload.results import run_file
from tests.harness.process import accepts, free_port
from tests.support.certificates import Authority
from tests.support.live_page import Live
from tests.support.locusts import PATIENCE_S, Bench, Locust, WebUI, child_pids, wait_until
from tests.support.runs import a_run

SMALL = ("--warmup", "500ms", "--audience-size", "500", "--catalogue-size", "200")
SAYS = {"pass": "Passed", "fail": "Failed", "invalid": "Invalid"}
FREE = {"LENSLOAD_AUDIENCE_SIZE": "500", "LENSLOAD_CATALOGUE_SIZE": "200"}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if it breaks its own policy or throws."""
    context = browser.new_context(accept_downloads=True)
    shown = context.new_page()
    shown.set_default_timeout(PATIENCE_S * 1000)
    errors: list[str] = []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.on("console", lambda message: errors.append(message.text) if "Policy" in message.text else None)
    yield shown
    context.close()
    assert errors == []


def test_from_the_form_to_a_comparison(page: Page, tmp_path: Path) -> None:
    """Somebody starts a run, is told what is wrong, steers it, reloads, stops it, reads its verdict, compares it."""
    expect.set_options(timeout=PATIENCE_S * 1000)
    port = free_port()
    live = Live(port)
    run_file.write(tmp_path / "before.json", a_run(median_us=4_000, seed=1))
    run_file.write(tmp_path / "after.json", a_run(median_us=9_000, seed=2))
    with Locust(tmp_path, *SMALL, "--web-port", str(port)) as locust:
        wait_until(lambda: accepts(port))  # Locust listens a moment after it has said where
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_role("link", name="lensload").click()
        start_with_a_slip(page, live)
        turn_the_dial(page, live)
        reload_in_the_middle(page, live)
        page.get_by_role("button", name="Stop the run").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The run is over")
        run = downloaded(page)
        expect(page.locator("#verdict")).to_have_text(SAYS[run["verdict"]])
        assert run == locust.run()
        assert [change["rate_per_s"] for change in run["rate_changes"]] == [300, 600]
        assert {row["target_per_s"] for row in run["series"]} >= {300, 600}
        run_again(page, live)
        compare(page)
    wait_until(lambda: not child_pids(tmp_path))


def start_with_a_slip(page: Page, live: Live) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("No run yet")
    all_of_it = "node => node.scrollWidth <= node.clientWidth && node.scrollHeight <= node.clientHeight"
    assert page.locator("#field-topics").evaluate(all_of_it), "its value is cut off"
    page.get_by_text("Objectives and thresholds").click()
    page.locator("#field-rate").fill("300")
    page.locator("#field-slo").fill("ack.p50 < 50")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#field-slo-error")).to_contain_text("ack.p50 is a time")
    assert live.state()["phase"] == "idle"
    page.locator("#field-slo").fill("ack.p50 < 60s")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Measuring")
    expect(page.locator("#steering")).to_contain_text("The dial steers: 300 events/s")


def turn_the_dial(page: Page, live: Live) -> None:
    wait_until(lambda: live.state()["target_per_s"] == 300)
    page.locator("#rate").evaluate("node => node.removeAttribute('min')")  # else the browser itself refuses
    page.locator("#rate").fill("-5")
    page.get_by_role("button", name="Set").click()
    expect(page.locator("#rate-error")).to_contain_text("from 0 to")
    page.locator("#rate").fill("600")
    page.get_by_role("button", name="Set").click()
    expect(page.locator("#steering")).to_contain_text("The dial steers: 600 events/s")
    wait_until(lambda: live.state()["target_per_s"] == 600)


def reload_in_the_middle(page: Page, live: Live) -> None:
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Measuring")
    expect(page.locator("#verdict")).to_have_text(
        re.compile("Good so far|Would be invalid")
    )  # on a busy machine
    expect(page.locator("#load-chart path.k1")).to_be_visible()
    expect(page.locator("#topics tbody tr")).to_have_count(6)
    wait_until(lambda: live.state()["total"]["observed"] > 500)


def downloaded(page: Page) -> dict[str, Any]:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download run.json").click()
    run: dict[str, Any] = json.loads(download.value.path().read_text())
    return run


def run_again(page: Page, live: Live) -> None:
    page.get_by_role("button", name="Start").click()  # the form remembers the rate and the objective
    live.until("measuring")
    assert live.state()["steering"]["dial_per_s"] == 300
    wait_until(lambda: live.state()["total"]["observed"] > 100)
    assert live.post("stop", {})[0] == 202
    expect(page.locator("#runs-table")).to_contain_text("run-2.json")
    assert "ack.p50 &lt; 60s" in live.get("runs/run-2.json/report")


def compare(page: Page) -> None:
    for name in ("before.json", "after.json"):
        page.get_by_label(name).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#sides")).to_contain_text("Base: before.json. New: after.json.")
    expect(page.locator("#outcome")).to_have_text("Regression")
    expect(page.locator("#changes")).to_contain_text("end_to_end.p99")
    expect(page.locator("body")).not_to_contain_text("/before.json")
    page.goto(page.url.split("?")[0] + "?base=before.json&new=run.json")  # made up on another machine
    expect(page.locator("#outcome")).to_have_text("No comparison")
    expect(page.locator("#error")).not_to_contain_text("--")
    page.get_by_role("link", name="Compare them all the same").click()
    expect(page.locator("#changes")).to_contain_text("end_to_end.p50")
    page.goto(page.url.split("?")[0] + "?base=run.json&new=run.json")
    expect(page.locator("#outcome")).to_have_text("No comparison")
    expect(page.get_by_role("link", name="Compare them all the same")).to_be_hidden()


def test_a_killed_worker_shows_and_locusts_own_form_refuses_what_it_would_ignore(
    page: Page, tmp_path: Path
) -> None:
    """With two workers the dial is shared; the page marks the one that is killed, and says that the run would be invalid."""
    expect.set_options(timeout=PATIENCE_S * 1000)
    web, bind = free_port(), str(free_port())
    live, ui = Live(web), WebUI(web)
    master = (
        "--master",
        "--master-bind-host",
        "127.0.0.1",
        "--master-bind-port",
        bind,
        "--web-port",
        str(web),
    )
    with Locust(tmp_path, *SMALL, *master, name="master"):
        wait_until(lambda: accepts(web))  # Locust listens a moment after it has said where
        code, refused = live.post("start", {"values": {"rate": "400"}})
        assert (code, "No worker" in refused["error"]["message"]) == (502, True)
        for number, form in (
            (0, {"host": "staging:9092"}),
            (1, {"profile": "spike:3"}),
            (2, {"slo": "ack.p99"}),
        ):
            assert not ui.swarm(1, **form)["success"], number
        workers = [
            Locust(tmp_path, "--worker", "--master-port", bind, name=f"worker{number}") for number in range(2)
        ]
        with workers[0], workers[1]:
            wait_until(lambda: ui.stats()["workers"] and len(ui.stats()["workers"]) == 2)
            assert live.post("start", {"values": {"rate": "400", "users": "4"}})[0] == 202
            live.until("measuring")
            assert not ui.swarm(4, user_rate="7")["success"]
            assert live.post("rate", {"rate_per_s": 500})[0] == 202
            wait_until(lambda: [worker["target_per_s"] for worker in live.state()["workers"]] == [250, 250])
            page.goto(live.page)
            expect(page.locator("#workers tbody")).to_contain_text("reports")
            workers[1].process.kill()
            expect(page.locator("#workers td.bad", has_text="lost")).to_have_count(1)
            expect(page.locator("#verdict")).to_have_text("Would be invalid")
            wait_until(lambda: "lost" in [worker["state"] for worker in live.state()["workers"]])
            wait_until(lambda: (live.state()["verdict"] or {}).get("verdict") == "invalid")
            wait_until(lambda: live.state()["target_per_s"] == 500)  # the other has it all
            assert live.post("stop", {})[0] == 202
            over = live.until("over")
            expect(page.locator("#verdict")).to_have_text("Invalid")
    assert over["verdict"]["verdict"] == "invalid"
    assert "worker_lost" in [reason["code"] for reason in over["verdict"]["reasons"]]


def test_the_command_of_locust_has_our_options_and_refuses_what_it_would_ignore(tmp_path: Path) -> None:
    """Help shows our options in groups; a host that is not the cluster, and our profile as Locust's label, end with 2."""
    lensload = [str(Path(sysconfig.get_path("scripts")) / "lensload"), "locust"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*lensload, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    shown = run("--help").stdout
    assert "lensload: Load" in shown
    assert "--rate-profile" in shown
    label, host = run("--profile", "spike:3"), run("--host", "staging:9092", "--web-port", str(free_port()))
    assert (label.returncode, "--rate-profile spike:3" in label.stderr) == (2, True)
    assert (host.returncode, "--bootstrap-servers" in host.stderr) == (2, True)


def test_bench_keeps_its_page_until_it_is_interrupted(tmp_path: Path) -> None:
    """A script watches and steers a bench run; what is wrong, or comes from another site, is refused and says why."""
    port = free_port()
    live = Live(port)
    arguments = ("--web", str(port), "--rate", "300", "--duration", "5m", "--warmup", "500ms")
    with Bench(tmp_path, *arguments, environ=FREE) as bench:
        live.until("measuring")
        for body in (
            {},
            {"rate_per_s": -1},
            {"rate_per_s": "many"},
            {"rate_per_s": 1e12},
            {"rate_per_s": True},
        ):
            assert live.post("rate", body)[0] == 400, body
        rate = {"rate_per_s": 500}
        assert live.post("rate", rate, Origin="http://elsewhere.example")[0] == 403
        assert live.post("rate", rate, Origin="null")[0] == 403
        assert live.post("rate", rate, Content_Type="text/plain")[0] == 415
        assert live.post("start", {"values": {}})[0] == 400
        assert live.post("rate", rate, Origin=f"http://127.0.0.1:{port}") == (202, rate)
        wait_until(lambda: [change["took_s"] for change in live.state()["rate_changes"]] not in ([], [None]))
        assert live.post("stop", {})[0] == 202
        over = live.until("over")
        assert over["verdict"]["final"]
        assert "cut_short" in [reason["code"] for reason in over["verdict"]["reasons"]]
        (change,) = over["rate_changes"]
        assert (change["rate_per_s"], change["took_s"] is not None) == (500, True)
        assert live.post("rate", rate)[0] == 409
        code, refused = live.post("start", {"values": {"rate": "fast", "seed": "-1"}})
        assert (code, sorted(refused["error"]["fields"])) == (400, ["rate", "seed"])
        assert '"verdict"' in live.get("runs/run.json")
        for name in ("..%2fpyproject.toml", "other.json"):
            with pytest.raises(urllib.error.HTTPError, match="40"):
                live.get(f"runs/{name}")
        bench.press_ctrl_c()
        assert bench.ended() == {"pass": 0, "fail": 1, "invalid": 3}[over["verdict"]["verdict"]]
    assert re.search(r"http://127\.0\.0\.1:\d+/lensload/", bench.log)
    assert "Traceback" not in bench.log


def test_a_bench_with_a_page_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """SIGTERM, as a container gets it, drains the run and ends the page: the run file is there, and nothing waits for a person."""
    port = free_port()
    with Bench(tmp_path, "--web", str(port), "--rate", "300", "--duration", "5m", environ=FREE) as bench:
        Live(port).until("measuring")
        bench.process.send_signal(signal.SIGTERM)
        assert bench.ended() == 3, bench.log
        assert bench.run()["cut_short"]


LOGIN = (
    "from flask import redirect, request\n"
    "from flask_login import UserMixin, login_user\n"
    "from locust import events\n"
    "from lensload.locust import OrdinaryAudience\n"
    "class Person(UserMixin):\n"
    "    def get_id(self):\n"
    "        return 'somebody'\n"
    "@events.init.add_listener\n"
    "def with_login(environment, **_):\n"
    "    ui = environment.web_ui\n"
    "    ui.login_manager.user_loader(lambda name: Person())\n"
    "    ui.app.secret_key = 'of this test'\n"
    "    ui.auth_args = {'username_password_callback': '/let-me-in'}\n"
    "    @ui.app.route('/let-me-in', methods=['POST'])\n"
    "    def let_in():\n"
    "        login_user(Person())\n"
    "        return redirect('/')\n"
)


def test_the_clients_part_is_shown_once_it_is_known(page: Page, tmp_path: Path) -> None:
    """Before librdkafka's first report the page shows no figure of the client, and says that the broker's figure includes it."""

    def unreported(route: Route) -> None:
        answer = route.fetch()
        state = answer.json()
        if state["breakdown"]:
            state["breakdown"]["client_us"] = None
        route.fulfill(response=answer, json=state)

    expect.set_options(timeout=PATIENCE_S * 1000)
    port = free_port()
    arguments = ("--web", str(port), "--rate", "300", "--duration", "5m", "--warmup", "500ms")
    with Bench(tmp_path, *arguments, environ=FREE):
        Live(port).until("measuring")
        page.route("**/api/state*", unreported)
        page.goto(f"http://127.0.0.1:{port}/lensload/")
        legend = page.locator("#breakdown-legend")
        expect(legend).to_contain_text("client and broker: ")
        expect(legend).not_to_contain_text("queue")
        page.unroute("**/api/state*")
        expect(legend).to_contain_text("client (queue and linger): ")


def test_locusts_login_and_tls_are_those_of_the_page(tmp_path: Path) -> None:
    """Without the login nothing is shown and nothing steered; with it errors keep their codes; all of it by TLS alone."""
    port, authority = free_port(), Authority(tmp_path)
    certificate, key = authority.issue("web")
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    arguments = (*SMALL, "--web-port", str(port), "--web-login", *tls)
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority.file))
    stranger = urllib.request.build_opener(trust, NoRedirect())
    person = urllib.request.build_opener(trust, urllib.request.HTTPCookieProcessor())
    site = f"https://127.0.0.1:{port}"

    def status(who: urllib.request.OpenerDirector, path: str, body: object = None, **headers: str) -> int:
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{site}{path}", data, sent)  # noqa: S310 - our own address
        try:
            with who.open(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    with Locust(tmp_path, *arguments, locustfile=LOGIN) as locust:
        wait_until(lambda: accepts(port))
        rate, api = {"rate_per_s": 100}, "/lensload/api"
        for path in ("/lensload/", "/lensload/live.js", "/lensload/runs/run.json"):
            assert status(stranger, path) == 302, path
        for path, body in (("state", None), ("form", None), ("rate", rate), ("start", {}), ("stop", {})):
            assert status(stranger, f"{api}/{path}", body) == 401, path
        assert status(person, "/let-me-in", {}) == 200
        assert status(person, "/lensload/") == status(person, f"{api}/state") == 200
        assert status(person, f"{api}/rate", rate) == 409, "no run is on"
        assert status(person, f"{api}/rate", {"rate_per_s": -1}) == 400
        assert status(person, f"{api}/rate", rate, Origin=site) == 409
        assert status(person, f"{api}/rate", rate, Origin="https://elsewhere.example") == 403
        assert f"Live page: {site}/lensload/" in locust.log
        with pytest.raises((OSError, http.client.HTTPException)):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/lensload/", timeout=10)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirection to who asked."""

    def redirect_request(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Follow none."""
