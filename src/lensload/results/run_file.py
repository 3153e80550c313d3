"""The run file: a run as JSON, written whole or not at all, and read back with care."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from lensload.atomic_file import put, why
from lensload.errors import UsageError
from lensload.metrics.slices import Block
from lensload.results.run import FORMAT, LEDGER, Load, Run
from lensload.verdict.rules import EXIT_CODES

FAMILY = FORMAT[: FORMAT.rindex("/") + 1]

# What run files of this format did not have from the first; older ones are read as having none of it.
_ADDITIONS: dict[str, object] = {
    "limited_by": None,
    "blocks": [],
    "slos": [],
    "client_us": {},
    "waterfall": None,
    "repeats": [],
    "intervals": {},
}

# Of a ledger, what run files of this format had from the first.
_CONTRACT = ("produced", "acked", "failed", "observed", "lost", "duplicated", "reordered")

_KINDS: dict[str, type] = {
    "verdict": str,
    "reasons": list,
    "started_at": str,
    "slos": list,
    "load": dict,
    "topics": dict,
    "latency_us": dict,
    "errors": list,
    "notices": list,
    "series": list,
    "blocks": list,
    "histograms": dict,
    "conditions": dict,
    "repeats": list,
}


def write(path: Path, run: Run) -> None:
    """Write a run file whole or not at all; a reader never sees half of one. Missing folders are made.

    Raises:
        UsageError: `path` cannot take it. The run is not lost: the text says where it was written instead,
            or that it stands on standard error.
    """
    text = json.dumps(run, indent=1, allow_nan=False) + "\n"
    try:
        put(path, text)
    except OSError as error:
        raise UsageError(
            f"The run file {path} could not be written: {why(error)}.", _kept_elsewhere(run, text)
        ) from error


def read(path: Path) -> Run:
    """The run that a file holds.

    Raises:
        UsageError: the file is missing, cut off, not a run file, or of a format this version cannot read.
    """
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The run file {path} cannot be read: {why(error)}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text, so not a run file.", _EXPECTED) from error
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path} is not whole JSON (line {error.lineno}: {error.msg}).",
            "lensload writes a run file whole or not at all: it was cut off, or changed, after that."
            " Copy it again, or run again.",
        ) from error
    _check_format(path, found)
    run = cast("Run", {**_ADDITIONS, **cast("dict[str, object]", found)})
    run["topics"] = {topic: {**dict.fromkeys(LEDGER, 0), **counts} for topic, counts in run["topics"].items()}
    return run


_EXPECTED = f'A run file is what `lensload bench --run-file` writes; its "format" is "{FORMAT}".'


def _check_format(path: Path, found: object) -> None:
    content = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    named = content.get("format")
    if not isinstance(named, str) or not named.startswith(FAMILY):
        kind = f'is "{named}"' if isinstance(named, str) else "is JSON of another tool"
        raise UsageError(f"{path} {kind}, not a run of lensload.", _EXPECTED)
    if named != FORMAT:
        raise UsageError(
            f'{path} has the format "{named}"; this version reads "{FORMAT}".',
            "Use the version of lensload that wrote it, or run again with this one.",
        )
    missing = [name for name in Run.__annotations__ if name not in content and name not in _ADDITIONS]
    if missing:
        raise UsageError(f"{path} is a run file without {', '.join(missing)}.", _BY_HAND)
    wrong = next(_misshapen({**_ADDITIONS, **content}), None)
    if wrong:
        raise UsageError(f"{path} is a run file, but its {wrong}.", _BY_HAND)


_BY_HAND = "It was changed by hand; run again."


def _misshapen(content: Mapping[str, Any]) -> Iterator[str]:
    """What is not as a run file has it, of all that verdicts and reports go by."""
    yield from (
        f"{name} is no {kind.__name__}"
        for name, kind in _KINDS.items()
        if not isinstance(content[name], kind)
    )
    if content["verdict"] not in EXIT_CODES:
        yield f"verdict is {content['verdict']!r}"
    load = content["load"]  # what was infinite is null
    for name in Load.__annotations__:
        if name not in load or not (load[name] is None or _is_number(load[name])):
            yield f"load has no {name}"
    for topic, counts in content["topics"].items():
        if not all(_is_number(_of(counts, name)) for name in _CONTRACT):
            yield f"ledger of {topic} is not whole"
    for stage, by_topic in content["latency_us"].items():
        if not isinstance(_of(by_topic, "all"), dict):
            yield f"latency_us has nothing of {stage}"
    if any(_of(block, name) is None for block in content["blocks"] for name in Block.__annotations__):
        yield "blocks are not whole"


def _of(found: object, name: str) -> object:
    return cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kept_elsewhere(run: Run, text: str) -> str:
    """Keep a run whose own file failed, and say where."""
    stamp = "".join(digit for digit in run["started_at"] if digit.isdigit())[:14]
    try:
        folder = Path(tempfile.mkdtemp(prefix="lensload-"))
        other = folder / f"run-{stamp}.json"
        put(other, text)
    except OSError:
        sys.stderr.write(text)
        return "Nor could the temp folder take it: it stands above, on standard error. Copy it from there."
    return f"It was kept as {other}. Move it, and give another place with --run-file next time."
