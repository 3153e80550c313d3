"""One run of a capacity search, and what its run file says of the cluster."""

from dataclasses import dataclass
from pathlib import Path

from lensload.capacity.bench_process import Command, run_to_end
from lensload.capacity.search import Answer
from lensload.errors import ClusterError, InvalidRunError, LensloadError, UsageError
from lensload.results import run_file
from lensload.results.run import Run
from lensload.verdict.slo import stand
from lensload.verdict.verdict import EXIT_CODES


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


def bench(command: Command, file: Path, rate_per_s: float) -> Trial:
    """Make a run; Ctrl-C and SIGTERM are passed on to it, and it then drains and writes its file.

    Args:
        command: of the run, and its environment.
        file: where the run writes its file.
        rate_per_s: the rate that it was given.

    Raises:
        KeyboardInterrupt: somebody stopped it; `file` holds what was measured, if anything was.
        LensloadError: it could not run (its own words are on standard error), or has no figure to judge by.
    """
    file.unlink(missing_ok=True)
    code, stopped = run_to_end(command)
    if stopped:
        raise KeyboardInterrupt
    if code not in EXIT_CODES.values() or not file.exists():
        raise _failed(code)
    run = run_file.read(file)
    answer, because = judged(run)
    return Trial(rate_per_s, answer, because, run, file)


def judged(run: Run) -> tuple[Answer, str]:
    """What a run says of the cluster at its rate, and why.

    An invalid run is the cluster's answer where the cluster held the load back (a full queue, no delivery reports),
    and the generator's where the load was produced or observed too slowly: `limited_by` says which.

    Raises:
        InvalidRunError: too few events carry the percentile of an objective.
    """
    if run["verdict"] == "pass":
        return Answer.HELD, ""
    if run["verdict"] == "invalid":
        limits = {"cluster": Answer.MISSED, "generator": Answer.GENERATOR, None: Answer.INVALID}
        return limits[run["limited_by"]], _why(run)
    missed = [slo for slo in run["slos"] if not slo["held"]]
    if missed and all(slo["figure"] is None for slo in missed):
        raise InvalidRunError(
            f"'{missed[0]['expression']}' cannot be judged at this rate: {missed[0]['reason']}.",
            "Give a longer --step-duration, a higher --start-rate, or a lower percentile.",
        )
    return Answer.MISSED, _why(run)


def _why(run: Run) -> str:
    """The first objective that was missed, or the gravest reason, in one sentence."""
    missed = [slo for slo in run["slos"] if not slo["held"]]
    if run["verdict"] == "fail" and missed:
        return f"{missed[0]['expression']}: {stand(missed[0])}"
    return run["reasons"][0]["text"].rstrip(".") if run["reasons"] else ""


def _failed(code: int) -> LensloadError:
    kinds = {2: UsageError, 4: ClusterError}
    kind = kinds.get(code, InvalidRunError)
    return kind("A run of the search failed; its output is above.", "Fix the cause, and search again.")
