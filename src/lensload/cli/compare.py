"""`lensload compare`: whether later runs are worse than earlier ones, and how sure that is."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from lensload.atomic_file import check_writable
from lensload.cli.options import SHARE, Command, ReadBy, option_group, share
from lensload.errors import InvalidRunError, UsageError
from lensload.parse import nearest
from lensload.report import comparison_table, junit, markdown
from lensload.report.outputs import leave
from lensload.results import compare as comparing
from lensload.results import run_file
from lensload.results.comparability import NAMES, differences
from lensload.results.run import Run
from lensload.verdict.verdict import in_words

_DEFAULTS = ", ".join(f"{name}={100 * share:g}%" for name, share in comparing.DEFAULT_LIMITS.items())

Sides = tuple[dict[str, Run], dict[str, Run]]


def _limit(text: str) -> tuple[str, float]:
    name, separator, percent = text.partition("=")
    if not separator:
        raise ValueError(f"{text!r} is not FIGURE=PERCENT, such as 'end_to_end.p99=10%'.")
    return comparing.figure_of(name).name, share(percent)


def _confidence(text: str) -> float:
    level = share(text)
    if not 0.5 <= level < 1:
        raise ValueError(f"{text!r} is not from 50% to below 100%.")
    return level


def _difference(text: str) -> str:
    if text not in NAMES:
        raise ValueError(
            f"there is no difference {text!r}{nearest(text, NAMES)} There are {', '.join(NAMES)}."
        )
    return text


_runs = option_group("Runs")
_judging = option_group("Judging")
_allowed = option_group("What is compared all the same")
_files = option_group("Files to write")


@click.command(
    cls=Command,
    epilog="Two files need no flags: `lensload compare BASE NEW`. For several of each use:"
    " `lensload compare --base a.json --base b.json --new c.json --new d.json`. Give three or more of each if you"
    " can: a single run does not show by how much equal runs differ.",
)
@click.argument("two", nargs=-1, metavar="[BASE NEW]", type=Path)
@_runs("--base", multiple=True, metavar="FILE", type=Path, help="A run file of before. Repeatable.")
@_runs("--new", multiple=True, metavar="FILE", type=Path, help="A run file of now. Repeatable.")
@_judging(
    "--max-regression",
    "limits",
    type=ReadBy(_limit),
    multiple=True,
    metavar="FIGURE=PERCENT",
    help="Judge this figure, which may become worse by so much: 'end_to_end.p99=10%',"
    f" 'user-interactions.ack.p50=5%', 'achieved_per_s=1%'. Repeatable.  [default: {_DEFAULTS}]",
)
@_judging(
    "--confidence",
    type=ReadBy(_confidence),
    default="95%",
    metavar="PERCENT",
    help="Confidence of the whole comparison: if nothing has changed, this share of comparisons report neither a"
    " regression nor an improvement.",
)
@_judging(
    "--run-to-run",
    type=SHARE,
    default=f"{100 * comparing.RUN_TO_RUN:g}%",
    metavar="PERCENT",
    help="By how much like runs are expected to differ (a standard deviation): all that is known of it with one run on"
    " each side, and little once there are many.",
)
@_allowed(
    "--allow-different",
    type=ReadBy(_difference),
    multiple=True,
    metavar="NAME",
    help=f"Compare although this differs: {', '.join(NAMES)}. Repeatable.",
)
@_judging(
    "--fail-on-unknown",
    is_flag=True,
    help="End with exit code 1 too where these runs cannot tell: for gates.",
)
@_allowed("--allow-invalid", is_flag=True, help="Compare although a run says itself that it is invalid.")
@_files("--junit", metavar="FILE.xml", type=Path, help="JUnit XML, a test case a figure.")
@_files("--summary", metavar="FILE.md", type=Path, help="Markdown, fit for a job's summary page.")
@_files("--html", metavar="FILE.html", type=Path, help="HTML report of all runs, the comparison first.")
@_files("--json", metavar="FILE.json", type=Path, help=f'All of it as JSON, format "{comparing.FORMAT}".')
def compare(  # noqa: PLR0913 - one for each flag
    *,
    two: tuple[Path, ...],
    base: tuple[Path, ...],
    new: tuple[Path, ...],
    limits: tuple[tuple[str, float], ...],
    confidence: float,
    run_to_run: float,
    allow_different: tuple[str, ...],
    fail_on_unknown: bool,
    allow_invalid: bool,
    **files: Path | None,
) -> None:
    """Compare run files: regression, improvement, no difference, or cannot tell.

    A figure is a regression when its whole confidence interval is on the worse side and the change exceeds
    --max-regression. There is no difference when no value in the interval is worse by more than that. Otherwise these
    runs cannot tell, and the result estimates how many would. Exit codes: 0 no regression, 1 a regression (with
    --fail-on-unknown also cannot tell), 2 wrong usage or runs that cannot be compared, 3 a run is invalid.
    """
    views = {flag: path for flag, path in files.items() if path}
    for flag, path in views.items():
        check_writable(path, _VIEWS[flag][0], f"--{flag}")
    sides = _read(*_told_apart(two, base, new))
    remarks = [*_validity(sides, allow_invalid), *_likeness(sides, allow_different)]
    terms = comparing.Terms(dict(limits) or comparing.DEFAULT_LIMITS, confidence, run_to_run)
    comparison = _compared(sides, terms, remarks, fail_on_unknown)
    click.echo(comparison_table.text(comparison), nl=False)
    for flag, path in views.items():
        what, text = _VIEWS[flag]
        leave(path, text(comparison, sides), what, f"--{flag}")
    sys.exit(comparing.failed(comparison))


def _html(comparison: comparing.Comparison, sides: Sides) -> str:
    from lensload.report.html.page import render  # noqa: PLC0415 - the charts take half a second to import

    named = {Path(path).stem: run for side in sides for path, run in side.items()}
    if len(named) < sum(map(len, sides)):  # files of one name in several folders
        named = {path: run for side in sides for path, run in side.items()}
    return render(list(named.values()), list(named), comparison)


_VIEWS: Mapping[str, tuple[str, Callable[[comparing.Comparison, Sides], str]]] = {
    "junit": ("JUnit file", lambda comparison, _: junit.xml([junit.of_comparison(comparison)])),
    "summary": ("summary", lambda comparison, _: markdown.of_comparison(comparison)),
    "html": ("HTML report", _html),
    "json": ("file", lambda comparison, _: json.dumps(comparison, indent=1) + "\n"),
}


def _compared(
    sides: Sides, terms: comparing.Terms, remarks: list[str], fail_on_unknown: bool
) -> comparing.Comparison:
    base, new = (list(side.values()) for side in sides)
    changes, outcome = comparing.compare(base, new, terms)
    return {
        "format": comparing.FORMAT,
        "outcome": outcome,
        "fail_on_unknown": fail_on_unknown,
        "base": list(sides[0]),
        "new": list(sides[1]),
        "method": comparing.method(len(base), len(new), terms, changes),
        "changes": changes,
        "remarks": remarks,
    }


def _told_apart(
    two: Sequence[Path], base: Sequence[Path], new: Sequence[Path]
) -> tuple[Sequence[Path], Sequence[Path]]:
    if len(two) == 2 and not (base or new):
        return two[:1], two[1:]
    if two or not (base and new):
        raise UsageError(
            "compare needs run files of two sides, from before and from now.",
            "Give two: lensload compare BASE NEW. Give several with --base FILE and --new FILE, at least one of each.",
        )
    return base, new


def _read(base: Sequence[Path], new: Sequence[Path]) -> Sides:
    sides: Sides = ({}, {})
    seen: dict[tuple[str, str], Path] = {}
    for side, paths in zip(sides, (base, new), strict=True):
        for path, run in (item for given in paths for item in _each(given)):
            # What tells a run from every other, wherever its file was copied to.
            print_of_run = (run["started_at"], json.dumps([run["topics"], run["histograms"]], sort_keys=True))
            if print_of_run in seen:
                raise UsageError(
                    f"{path} and {seen[print_of_run]} are the same run.",
                    "A run is like itself: give another.",
                )
            seen[print_of_run] = path
            side[str(path)] = run
    return sides


def _each(path: Path) -> list[tuple[Path, Run]]:
    """The run of a file; of one that adds repeats up, each of these, from its own file beside it."""
    run = run_file.read(path)
    if not run["repeats"]:
        return [(path, run)]
    places = [path.with_name(Path(repeat["run_file"]).name) for repeat in run["repeats"]]
    gone = [str(place) for place in places if not place.is_file()]
    if gone:
        raise UsageError(
            f"{path} adds {len(places)} repeats up, and {', '.join(gone)} is not beside it.",
            "What differs from run to run is in the repeats' own files: keep them with it, or give them instead.",
        )
    return [(place, run_file.read(place)) for place in places]


def _validity(sides: Sides, allowed: bool) -> list[str]:
    remarks: list[str] = []
    for path, run in (item for side in sides for item in side.items()):
        if run["verdict"] == "invalid":
            why = in_words(run["reasons"][0]) if run["reasons"] else ""
            if not allowed:
                raise InvalidRunError(f"{path} is invalid. {why}", "Run it again, or give --allow-invalid.")
            remarks.append(f"{path} is invalid: {why}")
    return remarks


def _likeness(sides: Sides, allowed: Sequence[str]) -> list[str]:
    """What is worth a remark.

    Raises:
        UsageError: the runs are unlike in something that was not allowed.
    """
    (first, reference), *others = [item for side in sides for item in side.items()]
    found = {
        (difference.name, f"{first} and {path}: {difference.text}"): None
        for path, run in others
        for difference in differences(reference, run)
    }
    refused = [(name, text) for name, text in found if name and name not in allowed]
    if refused:
        flags = " ".join(f"--allow-different {name}" for name in dict.fromkeys(name for name, _ in refused))
        raise UsageError(
            "These runs were made under unlike conditions:\n" + "\n".join(f"  {text}" for _, text in refused),
            f"A difference between them would mean nothing. If you know better: {flags}",
        )
    return [text for _, text in found]
