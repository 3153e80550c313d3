"""Live metrics over HTTP, in the process of the master: a gevent server beside Locust's own."""

from gevent.pywsgi import WSGIServer
from prometheus_client import CollectorRegistry, make_wsgi_app

from lensload.coordinator.prometheus import RunCollector
from lensload.errors import UsageError


def serve(host: str, port: int, collector: RunCollector) -> None:
    """Serve the collector's metrics at http://host:port/metrics for as long as the process lives.

    Raises:
        UsageError: nothing can listen there.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        WSGIServer((host, port), make_wsgi_app(registry), log=None).start()
    except OSError as error:
        raise UsageError(
            f"Metrics cannot be served at {host}:{port}: {error.strerror or error}.",
            "Give another --prometheus-port or --prometheus-host.",
        ) from error
