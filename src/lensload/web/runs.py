"""The run files of a folder: listed, read, shown as a report, compared."""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lensload.config.model import RunConfig
from lensload.errors import InvalidRunError, LensloadError, RefusedError, UsageError
from lensload.processes import interpreter
from lensload.results.comparability import NAMES
from lensload.results.run import FORMAT

_MOST: Final = 50
_LARGEST_BYTES: Final = 16 << 20
_HEAD_BYTES: Final = 200
_PATIENCE_S: Final = 60
_FAILED: Final = "The file could not be made."
_ALL_THE_SAME: Final = (
    "A difference between them may mean nothing. The link on this page compares them all the same; its address has"
    " all_the_same=1."
)


class NotAlikeError(InvalidRunError):
    """Two runs are compared only if somebody wants it all the same: one is invalid, or they were made under unlike conditions."""


class Runs:
    """The run files in one folder, by their names. Reports and comparisons are made by lensload's own commands.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._known: dict[str, tuple[tuple[int, int], dict[str, Any] | None]] = {}

    def listed(self) -> list[dict[str, Any]]:
        """What is in the folder, the latest first; a file that is no run file is left out."""
        files = [path for path in self._folder.glob("*.json") if path.is_file()]
        latest = sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True)[:_MOST]
        self._known = {path.name: self._looked_at(path) for path in latest}
        return [line for _, line in self._known.values() if line]

    def path(self, name: str) -> Path:
        """The run file of that name.

        Raises:
            UsageError: there is none.
        """
        path = self._folder / name
        if path.name != name or not path.is_file() or not _is_run_file(path):
            raise UsageError(
                f"There is no run file {name!r} in the folder of the runs.", "See the list of runs."
            )
        return path

    def report(self, name: str) -> str:
        """The HTML report of a run.

        Raises:
            LensloadError: there is no such run, or its file is damaged.
        """
        return self._made(["report", str(self.path(name)), "--html"], "report.html")

    def compared(self, base: str, new: str, *, all_the_same: bool = False) -> dict[str, Any]:
        """What `lensload compare BASE NEW --json` writes.

        Args:
            base: the earlier run.
            new: the later one.
            all_the_same: although one is invalid, or they were made under unlike conditions.

        Raises:
            NotAlikeError: they can be compared all the same.
            LensloadError: there is no such run, or the two cannot be compared.
        """
        paths = [str(self.path(name)) for name in (base, new)]
        allowed = ["--allow-invalid", *(part for name in NAMES for part in ("--allow-different", name))]
        arguments = ["compare", *paths, *(allowed if all_the_same else ()), "--json"]
        try:
            comparison: dict[str, Any] = json.loads(self._made(arguments, "comparison.json"))
        except (UsageError, InvalidRunError) as error:
            if "--allow-" in error.hint:  # a page has no flags
                raise NotAlikeError(error.message, _ALL_THE_SAME) from error
            raise
        comparison["base"], comparison["new"] = [base], [new]
        return comparison

    def _looked_at(self, path: Path) -> tuple[tuple[int, int], dict[str, Any] | None]:
        found = path.stat()
        print_of_file = (found.st_mtime_ns, found.st_size)
        known = self._known.get(path.name)
        if known and known[0] == print_of_file:
            return known
        return print_of_file, _line(path) if found.st_size < _LARGEST_BYTES and _is_run_file(path) else None

    def _made(self, arguments: Sequence[str], name: str) -> str:
        """The file that a command of lensload writes, whose path is its last argument.

        In a process of its own: it takes seconds of a processor, which this process needs for the run.
        """
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / name
            done = subprocess.run(  # noqa: S603 - our own command
                [*interpreter.command("lensload"), *arguments, str(made)],
                capture_output=True,
                env=interpreter.environ(),
                timeout=_PATIENCE_S,
                check=False,
            )
            if made.is_file():
                return self._without_folder(made.read_text(encoding="utf-8"))
        text = self._without_folder(done.stderr.decode(errors="replace").strip().removeprefix("Error: "))
        kinds: dict[int, type[LensloadError]] = {2: UsageError, 3: InvalidRunError}
        message, _, advice = text.rpartition("\n  ")  # as `str()` of an error joins them
        raise kinds.get(done.returncode, RefusedError)(*(message, advice) if message else (text or _FAILED,))

    def _without_folder(self, text: str) -> str:
        """A text with names of runs as the page shows them, and nothing of where they are."""
        return text.replace(f"{self._folder}{os.sep}", "")


def with_free_file(config: RunConfig) -> RunConfig:
    """The configuration with a run file that is not there yet: a run from a page replaces no other run's file."""
    outputs = config.outputs.model_copy(update={"run_file": free(config.outputs.run_file)})
    return config.model_copy(update={"outputs": outputs})


def free(path: Path) -> Path:
    """That path, or one with a number, where no file is yet."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, 100_000))
    return path if not path.exists() else next(one for one in numbered if not one.exists())


def _is_run_file(path: Path) -> bool:
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(_HEAD_BYTES)


def _line(path: Path) -> dict[str, Any] | None:
    """What the list says of a run; None of a file that is damaged."""
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        whole = run["latency_us"]["end_to_end"]["all"]
        return {
            "name": path.name,
            "verdict": run["verdict"],
            "started_at": run["started_at"],
            "measured_s": run["measured_s"],
            "target_per_s": run["load"]["target_per_s"],
            "achieved_per_s": run["load"]["achieved_per_s"],
            "p50_us": whole["p50"],
            "p99_us": whole["p99"],
            "embedded": run["embedded"],
        }
    except (ValueError, KeyError, TypeError, OSError):
        return None
