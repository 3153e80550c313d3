"""The same run several times, one after the other, each in processes of its own, and their results as one."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lensload.capacity.bench_process import Command, run_to_end
from lensload.config.model import RunConfig
from lensload.errors import InvalidRunError, without_verdict
from lensload.report import outputs
from lensload.report.console import RUN_FILE, print_file, print_result
from lensload.results import run_file
from lensload.results.merge import merged
from lensload.results.run import Run
from lensload.verdict.verdict import EXIT_CODES


def repeated(
    config: RunConfig, command_of: Callable[[RunConfig, Mapping[str, str]], Command]
) -> tuple[Run | None, int]:
    """Run `config.repeat` times, show and write the result of all, beside each one's own run file.

    Ctrl-C or SIGTERM ends the run that is on, and no other is begun: what was run by then is the result, and invalid.

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
        code, stopped = run_to_end(command_of(config.alone(file), os.environ))
        if file.exists():
            runs.append(run_file.read(file))
        elif not runs or not (stopped or code in EXIT_CODES.values()):
            return None, InvalidRunError.exit_code if stopped else without_verdict(code)
        if stopped:
            break
    result = merged(runs, [file.name for file in files[: len(runs)]], config.load.repeat)
    run_file.write(config.outputs.run_file, result)
    print_result(result, files=[(RUN_FILE, config.outputs.run_file)])
    named = [(config.outputs.run_file.name, result)]
    outputs.write(config.outputs, named, print_file)
    return result, EXIT_CODES[result["verdict"]]


def numbered(file: Path, number: int) -> Path:
    """The run file of one repeat: run.json's second is run.2.json."""
    return file.with_name(f"{file.stem}.{number}{file.suffix}")
