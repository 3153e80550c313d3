"""Start Kafka and a Schema Registry on free ports of 127.0.0.1, print how to reach them, and run until Ctrl-C or SIGTERM.

Java 17 and Maven are needed. From the repository's root: ``python -m tests.harness``.
"""

import argparse
import signal
import sys
import time

from tests.harness.artifacts import HarnessError
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

LOOK_EVERY_S = 0.5


def main() -> int:
    """Run until told to stop; 1 when a server cannot be had or ends by itself."""
    argparse.ArgumentParser("python -m tests.harness", description=__doc__).parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's `&` lets it be ignored
        signal.signal(number, signal.default_int_handler)
    try:
        return _serve()
    except KeyboardInterrupt:
        return 0
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _serve() -> int:
    began = time.monotonic()
    sys.stderr.write(
        "Starting Kafka and a registry; the first time they are fetched, which takes a minute or so …\n"
    )
    with Kafka(quick=False) as kafka, Registry() as registry:
        sys.stdout.write(
            f"# ready after {time.monotonic() - began:.1f} s; logs: {kafka.log} {registry.log}\n"
            f"export LENSLOAD_BOOTSTRAP_SERVERS={kafka.bootstrap_servers} LENSLOAD_REGISTRY_URL={registry.url}\n"
        )
        sys.stdout.flush()
        sys.stderr.write("Press Ctrl-C to stop both.\n")
        while True:
            for server in (kafka, registry):
                if not server.is_running:
                    raise HarnessError(f"{server.name} ended by itself; its log:\n{server.log_tail()}")
            time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
