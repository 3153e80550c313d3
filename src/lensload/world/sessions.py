"""Sessions: a person asks, a model answers, the person clicks, looks, searches, keeps, rates and buys.

`play` turns session numbers into everything that happens in those sessions, a whole block at once. It is a
pure function: what happens in session s of lane l depends on the scenario, the lane, s and the mix of behaviours,
never on which other sessions are played with it.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import event_rows as kinds
from lensload.world import rng
from lensload.world import session_draws as draws
from lensload.world.behaviour_mix import PAGES_METRIC_RATE, Mix
from lensload.world.event_rows import ROW, Rows
from lensload.world.experiments import NOT_ENROLLED
from lensload.world.recommender import Answers
from lensload.world.scenario import Scenario
from lensload.world.session_clock import STEADY, Clock
from lensload.world.visits import Cast, Pages, Visits

STARS: Final = 3.2  # mean rating before it is rounded and cut; a star more for the person's first taste
STARS_SD: Final = 0.8

Column = NDArray[Any] | int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What happened in a block of sessions.

    Attributes:
        rows: every event, in no order of time; `session` and `page` index the arrays below.
        person: the person of each session.
        key: the key of each session, from which its id is made.
        pages: the recommender's answer for each page.
    """

    rows: Rows
    person: NDArray[np.int64]
    key: rng.Keys
    pages: Answers


def play(
    scenario: Scenario,
    mix: Mix,
    lane: NDArray[np.int64],
    number: NDArray[np.int64],
    assigned: NDArray[np.bool_] | None,
    clock: Clock = STEADY,
) -> Generator[None, None, Block]:
    """Play session `number[i]` of `lane[i]`, when `clock` says; sessions of a lane stand in rising order.

    A generator that pauses between steps of about equal length, and returns the block: who has something more
    urgent to do can do it in between.

    `assigned`, shape (experiments, people), says whose assignment has been told already; those told now are
    marked in it. None: nothing is told of experiments, though they have their effects.
    """
    cast = Cast.of(scenario, mix, lane, number, clock)
    yield
    pages = Pages.of(cast)
    yield
    visits = Visits.of(cast, pages)
    yield
    session_rows = SessionRows(cast, pages, visits)
    session_rows.add_pages()
    session_rows.add_visits()
    yield
    session_rows.add_purchases()
    if assigned is not None:
        session_rows.add_experiments(assigned)
    yield
    return Block(session_rows.rows(), cast.person, cast.key, pages.answers)


@dataclass(frozen=True, slots=True, eq=False)
class _Times:
    """When things happen, in seconds of the world's time."""

    request: NDArray[np.float64]  # per page
    response: NDArray[np.float64]
    opened: NDArray[np.float64]  # per visit
    closed: NDArray[np.float64]
    over: NDArray[np.float64]  # per session: after all of the above

    @classmethod
    def of(cls, cast: Cast, pages: Pages, visits: Visits) -> "_Times":
        count = len(pages.session)
        thought_s = 1 + 8 * rng.uniform(visits.key, draws.THOUGHT)  # before opening
        spent_s = thought_s + visits.dwell_s + 5  # 5 s to bookmark or rate
        answered_s = pages.answers.processing_ms / 1000
        pause_s = 2 + 20 * rng.uniform(pages.key, draws.PAUSE)
        page_s = answered_s + np.bincount(visits.page, weights=spent_s, minlength=count) + pause_s
        # Running sums within a session (of its pages) and within a page (of its visits).
        page_end = np.cumsum(page_s)
        before_session = (page_end - page_s)[pages.first]
        request = cast.start[pages.session] + 1 + page_end - page_s - before_session[pages.session]
        response = request + answered_s
        visit_end = np.cumsum(spent_s)
        first_visit = np.searchsorted(visits.page, np.arange(count))
        before_page = np.concatenate(([0.0], visit_end))[first_visit]
        opened = response[visits.page] + visit_end - spent_s - before_page[visits.page] + thought_s
        last_page = np.append(pages.first[1:], count) - 1
        return cls(request, response, opened, opened + visits.dwell_s, (request + page_s)[last_page])


