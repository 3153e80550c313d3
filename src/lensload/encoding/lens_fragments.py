"""Fragments of what only LENS's events have: maps that end with a link, and ranked recommendations."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from lensload import ids
from lensload.batches.columns import objects
from lensload.batches.lens_columns import Linked, Rankings
from lensload.encoding.avro_types import written
from lensload.encoding.pieces import Piece
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
        self._items = np.frombuffer(b"".join(strings), dtype=np.uint8).reshape(len(strings), -1)
        most = column.items.shape[1]
        self._counts = objects(written("long", count) for count in range(most + 1))
        self._reasons = objects(written(["null", "string"], reason) for reason in column.explanations)

    def pieces(self, column: Rankings) -> Iterable[Piece]:
        """Count, first recommendation up to its explanation, explanation, the others, the array's end."""
        count, most = column.items.shape
        width = self._items.shape[1] + 6
        block = np.empty((count, most, width), dtype=np.uint8)
        block[:, :, :-6] = self._items[column.items]
        block[:, :, -6:-2] = column.scores.astype("<f4").view(np.uint8).reshape(count, most, 4)
        block[:, :, -2] = 2 * np.arange(1, most + 1)  # ranks as zig-zag varints of one byte
        block[:, :, -1] = 0  # no explanation: branch 0
        flat = block.reshape(count, most * width).tobytes()
        shown, row = column.shown, most * width
        starts = np.arange(count) * row
        # The first recommendation, less its "no explanation"; nothing at all where nothing is shown.
        some = shown > 0
        first_ends = np.where(some, starts + width - 1, starts)
        rest_starts = np.where(some, starts + width, starts)
        first = [flat[a:b] for a, b in zip(starts.tolist(), first_ends.tolist(), strict=True)]
        rest_ends = np.maximum(starts + shown * width, rest_starts)
        rest = [flat[a:b] for a, b in zip(rest_starts.tolist(), rest_ends.tolist(), strict=True)]
        reasons = self._reasons[column.explanation]
        reasons[~some] = b""
        # An array is a block of `count` items and an empty block; an empty array is the empty block alone.
        end = np.array([b"", b"\0"], dtype=object)[some.astype(np.int64)]
        return (self._counts[shown].tolist(), first, reasons.tolist(), rest, end.tolist())
