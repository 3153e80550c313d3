"""The table of truths beside what was reported."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

ROUNDS = int(os.environ.get("CALIBRATION_ROUNDS", "1"))
"""How often what varies from try to try is tried."""

HEADS = ("what was done", "truth", "reported", "difference", "allowed")


@dataclass
class Table:
    """Rows of text, in the order in which tests added them.

    Attributes:
        load_before: the machine's load average before anything was measured.
    """

    load_before: float
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str, str]])

    def near(self, what: str, truth: float, reported: float, within: float, unit: str) -> None:
        """Add a row of two figures, and fail unless they are as near as allowed."""
        off = reported - truth
        digits = 0 if unit == "events" else 3 if within < 0.1 else 2
        self.rows.append(
            (
                what,
                f"{truth:,.{digits}f} {unit}",
                f"{reported:,.{digits}f} {unit}",
                f"{off:+,.{digits}f} {unit}" + (f" ({100 * off / truth:+.2f} %)" if truth else ""),
                f"{within:,.{digits}f} {unit}",
            )
        )
        assert abs(off) <= within, self.rows[-1]

    def exact(self, what: str, truth: int, reported: int) -> None:
        """Add a row of two counts, and fail unless they are the same."""
        self.rows.append((what, f"{truth:,}", f"{reported:,}", f"{reported - truth:+,}", "none"))
        assert reported == truth, self.rows[-1]

    def beside(self, what: str, truth: str, reported: str, difference: str = "", allowed: str = "") -> None:
        """Add a row of words."""
        self.rows.append((what, truth, reported, difference, allowed))

    def markdown(self) -> Iterator[str]:
        """Line by line."""
        yield f"| {' | '.join(HEADS)} |"
        yield f"|{'---|' * len(HEADS)}"
        for row in self.rows:
            yield f"| {' | '.join(row)} |"
