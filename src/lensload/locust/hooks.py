"""Where this project hangs on Locust's events and on the signals of the process.

Locust's order, which all of this follows (2.47): `test_start` fires before any user is spawned, and on a worker
when its first spawn message comes. `test_stopping` fires before users and workers are told to stop, in every way
a test can stop but one: after Ctrl-C or SIGTERM a local runner fires `quitting` first. The exit code is read
right after `quitting`. So the drain hangs on both, and happens at the first.
"""

import contextlib
import logging
import os
import signal
import sys

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, LocalRunner, WorkerRunner

from lensload.errors import LensloadError
from lensload.locust import console_table, options, stats_table
from lensload.locust.audience import Audience
from lensload.locust.master import Master
from lensload.locust.worker import LocustWorker
from lensload.processes.supervisor import Supervisor
from lensload.processes.worker import MakeSupervisor

_log = logging.getLogger("lensload")

make_supervisor: MakeSupervisor = Supervisor
"""Makes the processes of one run of one worker; tests put other processes in."""

_checked: list[bool] = []


def install() -> None:
    """Listen to Locust; to be called once, when the locustfile is imported. Opens nothing: Locust may yet fork."""
    stats_table.keep_fractions()
    stats_table.keep_order()
    options.keep_defaults()
    events.init_command_line_parser.add_listener(_on_parser)
    events.init.add_listener(_on_init)


def _on_parser(parser: LocustArgumentParser) -> None:
    parser.set_defaults(web_host="127.0.0.1")
    options.add_arguments(parser)
    if not _checked:  # Locust makes a parser for every view of the page
        _checked.append(True)
        options.check(parser)


def _on_init(environment: Environment, **_: object) -> None:
    """Take part in the runs of an environment, which has its runner by now."""
    parsed = environment.parsed_options
    with contextlib.suppress(LensloadError):  # which the master will tell
        if parsed:
            config = options.config_of(parsed)
            console_table.install(environment, config)
            # Where the load goes, in the page, which otherwise asks for a host of HTTP tests.
            environment.host = environment.host or options.name_of_cluster(config)
    _keep_from_tags(environment)
    if isinstance(environment.runner, WorkerRunner):
        _serve_worker(environment, environment.runner, LocustWorker(environment, make_supervisor))
        return
    master = Master(environment)
    try:
        if parsed:
            options.check_host(parsed.host, options.config_of(parsed), environment.user_classes)
        master.serve_metrics()
        if environment.web_ui:
            from lensload.locust import web_page  # noqa: PLC0415 - headless needs no page

            web_page.install(environment, environment.web_ui, master)
    except LensloadError as error:
        _log.error(str(error))
        sys.exit(error.exit_code)
    is_local = isinstance(environment.runner, LocalRunner)
    _serve_master(environment, master, LocustWorker(environment, make_supervisor) if is_local else None)


def _keep_from_tags(environment: Environment) -> None:
    """Let --tags and --exclude-tags select among other users' tasks: an audience has none to choose from."""
    select = environment._filter_tasks_by_tags  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def select_of_others() -> None:
        everybody = environment.user_classes
        environment.user_classes = [kind for kind in everybody if not issubclass(kind, Audience)]
        try:
            select()
        finally:
            environment.user_classes = everybody

    environment._filter_tasks_by_tags = select_of_others  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _serve_master(environment: Environment, master: Master, worker: LocustWorker | None) -> None:
    def on_test_start(**_: object) -> None:
        master.start()
        if worker:
            worker.join()

    def on_quitting(**_: object) -> None:
        master.finish(cut_short=True)
        if worker:
            worker.kill()

    presses: list[int] = []

    def on_interrupt() -> None:
        if not master.active:
            interrupt()
            return
        presses.append(1)
        if not master.finishing:
            master.mark_cut_short()
            interrupt()
        elif len(presses) > 1:
            _log.warning(
                "The drain is given up: what has not been reported yet is missing from the run file."
            )
            master.give_up()
        else:
            _log.warning("Draining. Press Ctrl-C again to give it up.")

    environment.events.test_start.add_listener(on_test_start)
    environment.events.test_stopping.add_listener(lambda **_: master.finish())  # pyright: ignore[reportUnknownLambdaType]
    environment.events.quitting.add_listener(on_quitting)
    gevent.signal_handler(signal.SIGINT, on_interrupt)


def _serve_worker(environment: Environment, runner: WorkerRunner, worker: LocustWorker) -> None:
    presses: list[int] = []

    def on_interrupt() -> None:
        presses.append(1)
        if len(presses) == 2:
            worker.end()
        else:
            interrupt()

    environment.events.test_start.add_listener(lambda **_: worker.join())  # pyright: ignore[reportUnknownLambdaType]
    if runner.worker_state in (STATE_SPAWNING, STATE_RUNNING):
        worker.join()  # it came while a test was on, and Locust connects a worker before it lets anyone listen
    environment.events.quitting.add_listener(lambda **_: worker.leave())  # pyright: ignore[reportUnknownLambdaType]
    gevent.signal_handler(signal.SIGINT, on_interrupt)
    parsed = environment.parsed_options
    if parsed and parsed.headless:
        worker.launch()
    if parsed and parsed.processes:
        gevent.spawn(_follow_parent, os.getppid(), worker)


def _follow_parent(parent: int, worker: LocustWorker) -> None:
    """A forked worker ends with its master: Locust alone would let it wait a minute for a heartbeat."""
    while os.getppid() == parent:
        gevent.sleep(1)
    _log.error("The master is gone: this worker ends too.")
    worker.end()
    interrupt()


def interrupt() -> None:
    """What Ctrl-C does, but in Locust's main greenlet and nowhere else, so that none of ours dies of it."""
    hub = gevent.get_hub()
    main = hub.parent
    if main is not None:
        hub.loop.run_callback(main.throw, KeyboardInterrupt)
