"""Columns that only LENS's events have: maps that end with a link, and ranked recommendations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import OneField, Pool, Rows, strings


@dataclass(frozen=True, slots=True, eq=False)
class Linked(OneField, Rows):
    """A map field (nullable in the schema) that holds a few constant entries and, last, a link: an id.

    Attributes:
        field: the field.
        link: key of the entry that holds the id.
        constants: pool of one-field rows: the maps of the other entries.
        index: which of them each event has.
        texts: the ids, shape (n, 36), ASCII.
    """

    link: str
    constants: Pool
    index: NDArray[np.integer[Any]]
    texts: NDArray[np.uint8]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The maps."""
        rows = self.constants.rows
        for index, text in zip(self.index.tolist(), strings(self.texts), strict=True):
            yield ({**rows[index][0], self.link: text},)


@dataclass(frozen=True, slots=True, eq=False)
class Rankings(OneField, Rows):
    """An array field of Recommendation records {itemId, score, rank, explanation}, ranked from 1.

    Attributes:
        field: the field.
        item_ids: every item's id, by item index.
        items: item indices, shape (n, most).
        scores: scores, the same shape.
        shown: how many of them each event's array holds.
        explanations: every explanation, by index; None for none.
        explanation: index of the first recommendation's explanation; the others have none.
    """

    item_ids: tuple[str, ...]
    items: NDArray[np.int64]
    scores: NDArray[np.float32]
    shown: NDArray[np.int64]
    explanations: tuple[str | None, ...]
    explanation: NDArray[np.int64]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The arrays, as lists of dicts."""
        columns = (self.items, self.scores, self.shown, self.explanation)
        for items, scores, shown, reason in zip(*(c.tolist() for c in columns), strict=True):
            yield (
                [
                    {
                        "itemId": self.item_ids[items[place]],
                        "score": scores[place],
                        "rank": place + 1,
                        "explanation": self.explanations[reason] if place == 0 else None,
                    }
                    for place in range(shown)
                ],
            )
