"""The table that calibration tests fill, printed at the end of the session."""

import os
import platform
from pathlib import Path

import confluent_kafka
import pytest

from tests.calibration.table import Table

TABLE = pytest.StashKey[Table]()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    """What all tests of the session add their rows to."""
    return request.config.stash.setdefault(TABLE, Table(os.getloadavg()[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured, as docs/accuracy.md shows it."""
    if table := config.stash.get(TABLE, None):
        terminalreporter.section("calibration")
        for line in (*machine(table), "", *table.markdown()):
            terminalreporter.line(line)


def machine(table: Table) -> list[str]:
    """What it was measured on, and how busy that was."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    processor = f"{os.cpu_count()} x {models[0] if models else platform.machine()}"
    client = f"confluent-kafka {confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}"
    return [
        f"{processor}; {platform.system()} {platform.release()}; Python {platform.python_version()}; {client}.",
        f"Load average before the first of these: {table.load_before:.1f}; now: {os.getloadavg()[0]:.1f}.",
    ]
