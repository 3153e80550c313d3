"""One bench run: in the process of `lensload bench`, or in one of its own, which a search and repeats start.

Its exit code is the verdict's only if this very run has written its run file. Whatever else ends it ends with 3 or
more, and a sentence.
"""

import os
import shlex
import shutil
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from lensload.config.model import HANDOVER_VARIABLE, RunConfig
from lensload.errors import InvalidRunError, LensloadError, without_verdict
from lensload.processes import interpreter, lasting, stdio
from lensload.processes.stop_signals import stopping_by


def command(run: RunConfig, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the process that makes a run."""
    return interpreter.command("lensload.processes.start", "lensload.bench"), {
        **interpreter.environ(environ),
        HANDOVER_VARIABLE: run.as_json(),
    }


def main() -> int:
    """Make the run that the environment hands over; the exit code."""
    stdio.protect()
    return _exit_code(lambda: _run(RunConfig.from_json(os.environ[HANDOVER_VARIABLE])))


def run(config: RunConfig, meanwhile: Callable[[], None]) -> int:
    """Make a run in this process; the exit code.

    Args:
        config: what is to be run.
        meanwhile: is called while the run's processes start; an error of it is the run's.
    """
    return _exit_code(lambda: _run(config, meanwhile))


def _exit_code(make: Callable[[], int]) -> int:
    code = InvalidRunError.exit_code
    try:
        # SIGTERM as Ctrl-C, from before the first process is started: none is left behind.
        with stopping_by(signal.default_int_handler):
            return make()
    except LensloadError as error:
        text, code = str(error), error.exit_code
    except KeyboardInterrupt:
        text = "The run was stopped before it began: nothing was measured."
    except SystemExit as end:
        text = "The run ended before it began: nothing was measured."
        code = without_verdict(end.code if isinstance(end.code, int) else 0)
    except Exception:  # noqa: BLE001 - Python would end with 1, which means that events failed
        traceback.print_exc()
        text = "The run ended by a fault of lensload: nothing was measured."
    sys.stderr.write(f"Error: {text}\n")
    return code


def _run(config: RunConfig, meanwhile: Callable[[], None] = lambda: None) -> int:
    # A failure of these imports needs its exit code too.
    if config.outputs.web:
        from lensload.web import server  # noqa: PLC0415 - Flask is not needed otherwise

        meanwhile()
        result = server.run(config)
    else:
        from lensload.coordinator.local_transport import LocalTransport  # noqa: PLC0415
        from lensload.processes import fork  # noqa: PLC0415

        if not config.cluster.embedded:  # this process needs it too, and forks then have it
            from lensload.kafka import preflight as _  # noqa: F401, PLC0415

        with LocalTransport.launched(config, forked=fork.is_safe()) as transport:
            with lasting.made():
                from lensload.coordinator import local_run  # noqa: PLC0415 - beside the processes, which import too

            meanwhile()
            result = local_run.run(config, transport)
    if result.wrote_run_file:
        if config.cluster.embedded:
            sys.stdout.write(_next_steps(config))
    elif result.exit_code <= 1:
        raise InvalidRunError("The run ended without a result: no run file was written.")
    return result.exit_code


def _next_steps(config: RunConfig) -> str:
    """What somebody may want after a run on the embedded cluster, which is most often a first one."""
    lensload, workload = _as_typed(), config.load.workload
    same = f" --workload {shlex.quote(workload.name)}" if workload else ""
    return (
        f"\nNext:\n  {lensload} report {shlex.quote(str(config.outputs.run_file))} --html report.html\n"
        f"  {lensload} bench{same} --bootstrap-servers localhost:9092 --registry-url http://localhost:8081\n"
        f"  {lensload} --help\n"
    )


def _as_typed() -> str:
    """How the command `lensload` of this installation is called from the working folder."""
    command = Path(sysconfig.get_path("scripts")) / "lensload"
    if not command.exists():
        return "python -m lensload"
    if shutil.which("lensload") == str(command):
        return "lensload"
    here = Path.cwd()
    return shlex.quote(str(command.relative_to(here) if command.is_relative_to(here) else command))


if __name__ == "__main__":
    sys.exit(main())
