"""The process of one bench run: started by `lensload bench` in its own place, by a search and by repeats.

Its exit code is the verdict's only if this very run has written its run file. Whatever else ends it ends with 3 or
more, and a sentence.
"""

import os
import sys
import traceback
from collections.abc import Mapping

from lensload.config.model import HANDOVER_VARIABLE, RunConfig
from lensload.errors import InvalidRunError, LensloadError, without_verdict
from lensload.processes import interpreter, stdio

USERS_PER_WORKER = 10
"""Locust users of each worker process: slices of the rate, enough that none is more than a tenth."""


def command(run: RunConfig, environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the process that makes a run.

    The users together have the run's rate. No LOCUST_… variable that was meant for other tests is passed on.
    """
    handed = run.changed(user_rate=run.rate / _users(run))
    kept = {name: value for name, value in environ.items() if not name.startswith("LOCUST_")}
    return interpreter.command("lensload.bench"), {
        **interpreter.environ(kept),
        HANDOVER_VARIABLE: handed.as_json(),
    }


def main() -> int:
    """Make the run that the environment hands over; the exit code."""
    stdio.protect()
    try:
        from lensload.locust import headless  # noqa: PLC0415 - a failure of this import needs its exit code too

        config = RunConfig.from_json(os.environ[HANDOVER_VARIABLE])
        result = headless.run(config, _users(config))
    except LensloadError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("The run was stopped before it began: nothing was measured.", InvalidRunError.exit_code)
    except SystemExit as end:
        code = without_verdict(end.code if isinstance(end.code, int) else 0)
        return _say("The run ended before it began: nothing was measured.", code)
    except Exception:  # noqa: BLE001 - Python would end with 1, which means that events failed
        traceback.print_exc()
        return _say("The run ended by a fault of lensload: nothing was measured.", InvalidRunError.exit_code)
    if result.wrote_run_file or result.exit_code > 1:
        return result.exit_code
    return _say("The run ended without a result: no run file was written.", without_verdict(result.exit_code))


def _users(run: RunConfig) -> int:
    return USERS_PER_WORKER * run.workers


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"Error: {text}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
