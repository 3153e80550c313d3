"""The real generator and observer, which besides write every latency that they record into files, as 8-byte integers.

    python -m lensload_keeping.generator FD
    python -m lensload_keeping.observer FD

The files lie in the folder that the environment variable LENSLOAD_KEEP_IN names: one for each stage, topic and process.
"""

import os
from pathlib import Path

from lensload.metrics.histogram import Nanoseconds
from lensload.metrics.stats import Stats


def keep() -> None:
    """From now on write down what any stats of this process is given."""
    folder, record = Path(os.environ["LENSLOAD_KEEP_IN"]), Stats.record

    def recorded(self: Stats, stage: str, topic: str, values_ns: Nanoseconds) -> None:
        with (folder / f"kept-+{stage}+{topic}+{os.getpid()}").open("ab") as file:
            file.write(values_ns.astype("<i8").tobytes())
        record(self, stage, topic, values_ns)

    Stats.record = recorded


keep()
