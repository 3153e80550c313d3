"""The table that calibration tests fill, printed at the end of the session."""

import pytest

from tests.calibration.table import Table

TABLE = pytest.StashKey[Table]()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    """What all tests of the session add their rows to."""
    return request.config.stash.setdefault(TABLE, Table())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured, as docs/accuracy.md shows it."""
    if table := config.stash.get(TABLE, None):
        terminalreporter.section("calibration")
        for line in table.markdown():
            terminalreporter.line(line)
