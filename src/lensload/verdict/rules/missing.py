"""The reasons for parts of a run that are missing: one a part, by cause. Whoever notices a part missing gives the text."""

from collections.abc import Iterable, Iterator
from typing import Final

from lensload.verdict.evidence import Missing, MissingCode
from lensload.verdict.verdict import Reason, reason

ADVICE: Final[dict[MissingCode, str]] = {
    "process_died": "Look in the system's log for why: the kernel kills what takes too much memory.",
    "process_failed": "",  # its own error says what to do
    "worker_lost": "Check the worker's host and the network to it, and run again.",
    "worker_left": "Let every worker run until the end.",
    "messages_lost": "Check the network between the workers and the master, and run again.",
    "drain_timeout": "Raise --drain-timeout, or lower the rate; if the process was stopped or hangs, find out why.",
    "drain_given_up": "Let the drain come to its end: interrupt a run once only.",
}


def reasons(missing: Iterable[Missing]) -> Iterator[Reason]:
    """A reason that makes the run invalid for each missing part."""
    for code, text in missing:
        yield reason(code, "invalid", f"{text.rstrip('.')}.", ADVICE[code])
