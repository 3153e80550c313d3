"""One run of `lensload bench`, on Locust's runners but without its command line.

Nothing that configures Locust for other tests reaches the run: no configuration file, no key, no locustfile in the
working folder; and the terminal's settings are left alone.
"""

import contextlib
import os
import signal
import socket
import sys
import time
import traceback
from argparse import Namespace
from dataclasses import dataclass
from typing import NoReturn

import gevent
import gevent.os
from locust.argument_parser import default_args_dict
from locust.env import Environment
from locust.log import setup_logging
from locust.runners import MasterRunner, Runner

from lensload.config.model import RunConfig
from lensload.errors import InvalidRunError
from lensload.locust import hooks
from lensload.locust.audience import OrdinaryAudience

_HOST = "127.0.0.1"
_WORKERS_BUDGET_S = 20.0
_END_BUDGET_S = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run.

    Attributes:
        exit_code: of its verdict, or of what it was refused for.
        wrote_run_file: it has written its run file.
    """

    exit_code: int
    wrote_run_file: bool


def run(config: RunConfig, users: int) -> Result:
    """Make a run; its worker processes are forked here, and never return.

    Args:
        config: as handed over: what to run.
        users: how many Locust users carry the rate.

    Raises:
        InvalidRunError: a worker process did not start.
        KeyboardInterrupt: it was stopped before it began.
    """
    setup_logging("WARNING")
    options = Namespace(
        **{
            **default_args_dict(),
            "headless": True,
            "processes": config.load.workers if config.load.workers > 1 else None,
        }
    )
    port = _free_port()
    children: list[int] = []
    for _ in range(options.processes or 0):
        child = gevent.os.fork()
        if not child:
            _be_worker(options, port)
        children.append(child)
    try:
        return _conduct(options, port, users, children)
    finally:
        _end(children)


def _conduct(options: Namespace, port: int, users: int, children: list[int]) -> Result:
    environment = _environment(options)
    if children:
        runner: Runner = environment.create_master_runner(_HOST, port)
    else:
        runner = environment.create_local_runner()
    master = hooks.serve(environment)
    gevent.signal_handler(signal.SIGTERM, hooks.interrupt)
    if isinstance(runner, MasterRunner):
        _await_workers(runner, children)
    starting = gevent.spawn(runner.start, users, users)
    with contextlib.suppress(KeyboardInterrupt):
        runner.greenlet.join()
    environment.events.quitting.fire(environment=environment, reverse=True)
    starting.kill(block=False)
    runner.quit()
    return Result(environment.process_exit_code or 0, bool(master and master.wrote_run_file))


def _be_worker(options: Namespace, port: int) -> NoReturn:
    """Be a worker process, to its end: nothing of what the parent was about to do is this process's."""
    code = InvalidRunError.exit_code
    try:
        _work(options, port)
        code = 0
    except Exception:  # noqa: BLE001 - the master tells what is missing of this worker
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _work(options: Namespace, port: int) -> None:
    environment = _environment(options)
    runner = environment.create_worker_runner(_HOST, port)
    hooks.serve(environment)
    gevent.signal_handler(signal.SIGTERM, hooks.interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        runner.greenlet.join()
    environment.events.quitting.fire(environment=environment, reverse=True)
    runner.quit()


def _environment(options: Namespace) -> Environment:
    return Environment(user_classes=[OrdinaryAudience], parsed_options=options)


def _await_workers(runner: MasterRunner, children: list[int]) -> None:
    deadline_s = time.monotonic() + _WORKERS_BUDGET_S
    while len(runner.clients.ready) < len(children):
        ended = [child for child in children if _has_ended(child)]
        if ended or time.monotonic() > deadline_s:
            raise InvalidRunError(
                f"{len(ended)} of {len(children)} worker processes ended before the run began."
                if ended
                else f"The {len(children)} worker processes did not start within {_WORKERS_BUDGET_S:g} s.",
                "See what they say above, or try --workers 1.",
            )
        gevent.sleep(0.05)


def _end(children: list[int]) -> None:
    """Wait for the worker processes, which the master has told to quit; interrupt, then kill those that stay."""
    for sent in (None, signal.SIGINT, signal.SIGKILL):
        for child in children if sent else ():
            if not _has_ended(child):
                os.kill(child, sent or 0)
        deadline_s = time.monotonic() + _END_BUDGET_S
        while not all(map(_has_ended, children)):
            if time.monotonic() > deadline_s:
                break
            gevent.sleep(0.02)
        else:
            return


def _has_ended(child: int) -> bool:
    """Whether a process has ended; it can be asked again."""
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # gevent has taken note of its end
        return True


def _free_port() -> int:
    # A port of its own: on Locust's usual one, two runs on a machine would take each other's workers.
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
