"""Slots of the sessions and pages that events still refer to; the newest overwrites the oldest."""

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.world import rng
from lensload.world.behaviour_mix import MOST_PAGES
from lensload.world.event_rows import Rows
from lensload.world.recommender import Answers
from lensload.world.sessions import Block


class SessionSlots:
    """Room for so many sessions and their pages.

    Args:
        slots: how many sessions.
        run: goes into session ids, as of `session_words`.

    Attributes:
        person: the person of each session slot.
        session_text: the session id's 36 characters, by session slot.
        pages: the answers, by page slot.
        page_lane: the lane of each page slot.
        page_sequence: which of its lane's requests each page is.
        page_due_ns: when its request was due; 0 while the page has no id yet.
        page_text: the request id's 36 characters, once it has one.
    """

    def __init__(self, slots: int, run: int = 0) -> None:
        self._run = run
        page_slots = slots * MOST_PAGES
        self._sessions = slots
        self._pages = page_slots
        self._next_session = 0
        self._next_page = 0
        self.person = np.zeros(slots, dtype=np.int64)
        self.session_text = np.zeros((slots, ids.TEXT_BYTES), dtype=np.uint8)
        self.page_lane = np.zeros(page_slots, dtype=np.int64)
        self.page_text = np.zeros((page_slots, ids.TEXT_BYTES), dtype=np.uint8)
        self.page_due_ns = np.zeros(page_slots, dtype=np.int64)
        self.page_sequence = np.zeros(page_slots, dtype=np.int64)
        self._page_first = np.zeros(page_slots, dtype=np.int64)
        self.pages = Answers.zeros(page_slots)

    def firsts(self, page: NDArray[np.integer]) -> NDArray[np.int64]:
        """The places in `page` at which a page stands for the first time."""
        place = np.arange(len(page))
        # Of several, the last one written stays: the first in order.
        self._page_first[page[::-1]] = place[::-1]
        return np.flatnonzero(self._page_first[page] == place)

    def assign(self, block: Block) -> Rows:
        """Give the block's sessions and pages slots; its rows come back with slots for indices."""
        session = _slots(self._next_session, len(block.person), self._sessions)
        self.person[session] = block.person
        self.session_text[session] = ids.texts(session_words(block.key, self._run))
        page = _slots(self._next_page, len(block.pages.model), self._pages)
        self.page_due_ns[page] = 0
        for name in Answers.__slots__:
            getattr(self.pages, name)[page] = getattr(block.pages, name)
        rows = block.rows
        rows["session"] = (self._next_session + rows["session"]) % self._sessions
        rows["page"] = (self._next_page + rows["page"]) % self._pages
        self._next_session = (self._next_session + len(block.person)) % self._sessions
        self._next_page = (self._next_page + len(block.pages.model)) % self._pages
        return rows


def _slots(start: int, count: int, size: int) -> slice | NDArray[np.int64]:
    """`count` slots of a ring from `start` on: a slice, which is faster, unless they go round its end."""
    if start + count <= size:
        return slice(start, start + count)
    return (start + np.arange(count)) % size


def session_words(key: rng.Keys, run: int = 0) -> NDArray[np.uint64]:
    """Session ids: UUIDv8 (RFC 9562, section 5.8), made from the session's key and its run.

    Args:
        key: of each session.
        run: a number of the run, so that two runs of one seed write unlike ids to a topic that they share; 0: the ids are
            a function of the scenario alone, as seeding has them.
    """
    if run:
        key = rng.keys(key, np.array([run]))
    words = np.stack((rng.mixed(key ^ np.uint64(1)), rng.mixed(key ^ np.uint64(2))), axis=1)
    words[:, 0] = (words[:, 0] & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x8000)
    words[:, 1] = (words[:, 1] & np.uint64((1 << 62) - 1)) | np.uint64(1 << 63)
    return words
