"""The page of `lensload bench --web`: a server of its own, one run after another, kept until Ctrl-C."""

import contextlib
import logging
import queue
import sys
import threading
from collections.abc import Generator, Mapping
from typing import Any

from flask import Flask, redirect
from werkzeug.serving import BaseWSGIServer, make_server

from lensload.config.model import RunConfig
from lensload.coordinator import local_run
from lensload.coordinator.coordinator import Coordinator
from lensload.coordinator.local_transport import LocalTransport
from lensload.errors import LensloadError, UsageError
from lensload.web import form
from lensload.web.live import Live
from lensload.web.origins import Origins
from lensload.web.pages import blueprint
from lensload.web.runs import Runs, with_free_file

PREFIX = "/lensload"


class BenchControl:
    """Lets the page start further runs in this process, after the one of the command line.

    Args:
        config: of the command line.
        live: what the page shows.

    Attributes:
        wanted: configurations of runs that were asked for.
    """

    door = "bench"
    address = ""

    def __init__(self, config: RunConfig, live: Live) -> None:
        self.wanted: queue.SimpleQueue[RunConfig] = queue.SimpleQueue()
        self.busy = True
        self._live = live
        self._config = config

    def target(self) -> str:
        """The cluster of the command line."""
        return form.target(self._config)

    def form(self) -> list[dict[str, Any]]:
        """The options of a bench run."""
        return form.groups(form.choices(self._config, in_locust=False))

    def start(self, values: Mapping[str, Any]) -> None:
        """Have a run started by the process's main thread."""
        if self.busy:
            raise UsageError("A run is on.", "Stop it first.")
        config = form.checked(self._config, values, form.choices(self._config, in_locust=False))
        self._config = config
        self.busy = True
        self.wanted.put(config)

    def stop(self) -> None:
        """Drain the run that is on."""
        if coordinator := self._live.coordinator:
            coordinator.halt()


def run(config: RunConfig) -> local_run.Result:
    """Make a run with a page, and further ones as the page asks for them, until Ctrl-C or SIGTERM; the result of the last.

    Ctrl-C in a run drains it, and the page stays. SIGTERM ends the page too: whoever sends it wants the process to end.

    Raises:
        LensloadError: nothing can listen at the address, or the run was refused before it began.
    """
    live = Live()
    control = BenchControl(config, live)
    with _served(config, live, control) as address:
        sys.stderr.write(f"Live page: {address}\n")
        result = _made(config, live, control)
        while not result.terminated:
            sys.stderr.write(f"The page stays at {address}; press Ctrl-C to close it.\n")
            try:
                config = control.wanted.get()
            except KeyboardInterrupt:
                return result
            with contextlib.suppress(LensloadError):  # the page has told it
                result = _made(config, live, control)
        return result


def _made(config: RunConfig, live: Live, control: BenchControl) -> local_run.Result:
    config = with_free_file(config)

    def attach(coordinator: Coordinator) -> None:
        live.attach(coordinator, config)

    try:
        with LocalTransport.launched(config) as transport:
            return local_run.run(config, transport, [live], attach)
    except LensloadError as error:
        live.failed(error.message, error.hint)
        sys.stderr.write(f"Error: {error}\n")
        raise
    finally:
        control.busy = False


@contextlib.contextmanager
def _served(config: RunConfig, live: Live, control: BenchControl) -> Generator[str]:
    app = Flask(__name__, static_folder=None)
    runs, origins = Runs(config.outputs.run_file.parent), _origins(config)
    app.register_blueprint(blueprint(live, control, runs, prefix=PREFIX, origins=origins))
    app.add_url_rule("/", "root", lambda: redirect(f"{PREFIX}/"))
    server = _listening(config, app)
    # Requests in a terminal would hide the run.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    thread = threading.Thread(target=server.serve_forever, name="web", daemon=True)
    thread.start()
    host, port = server.host, server.server_port
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}{PREFIX}/"
    finally:
        server.shutdown()
        server.server_close()


def _origins(config: RunConfig) -> Origins:
    host, _, _ = (config.outputs.web or "").rpartition(":")
    return Origins((host.strip("[]"), *config.outputs.web_allowed_hosts))


def _listening(config: RunConfig, app: Flask) -> BaseWSGIServer:
    assert config.outputs.web  # noqa: S101 - asked for only where it is set
    host, _, port = config.outputs.web.rpartition(":")
    try:
        return make_server(host.strip("[]"), int(port), app, threaded=True)
    except (OSError, SystemExit) as error:
        raise UsageError(
            f"The live page cannot be served at {host}:{port}: {error}.", "Give another address with --web."
        ) from error
