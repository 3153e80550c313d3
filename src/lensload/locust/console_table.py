"""What Locust prints of its statistics: one table of a person's worth of lines, in place of its two of all rows.

Headless, a run is shown by its own live view and result, which have these figures too: a table is printed only for
--print-stats. Beside other users than ours, Locust's tables stay as they are.
"""

import logging
from collections.abc import Callable

from locust import stats as locust_stats
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

from lensload.config.model import RunConfig
from lensload.locust.audience import Audience
from lensload.locust.stats_table import ALL_TOPICS, COUNTED_STAGE, SHOWN_STAGES
from lensload.report.text_table import aligned
from lensload.report.units import latency, per_s

_HEADS = ("type", "name", "events", "failed", "p50", "p90", "p99", "max", "events/s")
_UNTRUE = "No run time limit set"  # Locust knows nothing of --duration

_console = logging.getLogger("locust.stats_logger")


def install(environment: Environment, config: RunConfig) -> None:
    """Print for this environment what a person wants to read, if its users are ours alone."""
    parsed = environment.parsed_options
    if parsed is None or not all(issubclass(kind, Audience) for kind in environment.user_classes):
        return
    if config.load.duration_s:
        logging.getLogger("locust.main").addFilter(lambda record: not record.getMessage().startswith(_UNTRUE))
    is_quiet = parsed.headless and not parsed.print_stats
    parsed.only_summary = parsed.only_summary or is_quiet

    def print_table(stats: RequestStats, current: bool = True) -> None:  # noqa: ARG001 - Locust's signature
        if not is_quiet:
            for line in lines(stats):
                _console.info(line)

    errors: Callable[[RequestStats], None] = locust_stats.print_error_report
    locust_stats.print_stats = print_table
    locust_stats.print_percentile_stats = lambda *_: None
    locust_stats.print_error_report = (lambda *_: None) if is_quiet else errors


def lines(stats: RequestStats) -> list[str]:
    """All topics together by stage, then what was acknowledged by topic; nothing where there is nothing yet."""
    whole = [(ALL_TOPICS, stage) for stage in SHOWN_STAGES if (ALL_TOPICS, stage) in stats.entries]
    topics = sorted(key for key in stats.entries if key[0] != ALL_TOPICS and key[1] == COUNTED_STAGE)
    if not whole:
        return []
    rows = [_row(stats.entries[key]) for key in (*whole, *topics)]
    return ["", *aligned([_HEADS, *rows], "<<>"), ""]


def _row(entry: StatsEntry) -> tuple[str, ...]:
    known = entry.num_requests > entry.num_none_requests
    times = [entry.get_response_time_percentile(share) if known else None for share in (0.5, 0.9, 0.99)]
    return (
        entry.method or "",
        entry.name,
        f"{entry.num_requests:,}",
        f"{entry.num_failures:,}",
        *(latency(None if time_ms is None else time_ms * 1e3) for time_ms in times),
        latency(entry.max_response_time * 1e3 if known else None),
        per_s(entry.total_rps),
    )
