"""`lensload compare`: whether later runs are worse than earlier ones, and how sure that is."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from lensload.atomic_file import check_writable
from lensload.errors import InvalidRunError, UsageError
from lensload.report import comparison_table, junit, markdown
from lensload.report.outputs import leave
from lensload.results import run_file
from lensload.results.comparability import NAMES, differences
from lensload.results.compare import (
    DEFAULT_LIMITS,
    FORMAT,
    RUN_TO_RUN,
    Comparison,
    Terms,
    failed,
    figure_of,
)
from lensload.results.compare import compare as compared
from lensload.results.run import Run
from lensload.values import nearest
from lensload.verdict.verdict import in_words

_DEFAULTS = ", ".join(f"{name}={100 * share:g}%" for name, share in DEFAULT_LIMITS.items())

Sides = tuple[dict[str, Run], dict[str, Run]]


@click.command(
    short_help="Compare run files: is the later run worse?",
    epilog="Two files need no flags: `lensload compare BASE NEW`. Several of each are told apart by them:"
    " `lensload compare --base a.json --base b.json --new c.json --new d.json`. Give three or more of each where you"
    " can: what differs from run to run of the same thing shows in no single run.",
)
@click.argument("two", nargs=-1, metavar="[BASE NEW]", type=Path)
@click.option("--base", multiple=True, metavar="FILE", type=Path, help="A run file of before. Repeatable.")
@click.option("--new", multiple=True, metavar="FILE", type=Path, help="A run file of now. Repeatable.")
@click.option(
    "--max-regression",
    multiple=True,
    metavar="FIGURE=PERCENT",
    help="Judge this figure, which may become worse by so much: 'end_to_end.p99=10%',"
    f" 'user-interactions.ack.p50=5%', 'achieved_per_s=1%'. Repeatable.  [default: {_DEFAULTS}]",
)
@click.option(
    "--confidence",
    default="95%",
    show_default=True,
    metavar="PERCENT",
    help="Confidence of the whole comparison: if nothing has changed, this share of comparisons report neither a"
    " regression nor an improvement.",
)
@click.option(
    "--run-to-run",
    default=f"{100 * RUN_TO_RUN:g}%",
    show_default=True,
    metavar="PERCENT",
    help="By how much like runs are expected to differ (a standard deviation): all that is known of it with one run on"
    " each side, and little once there are many.",
)
@click.option(
    "--allow-different",
    multiple=True,
    metavar="NAME",
    help=f"Compare although this differs: {', '.join(NAMES)}. Repeatable.",
)
@click.option(
    "--fail-on-unknown",
    is_flag=True,
    help="End with exit code 1 too where these runs cannot tell: for gates.",
)
@click.option("--allow-invalid", is_flag=True, help="Compare although a run says itself that it is invalid.")
@click.option("--junit", "junit_file", metavar="FILE.xml", type=Path, help="JUnit XML, a test case a figure.")
@click.option("--summary", metavar="FILE.md", type=Path, help="Markdown, fit for a job's summary page.")
@click.option(
    "--json", "json_file", metavar="FILE.json", type=Path, help=f'All of it as JSON, format "{FORMAT}".'
)
def compare(  # noqa: PLR0913, PLR0917 - one for each flag
    two: tuple[Path, ...],
    base: tuple[Path, ...],
    new: tuple[Path, ...],
    max_regression: tuple[str, ...],
    confidence: str,
    run_to_run: str,
    allow_different: tuple[str, ...],
    fail_on_unknown: bool,
    allow_invalid: bool,
    junit_file: Path | None,
    summary: Path | None,
    json_file: Path | None,
) -> None:
    """Compare run files: regression, improvement, no difference, or cannot tell.

    A figure is a regression when it is surely worse (its whole interval is), and by more than --max-regression
    allows. There is no difference when the whole interval lies within what is allowed. Else these runs cannot tell,
    and the result says about how many would. Exit codes: 0 no regression, 1 a regression (with --fail-on-unknown also
    where it cannot be told), 2 wrong usage or runs that cannot be compared, 3 a run is invalid.
    """
    files = (
        (junit_file, "JUnit file", "--junit"),
        (summary, "summary", "--summary"),
        (json_file, "file", "--json"),
    )
    for path, what, flag in files:
        if path:
            check_writable(path, what, flag)
    terms = Terms(
        _limits(max_regression), _share("--confidence", confidence), _share("--run-to-run", run_to_run)
    )
    sides = _read(*_told_apart(two, base, new))
    remarks = [*_validity(sides, allow_invalid), *_likeness(sides, allow_different)]
    comparison = _compared(sides, terms, remarks, fail_on_unknown)
    click.echo(comparison_table.text(comparison), nl=False)
    texts = (_junit, markdown.of_comparison, _json)
    for (path, what, flag), text in zip(files, texts, strict=True):
        if path:
            leave(path, text(comparison), what, flag)
    sys.exit(failed(comparison))


def _compared(sides: Sides, terms: Terms, remarks: list[str], fail_on_unknown: bool) -> Comparison:
    base, new = (list(side.values()) for side in sides)
    changes, outcome = compared(base, new, terms)
    return {
        "format": FORMAT,
        "outcome": outcome,
        "fail_on_unknown": fail_on_unknown,
        "base": list(sides[0]),
        "new": list(sides[1]),
        "method": method(len(base), len(new), terms),
        "changes": changes,
        "remarks": remarks,
    }


def _junit(comparison: Comparison) -> str:
    return junit.xml([junit.of_comparison(comparison)])


def _json(comparison: Comparison) -> str:
    return json.dumps(comparison, indent=1) + "\n"


def method(base: int, new: int, terms: Terms) -> str:
    """How the intervals came about, in a sentence or two."""
    judged = len(terms.limits)
    level = f"{100 * terms.level:g} % over {judged} judged figure{'s' if judged != 1 else ''} (Bonferroni)"
    if base + new > 2:
        return (
            f"Intervals: moderated t over the runs ({base} and {new}), on logarithms, with {100 * terms.run_to_run:g} % as"
            f" the spread that is expected from run to run; {level}."
        )
    return (
        "Intervals: circular block bootstrap over each run's seconds, on logarithms, and an allowance of"
        f" {100 * terms.run_to_run:g} % for what differs from run to run; {level}. Three runs of each would show that."
    )


def _told_apart(
    two: Sequence[Path], base: Sequence[Path], new: Sequence[Path]
) -> tuple[Sequence[Path], Sequence[Path]]:
    if base or new:
        if two or not (base and new):
            raise UsageError(
                "It is not said which runs are which.",
                "Give each with --base or with --new, at least one of either.",
            )
        return base, new
    if len(two) != 2:
        raise UsageError(
            f"{len(two)} run files are given without saying which are which.",
            "Two are BASE and NEW; of more, give each with --base or with --new.",
        )
    return two[:1], two[1:]


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
                raise InvalidRunError(f"{path} is invalid. {why}", "Run it again, or say --allow-invalid.")
            remarks.append(f"{path} is invalid: {why}")
    return remarks


def _likeness(sides: Sides, allowed: Sequence[str]) -> list[str]:
    """What is worth a remark.

    Raises:
        UsageError: the runs are unlike in something that was not allowed, or a name is unknown.
    """
    for name in allowed:
        if name not in NAMES:
            raise UsageError(
                f"There is no difference {name!r}{nearest(name, NAMES)}", f"Names: {', '.join(NAMES)}."
            )
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


def _limits(given: Sequence[str]) -> dict[str, float]:
    limits: dict[str, float] = {}
    for text in given:
        name, separator, share = text.partition("=")
        if not separator:
            raise UsageError(
                f"--max-regression is {text!r}.", "Write FIGURE=PERCENT, such as 'end_to_end.p99=10%'."
            )
        try:
            limits[figure_of(name).name] = _share("--max-regression", share)
        except ValueError as error:
            raise UsageError(f"--max-regression is {text!r}: {error}") from error
    return limits or dict(DEFAULT_LIMITS)


def _share(flag: str, text: str) -> float:
    """A share from a percentage, with its sign: 10 alone could be anything."""
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1.0
    if not percent or rest or not 0 <= share <= 10 or (flag == "--confidence" and not 0.5 <= share < 1):
        raise UsageError(f"{flag} is {text!r}.", "Write a percentage, such as 5% or 95%.")
    return share
