"""The master's side of all runs of a Locust process: starts each, drains it before Locust ends it, writes its file.

Stands in the master, or in a local runner beside its own worker. The drain is a phase of its own, because Locust
waits half a second for its workers and then forgets them.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_RUNNING, STATE_SPAWNING, LocalRunner, MasterRunner

from lensload import atomic_file
from lensload.config.model import RunConfig
from lensload.coordinator.prometheus import RunCollector
from lensload.coordinator.recorder import Account
from lensload.errors import LensloadError, UsageError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.locust import messages, options, prometheus_server
from lensload.locust.audience import Audience
from lensload.locust.conduct import Conduct
from lensload.report.console import print_result
from lensload.report.live import LiveView
from lensload.report.outputs import Views
from lensload.results import run_file
from lensload.results.run import Run
from lensload.results.snapshot import Snapshot
from lensload.verdict.reasons import EXIT_CODES, in_words

_log = logging.getLogger("lensload")

_STATE_BUDGET_S = 2.0
EMBEDDED_WARNING = (
    "EMBEDDED CLUSTER: no address was given, so this runs against a mock inside this process. Its numbers are the"
    " client's, not a broker's. For a real cluster give --bootstrap-servers and --registry-url."
)


class Master:
    """Conducts the runs of this Locust process, one after another.

    Args:
        environment: Locust's, with its runner.

    Attributes:
        wrote_run_file: the run that was started last has written its run file.
    """

    def __init__(self, environment: Environment) -> None:
        self.wrote_run_file = False
        runner = environment.runner
        if not isinstance(runner, (LocalRunner, MasterRunner)):
            raise TypeError(f"a {type(runner).__name__} conducts no run")
        self._environment = environment
        self._runner = runner
        self._run: Conduct | None = None
        self._config: RunConfig | None = None
        self._finishing = False
        self._finished = Event()
        self._refused = False
        self._stopping = False
        self._resources = ExitStack()
        self._view: LiveView | None = None
        self._account: Account | None = None
        for name in messages.TO_MASTER:
            runner.register_message(name, self._hear)

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
            collector = RunCollector(lambda: self._account, lambda: self.active)
            prometheus_server.serve(config.outputs.prometheus_host, config.outputs.prometheus_port, collector)

    def start(self) -> None:
        """Start a run, as Locust starts a test; whatever is wrong with it is told, and the test stopped."""
        self.finish()
        self._refused = self._stopping = self._finishing = self.wrote_run_file = False
        self._finished.clear()
        self._environment.process_exit_code = None
        try:
            self._prepare()
        except LensloadError as error:
            self._refuse(error)
            self._release()
            return
        gevent.spawn(self._conduct, self._run)

    def spawned(self) -> None:
        """Locust has spawned all its users."""
        if self._run:
            self._run.spawned.set()

    def finish(self, *, cut_short: bool = False) -> None:
        """Drain the run that is on, if one is, and write its file; returns when that is done."""
        run = self._run
        if run is None:
            return
        run.cut_short |= cut_short
        if self._finishing:
            self._finished.wait()
            return
        self._finishing = True
        try:
            run.drain()
            if run.account.times or not self._refused:
                self._conclude(run)
        finally:
            self._release()

    def give_up(self) -> None:
        """Wait for the drain no longer."""
        if self._run:
            self._run.give_up()

    def mark_cut_short(self) -> None:
        """Somebody has asked for the run to end."""
        if self._run:
            self._run.cut_short = True

    def _prepare(self) -> None:
        options_ = self._environment.parsed_options
        if options_ is None:
            raise UsageError("lensload needs Locust's own command line.", "Start it with `locust`.")
        config = options.config_of(options_)
        for kind in self._environment.user_classes:
            if issubclass(kind, Audience):
                kind.behaviour()
        poisson = config.load.profile.poisson
        atomic_file.check_writable(config.outputs.run_file)
        Views.of(config).check()
        cluster = self._host_cluster() if config.cluster.embedded else None
        self._config = config
        ends = config.load.duration_s or options_.run_time or self._environment.shape_class
        self._run = Conduct(self._runner, config, cluster=cluster, poisson=poisson, open_ended=not ends)
        self._account = self._run.account
        if cluster:
            _log.warning(EMBEDDED_WARNING)
        if options_.headless:
            self._view = self._resources.enter_context(LiveView(thresholds=config.criteria))

    def _host_cluster(self) -> EmbeddedCluster:
        pool = gevent.get_hub().threadpool  # librdkafka's calls block, and would stall every greenlet here
        cluster: EmbeddedCluster = pool.apply(EmbeddedCluster)
        self._resources.callback(pool.apply, cluster.close)
        return cluster

    def _conduct(self, run: Conduct) -> None:
        """Start the schedule, then close second after second, until the run is finished."""
        try:
            run.await_ready()
            if not self._finishing:
                run.begin(when_spawned=options.is_bench())
        except LensloadError as error:
            self._refuse(error)
        while self._run is run:
            self._show(run.account.second(draining=bool(run.stopped_ns)))
            gevent.sleep(1)
            if self._run is run and not self._finishing:
                self._look_after(run)

    def _look_after(self, run: Conduct) -> None:
        run.watch()
        run.compare_clocks()
        run.settle()
        try:
            run.check()
        except LensloadError as error:
            self._refuse(error)
        if run.is_over():
            self._stop()

    def _show(self, snapshot: Snapshot) -> None:
        if self._view:
            self._view.show(snapshot)
        else:
            for notice in snapshot.notices:
                _log.warning(notice)

    def _refuse(self, error: LensloadError) -> None:
        """Tell what is wrong, once, where people look for it, and stop the test."""
        if self._refused:
            return
        self._refused = True
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
        # Locust tells of the start before it has started, and what has not started it does not stop.
        while self._runner.state not in (STATE_SPAWNING, STATE_RUNNING) and time.monotonic() < deadline_s:
            gevent.sleep(0.02)
        parsed = self._environment.parsed_options
        stop: Callable[[], None] = self._runner.quit if parsed and parsed.headless else self._runner.stop
        stop()

    def _conclude(self, run: Conduct) -> None:
        self._show(run.account.second(draining=True))
        result = run.result()
        self._environment.process_exit_code = EXIT_CODES[result["verdict"]]
        config = self._config
        assert config is not None  # noqa: S101  # a run has one
        self._leave(lambda: self._write(config, result))
        self._leave(lambda: Views.of(config).leave([(config.outputs.run_file.stem, result)]))
        self._tell(result, config)

    def _write(self, config: RunConfig, result: Run) -> None:
        run_file.write(config.outputs.run_file, result)
        self.wrote_run_file = True

    def _leave(self, write: Callable[[], None]) -> None:
        try:
            write()
        except UsageError as error:
            _log.error(str(error))  # a message, not a traceback
            self._environment.process_exit_code = error.exit_code

    def _tell(self, result: Run, config: RunConfig) -> None:
        if self._view:
            self._resources.close()
            print_result(result, run_file=config.outputs.run_file)
        else:
            _log.info("Verdict: %s. Run file: %s", result["verdict"], config.outputs.run_file)
            for reason in result["reasons"]:
                _log.warning(in_words(reason))

    def _release(self) -> None:
        """The run is over, whatever became of it."""
        self._run = None
        self._view = None
        self._resources.close()
        self._finishing = False
        self._finished.set()

    def _hear(self, environment: Environment, msg: Message) -> None:  # noqa: ARG002  # Locust's signature
        run = self._run
        if run is None:
            return
        run.hear(msg.node_id, msg.type, msg.data)
        if msg.type == messages.SCHEDULED and run.roster.all_scheduled() and not self._finishing:
            self._stop()
