"""Counters: what a sequence may count instead of a lane's events, as known from the number of each event alone."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.workload import pools
from lensload.workload.file import WorkloadFile
from lensload.workload.rows import Rows
from lensload.workload.toml_lines import Place

Counter = Callable[[Rows], NDArray[np.int64]]

LEAST_ROWS: Final = 1_000
"""Rows of a pool with which lanes, which are up to five events apart, come to each row again in the order of time."""


def counters_of(file: WorkloadFile, owner: Place) -> dict[str, Counter]:
    """The counters of a topic, from 0, by what a sequence calls them; a pool has none."""
    kind, name = owner
    counters: dict[str, Counter] = {}
    table = file.topics.get(name) if kind == "topics" else None
    if table is not None and table.parent is not None:
        counters["parent"] = lambda rows: rows.event.siblings
    elif (
        table is not None and table.each is not None and (size := file.pools[table.each].count) >= LEAST_ROWS
    ):
        counters["row"] = lambda rows: pools.turns(rows.event) // size
    return counters
