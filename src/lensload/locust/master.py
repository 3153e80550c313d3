"""All runs of a Locust process that coordinates them: starts each, and drains it before Locust ends it.

It is in the master, or in a local runner beside its own worker. The drain is a phase of its own, because Locust
waits half a second for its workers and then forgets them.
"""

import logging
import time
from contextlib import ExitStack

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_SPAWNING, LocalRunner, MasterRunner
from rich.console import Console

from lensload.config.model import RunConfig
from lensload.coordinator import prometheus
from lensload.coordinator.coordinator import EMBEDDED_WARNING, Coordinator
from lensload.coordinator.listeners import FileWriter, Log, Screen
from lensload.coordinator.prometheus import RunCollector
from lensload.coordinator.run_result import Cluster
from lensload.errors import LensloadError, UsageError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.locust import options
from lensload.locust.audience import Audience, check_behaviour
from lensload.locust.stats_table import StatsTable
from lensload.locust.transport import LocustTransport
from lensload.processes.envelope import Parcel
from lensload.report import outputs
from lensload.verdict.verdict import EXIT_CODES
from lensload.web.live import Live
from lensload.web.runs import with_free_file

_log = logging.getLogger("lensload")

_STATE_BUDGET_S = 2.0
_SHORT_RUN_S = 60  # of a longer one, what is lost for starting hardly matters


