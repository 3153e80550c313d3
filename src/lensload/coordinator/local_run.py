"""One run on this machine alone, from the start of its processes to its files and its verdict."""

import logging
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from lensload.config.model import RunConfig
from lensload.coordinator.coordinator import EMBEDDED_WARNING, Coordinator
from lensload.coordinator.listeners import FileWriter, Listener, Screen
from lensload.coordinator.local_transport import LocalTransport
from lensload.coordinator.run_result import Cluster
from lensload.errors import LensloadError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.processes.stop_signals import stopping_by
from lensload.verdict.verdict import EXIT_CODES

_log = logging.getLogger("lensload")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run.

    Attributes:
        exit_code: of its verdict, or of a file that could not be written.
        wrote_run_file: it has written its run file.
        terminated: SIGTERM has drained it.
    """

    exit_code: int
    wrote_run_file: bool
    terminated: bool = False


def run(
    config: RunConfig,
    transport: LocalTransport,
    listeners: Sequence[Listener] = (),
    follow: Callable[[Coordinator], None] | None = None,
) -> Result:
    """Make a run at the configured rate. Ctrl-C or SIGTERM drains it early; a second one gives up the drain.

    Args:
        config: what is to be run.
        transport: its workers.
        listeners: are told of its course, once its files are written of its result.
        follow: is given its coordinator before it starts.

    Raises:
        LensloadError: it was refused before it began.
        KeyboardInterrupt: it was stopped before it began.
    """
    logging.basicConfig(level=logging.WARNING, format="[%(asctime)s] %(levelname)s/%(name)s: %(message)s")
    with ExitStack() as resources:
        cluster = _cluster(config, resources)
        files = FileWriter(config)
        screen = Screen(config, files)
        resources.callback(screen.closed)  # also where no coordinator comes to do it
        everybody = [*_metrics(config), files, screen, *listeners]
        coordinator = Coordinator(transport, config, everybody, cluster=cluster, rate_per_s=config.load.rate)
        if follow:
            follow(coordinator)
        resources.callback(coordinator.close)
        received: list[int] = []
        resources.enter_context(_interruptible(coordinator, received))
        transport.join(coordinator.receive)
        code = _take_to_result(coordinator)
    return Result(
        files.error.exit_code if files.error else code, files.wrote_run_file, signal.SIGTERM in received
    )


def _take_to_result(coordinator: Coordinator) -> int:
    refusal: LensloadError | None = None
    try:
        coordinator.await_ready()
        coordinator.begin()
        coordinator.await_end()
    except LensloadError as error:
        refusal = error
    coordinator.drain()
    if refusal and not coordinator.recorder.times:
        raise refusal
    return EXIT_CODES[coordinator.conclude()["verdict"]]


def _cluster(config: RunConfig, resources: ExitStack) -> Cluster:
    if config.cluster.bootstrap_servers:
        return Cluster(config.cluster.bootstrap_servers, embedded=False)
    _log.warning(EMBEDDED_WARNING)
    return Cluster(resources.enter_context(EmbeddedCluster()).bootstrap_servers, embedded=True)


def _metrics(config: RunConfig) -> list[Listener]:
    if not config.outputs.prometheus_port:
        return []
    from lensload.coordinator import prometheus  # noqa: PLC0415 - slow to import, and seldom wanted

    collector = prometheus.RunCollector()
    prometheus.serve(config.outputs.prometheus_host, config.outputs.prometheus_port, collector)
    return [collector]


def _interruptible(coordinator: Coordinator, received: list[int]) -> AbstractContextManager[None]:
    """Let Ctrl-C and SIGTERM drain the run in place of ending the process; which came is appended to `received`."""

    def stop(number: int, _: object) -> None:
        received.append(number)
        if not coordinator.draining:
            coordinator.stop(cut_short=True)
        elif len(received) > 1:
            _log.warning(
                "The drain is given up: what has not been reported yet is missing from the run file."
            )
            coordinator.give_up()
        else:
            _log.warning("Draining. Press Ctrl-C again to give it up.")

    return stopping_by(stop)
