"""The same run several times, one after the other, each in processes of its own, and their results as one."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lensload.config.model import RunConfig
from lensload.errors import without_verdict
from lensload.report import outputs
from lensload.report.console import print_result
from lensload.results import run_file
from lensload.results.merge import merged
from lensload.results.run import Run
from lensload.verdict.verdict import EXIT_CODES

Command = tuple[list[str], dict[str, str]]


def repeated(
    config: RunConfig, command_of: Callable[[RunConfig, Mapping[str, str]], Command]
) -> tuple[Run | None, int]:
    """Run `config.repeat` times, show and write the result of all, beside each one's own run file.

    Ctrl-C ends the run that is on, and no other is begun: what was run by then is the result, and invalid.

    Args:
        config: what to repeat. The run file of repeat 2 of run.json is run.2.json.
        command_of: the command of one run, and its environment.

    Returns:
        The result, None if there is none, and the exit code.
    """
    files = [numbered(config.outputs.run_file, n + 1) for n in range(config.load.repeat)]
    runs: list[Run] = []
    for n, file in enumerate(files, 1):
        sys.stderr.write(f"Repeat {n} of {config.load.repeat}\n")
        file.unlink(missing_ok=True)
        code, interrupted = _once(*command_of(config.alone(file), os.environ))
        if file.exists():
            runs.append(run_file.read(file))
        elif code not in EXIT_CODES.values() or not runs:
            return None, without_verdict(code)
        if interrupted:
            break
    result = merged(runs, [file.name for file in files[: len(runs)]], config.load.repeat)
    run_file.write(config.outputs.run_file, result)
    outputs.write(config.outputs, [(config.outputs.run_file.name, result)])
    print_result(result, run_file=config.outputs.run_file)
    return result, EXIT_CODES[result["verdict"]]


def numbered(file: Path, number: int) -> Path:
    """The run file of one repeat: run.json's second is run.2.json."""
    return file.with_name(f"{file.stem}.{number}{file.suffix}")


def _once(command: list[str], environ: dict[str, str]) -> tuple[int, bool]:
    """The exit code of a run, and whether somebody pressed Ctrl-C, which reaches the run too."""
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:  # noqa: S603  # our own command
        try:
            return process.wait(), False
        except KeyboardInterrupt:
            while process.poll() is None:
                with contextlib.suppress(KeyboardInterrupt):
                    process.wait()
            return process.returncode, True
