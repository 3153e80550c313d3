"""One run of a capacity search: `lensload bench` as from the command line, and what its run file says."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lensload.capacity.search import Answer
from lensload.errors import ClusterError, InvalidRunError, LensloadError, UsageError
from lensload.processes import interpreter
from lensload.results import run_file
from lensload.results.run import Run, total
from lensload.verdict.slo import stand
from lensload.verdict.thresholds import DEFAULTS, Thresholds

_END_S = 90.0  # for a run that was asked to stop: its drain, and the end of its processes


@dataclass(frozen=True, slots=True)
class Trial:
    """A run of the search.

    Attributes:
        rate_per_s: what was asked for.
        answer: what it says.
        because: why, in one line; "" where the objectives held.
        run: its run file.
        file: where that is.
    """

    rate_per_s: float
    answer: Answer
    because: str
    run: Run
    file: Path


def bench(
    arguments: Sequence[str], file: Path, rate_per_s: float, thresholds: Thresholds = DEFAULTS
) -> Trial:
    """Run `lensload bench` at a rate; Ctrl-C reaches it once, and it then drains and writes its file.

    Args:
        arguments: of the command, without the rate and the run file.
        file: where the run file goes.
        rate_per_s: the rate.
        thresholds: what its verdict went by.

    Raises:
        KeyboardInterrupt: somebody stopped it; `file` holds what was measured, if anything was.
        LensloadError: it could not run (its own words are on standard error), or says nothing that can be judged.
    """
    file.unlink(missing_ok=True)
    command = interpreter.command("lensload", "bench", *arguments)
    command += ["--rate", f"{rate_per_s:.15g}", "--run-file", str(file)]
    # A process group of its own: a terminal's Ctrl-C would reach it beside ours, and two mean "do not drain".
    with subprocess.Popen(  # noqa: S603 - our own
        command, env=interpreter.environ(), stdout=subprocess.DEVNULL, process_group=0
    ) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            _stop(process)
            raise
    if not file.exists():
        raise _no_run(code)
    run = run_file.read(file)
    answer, because = judged(run, thresholds)
    return Trial(rate_per_s, answer, because, run, file)


def judged(run: Run, thresholds: Thresholds = DEFAULTS) -> tuple[Answer, str]:
    """What a run says of the cluster at its rate, and why.

    A full queue is the cluster's answer, although it makes the run invalid: what it would not take at this rate it
    held back. A late or thin schedule without a full queue is the generator's.

    Raises:
        InvalidRunError: it says nothing of either.
    """
    if run["verdict"] == "pass":
        return Answer.HELD, ""
    if run["totals"].get("queue_full", 0) > thresholds.max_queue_full:
        return Answer.MISSED, _why(run)
    if run["verdict"] == "invalid":
        if _is_late(run, thresholds):
            return Answer.GENERATOR, _why(run)
        raise InvalidRunError(
            "A run of the search is invalid: " + " ".join(run["reasons"]),
            "Mend that, and search again; until then nothing is known of the capacity.",
        )
    missed = [slo for slo in run["slos"] if not slo["held"]]
    if missed and all(slo["figure"] is None for slo in missed):
        raise InvalidRunError(
            f"'{missed[0]['expression']}' cannot be judged at this rate: {missed[0]['reason']}.",
            "Give a longer --step-duration, a higher --from, or a lower percentile.",
        )
    return Answer.MISSED, _why(run)


def _is_late(run: Run, thresholds: Thresholds) -> bool:
    due = run["load"]["target_per_s"] * run["measured_s"]
    lag = run["latency_us"]["schedule_lag"]["all"]
    lag_us = next((lag[name] for name in ("p99", "p90", "p50") if lag.get(name) is not None), 0.0)
    thin = total(run, "produced") < due * thresholds.min_achieved
    return not run["cut_short"] and (thin or lag_us > thresholds.max_schedule_lag_s * 1e6)


def _why(run: Run) -> str:
    """The first objective that was missed, or the gravest reason, in one sentence."""
    missed = [slo for slo in run["slos"] if not slo["held"]]
    if run["verdict"] == "fail" and missed:
        return f"{missed[0]['expression']}: {stand(missed[0])}"
    return run["reasons"][0].partition(". ")[0] if run["reasons"] else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(_END_S)
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _no_run(code: int) -> LensloadError:
    kinds = {2: UsageError, 4: ClusterError}
    kind = kinds.get(code, InvalidRunError)
    return kind(
        "A run of the search came to nothing; what it said stands above.", "Mend that, and search again."
    )
