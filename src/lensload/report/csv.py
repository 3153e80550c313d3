"""The course of runs as CSV, in rows as `series` of the run file has them: one a second, longer ones of a long run."""

import csv
import io
from collections.abc import Sequence

from lensload.metrics.stages import STAGES
from lensload.results.run import Run

COLUMNS = ("run", "at_s", "phase", "target_per_s", "produced", "acked", "failed", "observed", "queue")


def of_runs(runs: Sequence[tuple[str, Run]]) -> str:
    """All runs' rows one after another, with the name of each; empty cells where nothing was measured (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    latencies = [(stage, name) for stage in STAGES for name in ("p50", "p99")]
    writer.writerow([*COLUMNS, *(f"{stage}_{name}_us" for stage, name in latencies)])
    for run_name, run in runs:
        for row in run["series"]:
            found = [row["latency_us"].get(stage, {}).get(name) for stage, name in latencies]
            counts = [dict(row)[column] for column in COLUMNS[1:]]
            writer.writerow([run_name, *counts, *("" if value is None else value for value in found)])
    return text.getvalue()
