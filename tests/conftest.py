"""Fixtures for every test: the real servers, started when first asked for, and names that never clash."""

import os
import shutil
import signal
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from tests.harness.artifacts import missing_tools
from tests.harness.kafka import Kafka
from tests.harness.kafka.cluster import Cluster
from tests.harness.process import Server
from tests.harness.proxy import Proxy
from tests.harness.registry import Registry

# In the background of a shell without job control SIGINT is ignored, and by all children too: Ctrl-C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Where Python is told to keep no compiled modules, each of a run's five processes would compile all of lensload anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shared machine's pauses are no failure. Each run of the tests makes other examples; `make fuzz` makes many at once.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("lensload", patient, max_examples=50)
settings.register_profile("many", patient, max_examples=1_000)
settings.load_profile("lensload")

NATIVE_FIXTURES = {"kafka", "own_kafka", "brokers", "registry"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RUNNING = pytest.StashKey[list[Server]]()
BROKERS = pytest.StashKey[tuple[Cluster, ExitStack]]()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """The session's real broker; a test that kills or freezes it takes `own_kafka` instead."""
    with Kafka() as server, _noted(request.config, server):
        yield server


@pytest.fixture
def own_kafka(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """A real broker of the test's own, to be ill-treated; it costs 3 s or so."""
    with Kafka() as server, _noted(request.config, server):
        yield server


@pytest.fixture
def brokers(request: pytest.FixtureRequest) -> Cluster:
    """Three brokers, whole whatever the test before did to them; one worker of a session runs all tests that ask for it."""
    stash = request.config.stash
    if BROKERS not in stash:
        with ExitStack() as stack:
            servers = stack.enter_context(Cluster())
            for node in servers.nodes.values():
                stack.enter_context(_noted(request.config, node))
            stash[BROKERS] = servers, stack.pop_all()
    servers, _ = stash[BROKERS]
    servers.heal()
    return servers


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the three brokers after the last test that asked for them: they cost as much as a test."""
    if BROKERS in item.config.stash and "brokers" not in getattr(nextitem, "fixturenames", ()):
        _, stack = item.config.stash[BROKERS]
        del item.config.stash[BROKERS]
        stack.close()


@pytest.fixture
def proxy(kafka: Kafka, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """A proxy of the test's own before the session's broker, to be delayed, held and dropped."""
    with Proxy(kafka.proxy_port, kafka.proxied_port) as server, _noted(request.config, server):
        yield server


@pytest.fixture(scope="session")
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    """The session's real Schema Registry."""
    with Registry() as server, _noted(request.config, server):
        yield server


@pytest.fixture(scope="session")
def chromium() -> str:
    """A browser's command; where there is none its tests are skipped, and in CI they fail."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        skip(f"needs {' or '.join(BROWSERS)} on the PATH")
    return found


@pytest.fixture(scope="session")
def curl_and_jq() -> None:
    """What the guide's commands need; where it is missing their tests are skipped, and in CI they fail."""
    if missing := [tool for tool in ("curl", "jq") if shutil.which(tool) is None]:
        skip(f"needs {' and '.join(missing)} on the PATH")


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and subjects that no other test has, on servers that all tests share."""
    return f"t{uuid.uuid4().hex[:12]}-"


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever LENSLOAD_* a person's shell exports, tests see none but their own; and their runs may be short."""
    for name in list(os.environ):
        if name.startswith("LENSLOAD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LENSLOAD_MIN_MEASURED", "0s")
    monkeypatch.setenv("LENSLOAD_MIN_EVENTS", "0")


@contextmanager
def _noted(config: pytest.Config, server: Server) -> Generator[None]:
    running = config.stash.setdefault(RUNNING, [])
    running.append(server)
    try:
        yield
    finally:
        running.remove(server)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as native whatever asks for a real server, and keep together what asks for three brokers: they start once."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if NATIVE_FIXTURES.intersection(names):
            item.add_marker("native")
        if "brokers" in names:
            item.add_marker(pytest.mark.xdist_group("brokers"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a native test where its tools are missing, in CI fail it; fail one that is not kept with its group.

    Each worker would make what a group shares, and pytest-xdist does not say so.
    """
    grouped = item.get_closest_marker("xdist_group") is not None
    if grouped and item.config.getoption("loadgroup", default=False) and "@" not in item.nodeid:
        pytest.fail(
            "pytest-xdist keeps no group together with this pytest: install what constraints.txt has."
        )
    if item.get_closest_marker("native") is None:
        return
    if missing := missing_tools():
        skip(f"needs {' and '.join(missing)} on the PATH for a real Kafka and registry")


def skip(reason: str) -> NoReturn:
    """Skip the test that needs what this machine lacks; in CI, where that must not be, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; in CI that is a failure", pytrace=False)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the servers' logs under a native test that failed."""
    report = yield
    if report.failed and item.get_closest_marker("native") is not None:
        for server in item.config.stash.get(RUNNING, []):
            report.sections.append((f"log of {server.name}", server.log_tail()))
    return report
