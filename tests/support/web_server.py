"""A web server of a test's own."""

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or fails to shake hands, is what some tests are about."""


@contextmanager
def web_server(
    handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Generator[str]:
    """The URL of a server on 127.0.0.1, over TLS if a server's context is given; `host` is its name in the URL."""
    server = _Quiet(("127.0.0.1", 0), handler)
    if tls:
        # The handshake belongs to the connection's own thread, or one that fails would hold up the rest.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
