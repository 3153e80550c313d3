"""All accounts of a run's events against each other: what was sent, what failed, what was seen.

Every process hands its pages over as they fill. What agrees is settled and forgotten at once, so that memory is that
of what is under way and of what is wrong, however long the run and however many the producers.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lensload.delivery.bitmap import BLANK, FULL, Page, PageKey, PageSet, counted
from lensload.delivery.streams import LENS, Streams

Kind: TypeAlias = Literal["sent", "warm", "failed", "seen"]
"""sent: handed to a producer. warm: the part of that which was due in the warm-up. failed: told to have failed, or
never told of. seen: observed. Each process says so of its own events; what it says of a page replaces what it said."""

KINDS: Final[tuple[Kind, ...]] = ("sent", "warm", "failed", "seen")


@dataclass(slots=True)
class Findings:
    """What the accounts of one topic's events differ in, event by event.

    Attributes:
        lost: acknowledged, of the measured time, and never seen.
        warmup_lost: the same of the warm-up.
        failed_but_delivered: told to have failed, or never told of, and seen all the same.
        altered: seen with another content than sent.
    """

    lost: int = 0
    warmup_lost: int = 0
    failed_but_delivered: int = 0
    altered: int = 0


class Reconciliation:
    """The accounts of all processes of a run, page by page.

    Args:
        streams: how the run's events are numbered.
    """

    def __init__(self, streams: Streams = LENS) -> None:
        self._streams = streams
        self._pages: dict[Kind, dict[PageKey, dict[str, Page]]] = {kind: {} for kind in KINDS}
        self._touched: set[PageKey] = set()
        self._settled = PageSet()
        self._heard = False

    def add(self, process: str, kind: Kind, pages: Mapping[PageKey, Page]) -> None:
        """Take in pages of one process."""
        self._heard |= kind == "sent"
        for key, page in pages.items():
            self._pages[kind].setdefault(key, {})[process] = page
            self._touched.add(key)

    def settle(self) -> list[PageKey]:
        """The pages in which, as is now known, nothing is open; they are forgotten here."""
        settled = [key for key in self._touched if self._agrees(key)]
        self._touched.clear()
        for key in settled:
            self._settled.add(key)
            del self._pages["sent"][key], self._pages["seen"][key]
        return settled

    def findings(self) -> dict[str, Findings] | None:
        """What is open at the end, by topic; None when nobody told what was sent."""
        if not self._heard:
            return None
        found: defaultdict[str, Findings] = defaultdict(Findings)
        for key in self._pages["sent"].keys() | self._pages["failed"].keys():
            self._compare(key, found[self._streams.topic(key[0])])
        return dict(found)

    def _agrees(self, key: PageKey) -> bool:
        if key not in self._pages["sent"]:
            return False
        sent, seen = self._page("sent", key), self._page("seen", key)
        return sent.full and seen.full and bool((sent.seals == seen.seals).all())

    def _compare(self, key: PageKey, found: Findings) -> None:
        settled = key in self._settled  # and told to have failed only afterwards
        sent, seen = (FULL, FULL) if settled else (self._page("sent", key), self._page("seen", key))
        warm, failed = self._page("warm", key), self._page("failed", key)
        lost = sent.lacking(seen) & ~failed.bits
        found.lost += counted(lost & ~warm.bits)
        found.warmup_lost += counted(lost & warm.bits)
        found.failed_but_delivered += counted(failed.bits & seen.bits & ~warm.bits)
        found.altered += sent.altered(seen, sent.lacking(warm))

    def _page(self, kind: Kind, key: PageKey) -> Page:
        joined = BLANK
        for page in self._pages[kind].get(key, {}).values():
            joined = joined.joined(page)
        return joined