class Master:
    """Coordinates the runs of this Locust process, one after another.

    Args:
        environment: Locust's, with its runner.

    Attributes:
        live: what the live page shows.
        first_rate_per_s: the rate of the next run, whatever its users add up to; None: what they add up to.
    """

    def __init__(self, environment: Environment) -> None:
        runner = environment.runner
        if not isinstance(runner, (LocalRunner, MasterRunner)):
            raise TypeError(f"a {type(runner).__name__} coordinates no run")
        self._environment = environment
        self._runner = runner
        self._transport = LocustTransport(runner, self._receive)
        self._collector = RunCollector()
        self.live = Live(lambda: runner.user_count)
        self.first_rate_per_s: float | None = None
        self._run: Coordinator | None = None
        self._files: FileWriter | None = None
        self._run_log: Log | None = None
        self._finishing = False
        self._finished = Event()
        self._refused = False
        self._stopping = False
        self._resources = ExitStack()

    @property
    def active(self) -> bool:
        """A run is on, be it starting, running or draining."""
        return self._run is not None

    @property
    def finishing(self) -> bool:
        """A run is being drained and written."""
        return self._finishing

    def serve_metrics(self) -> None:
        """Serve live metrics, if they are asked for, for as long as this process lives.

        Raises:
            UsageError: nothing can listen at that address, or the configuration is wrong.
        """
        parsed = self._environment.parsed_options
        config = options.config_of(parsed) if parsed else RunConfig()
        if config.outputs.prometheus_port:
            prometheus.serve(config.outputs.prometheus_host, config.outputs.prometheus_port, self._collector)

    def start(self) -> None:
        """Start a run, as Locust starts a test; whatever is wrong with it is logged, and the test stopped."""
        self.finish()
        self._refused = self._stopping = self._finishing = False
        self._finished.clear()
        self._environment.process_exit_code = None
        try:
            self._run = run = self._prepare()
        except LensloadError as error:
            self._refuse(error)
            self._release()
            return
        gevent.spawn(self._coordinate, run)

    def finish(self, *, cut_short: bool = False) -> None:
        """Drain the run that is on, if one is, and write its file; returns when that is done.

        Args:
            cut_short: the process ends, and the run with it: a page that showed it is gone, so its result is printed.
        """
        run = self._run
        if run is None:
            return
        run.stop(cut_short=cut_short)
        if cut_short and self._run_log:
            self._run_log.whole = True
        if self._finishing:
            self._finished.wait()
            return
        self._finishing = True
        try:
            run.drain()
            if run.recorder.times or not self._refused:
                self._conclude(run)
        finally:
            self._release()
        if run.workers.all_lost():  # Locust stops the test without its last worker, and then waits for ever
            gevent.spawn(self._quit_if_unattended)

    def give_up(self) -> None:
        """Wait for the drain no longer."""
        if self._run:
            self._run.give_up()

    def mark_cut_short(self) -> None:
        """Somebody has asked for the run to end."""
        if self._run:
            self._run.cut_short = True

    def _prepare(self) -> Coordinator:
        parsed = self._environment.parsed_options
        if parsed is None:
            raise UsageError("lensload needs Locust's own command line.", "Start it with `locust`.")
        config = options.config_of(parsed)
        for kind in self._environment.user_classes:
            if issubclass(kind, Audience):
                check_behaviour(kind.behaviour(), config)
        if self._environment.web_ui:
            config = with_free_file(config)
        outputs.check(config.outputs)
        cluster = (
            self._host_cluster()
            if config.cluster.embedded
            else Cluster(config.cluster.bootstrap_servers or "", False)
        )
        if cluster.embedded:
            _log.warning(EMBEDDED_WARNING)
        self._files = FileWriter(config)
        # With --json standard output is Locust's document, for another program to read.
        console = Console(stderr=True) if parsed.json else None
        self._run_log = None if parsed.headless else Log(config, self._files, console)
        display = self._run_log or Screen(config, self._files, console)
        followers = [self.live] if self._environment.web_ui else []
        run = Coordinator(
            self._transport,
            config,
            [StatsTable(self._environment.stats), self._collector, self._files, display, *followers],
            cluster=cluster,
            rate_per_s=None,
            open_ended=not (config.load.duration_s or parsed.run_time or self._environment.shape_class),
        )
        if parsed.run_time and not config.load.duration_s and parsed.run_time < _SHORT_RUN_S:
            run.recorder.notices.append(
                f"-t {parsed.run_time}s counts from Locust's start, so starting (some seconds) and the warm-up"
                f" ({config.load.warmup_s:g} s) are part of it. --duration is the time to measure."
            )
        if followers:
            self.live.attach(run, config)
            rate_per_s, self.first_rate_per_s = self.first_rate_per_s, None
            if rate_per_s is not None:
                run.set_rate(rate_per_s)
        return run

    def _host_cluster(self) -> Cluster:
        pool = gevent.get_hub().threadpool  # librdkafka's calls block, and would stall every greenlet here
        cluster: EmbeddedCluster = pool.apply(EmbeddedCluster)
        self._resources.callback(pool.apply, cluster.close)
        return Cluster(cluster.bootstrap_servers, embedded=True)

    def _coordinate(self, run: Coordinator) -> None:
        """Take a run to where it is over; Locust then has it drained."""
        try:
            run.await_ready()
            run.begin()
            run.await_end()
        except LensloadError as error:
            self._refuse(error)
        if self._run is run and not self._finishing:
            self._stop()

    def _receive(self, worker: str, parcel: Parcel) -> None:
        if self._run:
            self._run.receive(worker, parcel)

    def _refuse(self, error: LensloadError) -> None:
        """Report what is wrong, once, where people look for it, and stop the test."""
        if self._refused:
            return
        self._refused = True
        self.live.failed(error.message, error.hint)
        _log.error(str(error))
        self._environment.process_exit_code = error.exit_code
        self._environment.stats.log_error("lensload", "run", str(error))
        self._stop()

    def _stop(self) -> None:
        """Stop the test as its user would, in a greenlet of its own: Locust's kill the one that stops them."""
        if not self._stopping:
            self._stopping = True
            gevent.spawn(self._stop_locust)

    def _stop_locust(self) -> None:
        deadline_s = time.monotonic() + _STATE_BUDGET_S
        # Locust reports the start before it has started, and what has not started it does not stop.
        while self._runner.state not in (STATE_SPAWNING, STATE_RUNNING) and time.monotonic() < deadline_s:
            gevent.sleep(0.02)
        parsed = self._environment.parsed_options
        if not (parsed and parsed.headless):  # quitting is a faster stop
            self._runner.stop()
        self._quit_if_unattended()

    def _quit_if_unattended(self) -> None:
        """End the process where nobody sits at a page and ends it, or starts another run."""
        parsed = self._environment.parsed_options
        if parsed and parsed.headless:
            self._runner.quit()
        elif parsed and parsed.autostart and parsed.autoquit >= 0:
            self._quit_in(parsed.autoquit)

    def _quit_in(self, seconds: float) -> None:
        """What Locust does after --autoquit, which it counts from the end of its own --run-time only."""
        gevent.sleep(seconds)
        if not self.active:  # nobody has started another run
            self._runner.quit()
            if self._environment.web_ui:
                self._environment.web_ui.stop()

    def _conclude(self, run: Coordinator) -> None:
        result = run.conclude()
        error = self._files.error if self._files else None
        self._environment.process_exit_code = error.exit_code if error else EXIT_CODES[result["verdict"]]

    def _release(self) -> None:
        """The run is over, whatever became of it."""
        run, self._run = self._run, None
        if run:
            run.close()
        self._resources.close()
        self._finishing = False
        self._finished.set()