class SessionRows:
    """What happened as rows, kind by kind, in causal order (equal times keep it)."""

    def __init__(self, cast: Cast, pages: Pages, visits: Visits) -> None:
        self._cast, self._pages, self._visits = cast, pages, visits
        self._times = _Times.of(cast, pages, visits)
        self._parts: list[tuple[int, dict[str, Column]]] = []
        self._last = np.full(len(cast.key), -1)  # each session's last visit, -1 where there was none
        self._last[visits.session] = np.arange(len(visits.session))  # the last one written stays
        rate = np.minimum(1, cast.mix.purchase[cast.kind] * cast.scenario.purchase_factor[cast.person])
        self._buys = (self._last >= 0) & (rng.uniform(cast.key, draws.BUYS) < rate)

    @property
    def bought(self) -> NDArray[np.bool_]:
        """Which sessions end in a purchase."""
        return self._buys

    def rows(self) -> Rows:
        """All rows, with their lanes, none later than a session may last."""
        rows = np.zeros(sum(count for count, _ in self._parts), dtype=ROW)
        at = 0
        for count, columns in self._parts:
            part = rows[at : at + count]
            for name, values in columns.items():
                part[name] = values
            at += count
        session = rows["session"]
        rows["lane"] = self._cast.lane[session]
        np.minimum(rows["time"], self._cast.start[session] + self._cast.longest_s, out=rows["time"])
        return rows

    def add_pages(self) -> None:
        """Requests and responses."""
        page, session = np.arange(len(self._pages.session)), self._pages.session
        self._add(self._times.request, what=kinds.REQUEST, session=session, page=page)
        self._add(self._times.response, what=kinds.RESPONSE, session=session, page=page)

    def add_visits(self) -> None:
        """Clicks and searches, views, bookmarks and ratings."""
        cast, visits, times = self._cast, self._visits, self._times
        story = {"session": visits.session, "page": visits.page, "item": visits.item, "rank": visits.rank}
        opening = np.where(visits.rank == 0, kinds.SEARCH, kinds.CLICK)
        # A search's value is its query, exact as a float32 below 2 ** 24.
        self._add(times.opened, what=opening, **story, value=visits.query)
        self._add(times.closed, what=kinds.VIEW, **story, value=visits.dwell_s)
        kind = cast.kind[visits.session]
        kept = np.flatnonzero(rng.uniform(visits.key, draws.KEEPS) < cast.mix.bookmark[kind])
        self._add(times.closed[kept] + 1, what=kinds.BOOKMARK, **_some(story, kept))
        rated = np.flatnonzero(rng.uniform(visits.key, draws.RATES) < cast.mix.rating[kind])
        stars = _stars(cast, visits, rated)
        self._add(times.closed[rated] + 3, what=kinds.RATING, **_some(story, rated), value=stars)

    def add_purchases(self) -> None:
        """Purchases: of the item that was viewed last."""
        visits, session = self._visits, np.flatnonzero(self._buys)
        visit = self._last[session]
        story = {"page": visits.page[visit], "item": visits.item[visit], "rank": visits.rank[visit]}
        self._add(self._times.over[session], what=kinds.PURCHASE, session=session, **story)

    def add_experiments(self, assigned: NDArray[np.bool_]) -> None:
        """Assignments, conversions, engagement and metrics of each experiment."""
        cast, visits, scenario, over = self._cast, self._visits, self._cast.scenario, self._times.over
        dwell = np.bincount(visits.session, weights=visits.dwell_s, minlength=len(cast.key))
        measured = rng.uniform(cast.key, draws.MEASURES) < PAGES_METRIC_RATE
        for index in range(len(scenario.experiments)):
            enrolled = scenario.variants[index][cast.person] != NOT_ENROLLED
            new = _first_seen(assigned[index], cast.person, enrolled)
            self._add(cast.start[new], what=kinds.ASSIGNMENT, session=new, experiment=index)
            who = np.flatnonzero(self._buys & enrolled)
            price = scenario.catalogue.price[visits.item[self._last[who]]]
            self._add(over[who] + 1, what=kinds.CONVERSION, session=who, experiment=index, value=price)
            who = np.flatnonzero((self._last >= 0) & enrolled)
            self._add(over[who] + 2, what=kinds.ENGAGEMENT, session=who, experiment=index, value=dwell[who])
            who = np.flatnonzero(measured & enrolled)
            self._add(over[who] + 2, what=kinds.METRIC, session=who, experiment=index, value=cast.pages[who])

    def _add(self, time: NDArray[np.float64], **columns: Column) -> None:
        """Rows whose columns are these; a column that is not given is 0."""
        if len(time):
            self._parts.append((len(time), {"time": time, **columns}))


def _some(story: dict[str, NDArray[np.int64]], which: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return {name: values[which] for name, values in story.items()}


def _stars(cast: Cast, visits: Visits, which: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ratings in half stars, 1 to 5: a star more for what is of the person's first taste."""
    person = cast.person[visits.session[which]]
    category = cast.scenario.catalogue.category[visits.item[which]]
    liked = category == cast.scenario.audience.first_taste[person]
    stars = STARS + liked + STARS_SD * rng.normal(visits.key[which], draws.STARS)
    return np.clip(np.rint(2 * stars) / 2, 1, 5)


def _first_seen(
    assigned: NDArray[np.bool_], person: NDArray[np.int64], enrolled: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The sessions in which an enrolled person is seen for the first time; marks them as assigned."""
    candidates = np.flatnonzero(enrolled & ~assigned[person])
    if not len(candidates):
        return candidates
    people, first = np.unique(person[candidates], return_index=True)
    assigned[people] = True
    return candidates[first]
