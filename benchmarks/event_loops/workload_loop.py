"""Events as lensload's generator makes and encodes them, of a workload file of one topic, as many at once as flat out.

    python workload_loop.py payment.toml

`workload_peers.py` starts it, and says how it is told what to do.
"""

import json
import sys
import time
from base64 import b64encode
from pathlib import Path

import numpy as np

from lensload.encoding.encoders import FragmentEncoder
from lensload.ids import NS_PER_MS
from lensload.workload.loading import load
from lensload.workload.source import WorkloadSource

AT_ONCE = 4_000


def main(file: Path) -> None:
    """Make as many events as each line of the input says; answer with their bytes, and the last of them."""
    workload = load(file)
    (topic,) = workload.topics
    source = WorkloadSource(workload, (0,))
    encoder = FragmentEncoder({topic.name: json.loads(topic.schema_text)}, {topic.name: 1})
    for line in sys.stdin:
        total, value, left = 0, b"", int(line)
        while left:
            count = min(left, AT_ONCE)
            due_ns = time.time_ns() + np.arange(count) * NS_PER_MS // count
            for batch in source.events_at(due_ns):
                values = encoder.encode(batch).values
                total += sum(map(len, values))
                value = values[-1]
            left -= count
        print(total, b64encode(value).decode(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
