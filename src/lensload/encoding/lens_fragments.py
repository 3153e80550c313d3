"""Fragments of what only LENS's events have: maps that end with a link, and ranked recommendations."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from lensload import ids
from lensload.batches.lens_columns import Linked, Rankings
from lensload.encoding.avro_types import written
from lensload.encoding.fragments import Fragments
from lensload.encoding.pieces import Piece, Ragged, emptied
from lensload.errors import SchemaError

_RANKED: Final = [
    ("itemId", "string"),
    ("score", "float"),
    ("rank", "int"),
    ("explanation", ["null", "string"]),
]


def linked(write: Callable[[Any], bytes], column: Linked) -> Iterable[bytes]:
    """The map of each constant with a stand-in id as its link, without that id and the map's end."""
    stand_in = "0" * ids.TEXT_BYTES
    return (write({**row[0], column.link: stand_in})[: -ids.TEXT_BYTES - 1] for row in column.constants.rows)


def is_ranking(item: Any) -> bool:
    """Whether an array's items are recommendations as LENS has them today, with nothing more."""
    return (
        isinstance(item, dict)
        and [(field["name"], field["type"]) for field in item.get("fields", ())] == _RANKED
    )


class RankingFragments:
    """Arrays of recommendations: a first one that may be explained, and the rest, all equally long."""

    def __init__(self, column: Rankings) -> None:
        strings = [written("string", item) for item in column.item_ids]
        if len({len(string) for string in strings}) != 1:
            raise SchemaError(
                "Item ids must all be equally long.", "This is a defect of lensload; report it."
            )
        row = [("item", f"V{len(strings[0])}"), ("score", "<f4"), ("rank", "u1"), ("explanation", "u1")]
        # Without a rank, and without an explanation: branch 0.
        self._items = np.frombuffer(b"".join(string + bytes(6) for string in strings), row)
        self._counts = Fragments(written("long", count) for count in range(column.items.shape[1] + 1))
        reasons = (written(["null", "string"], reason) for reason in column.explanations)
        self._reasons = Fragments([*reasons, b""])  # the last one is that of an empty array
        self._no_reason = len(column.explanations)

    def pieces(self, column: Rankings) -> Iterable[Piece]:
        """Count, first recommendation up to its explanation, explanation, the others, the array's end."""
        count, most = column.items.shape
        items = self._items.take(column.items)
        items["score"] = column.scores
        items["rank"] = 2 * np.arange(1, most + 1)  # zig-zag varints of one byte
        width = items.itemsize
        block = items.view(np.uint8).reshape(count, most * width)
        some = column.shown > 0
        # The first recommendation is less its "no explanation"; an empty array has none.
        yield self._counts.drawn(column.shown)
        yield Ragged(block[:, : width - 1], (width - 1) * some)
        yield self._reasons.drawn(np.where(some, column.explanation, self._no_reason))
        yield Ragged(block[:, width:], width * np.maximum(column.shown - 1, 0))
        # An array is a block of `count` items and an empty block; an empty array is the empty block alone.
        yield emptied(b"\0", some)
