"""Sessions: a person asks, a model answers, the person clicks, looks, searches, keeps, rates and buys.

`play` turns session numbers into everything that happens in those sessions, a whole block at once. It is a
pure function: what happens in session s of lane l depends on the seed, the lane, s and the mix of behaviours,
never on which other sessions are played with it.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import event_rows as kinds
from lensload.world import rng
from lensload.world.behaviour_mix import PAGES_METRIC_RATE, Mix
from lensload.world.catalogue import CUT_ITEMS
from lensload.world.churn import SEASON_CUTS
from lensload.world.event_rows import ROW, Rows
from lensload.world.experiments import NOT_ENROLLED
from lensload.world.recommender import Answers, answer
from lensload.world.scenario import Scenario
from lensload.world.session_clock import STEADY, Clock

_SEARCHED: Final = CUT_ITEMS  # the column of the choice matrix that stands for a search instead of a rank
LONGEST_DWELL_S: Final = 900.0
DWELL_SIGMA: Final = 0.8
STARS: Final = 3.2  # mean rating before it is rounded and cut; a star more for the person's first taste
STARS_SD: Final = 0.8

# Which draw of a session's, page's or visit's key decides what. Two things that share a number are correlated.
_PERSON, _START, _KIND, _PAGES, _BUYS, _MEASURES = range(6)
# Of a page: 0 to 9 are the recommender's, 11 to 21 decide about rank and search.
_PAUSE, _FIRST_CHOICE = 10, 11
_DWELL, _THOUGHT, _KEEPS, _RATES, _STARS, _SEEKS, _FINDS, _ASKS = range(8)

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
    cast = _Cast.of(scenario, mix, lane, number, clock)
    yield
    pages = _Pages.of(cast)
    yield
    visits = _Visits.of(cast, pages)
    yield
    telling = _Telling(cast, pages, visits)
    telling.tell_pages()
    telling.tell_visits()
    yield
    telling.tell_purchases()
    if assigned is not None:
        telling.tell_experiments(assigned)
    yield
    return Block(telling.rows(), cast.person, cast.key, pages.answers)


@dataclass(frozen=True, slots=True, eq=False)
class _Cast:
    """Who comes, when and in what mind; one entry a session."""

    scenario: Scenario
    mix: Mix
    lane: NDArray[np.int64]
    key: rng.Keys
    person: NDArray[np.int64]
    kind: NDArray[np.int64]
    start: NDArray[np.float64]
    longest_s: float
    pages: NDArray[np.int64]  # how many

    @classmethod
    def of(
        cls, scenario: Scenario, mix: Mix, lane: NDArray[np.int64], number: NDArray[np.int64], clock: Clock
    ) -> "_Cast":
        key = rng.keys(rng.keys(rng.root(scenario.seed, "sessions"), lane), number)
        kind = np.searchsorted(mix.cumulative[:-1], rng.uniform(key, _KIND), side="right")
        start = clock.at(number + rng.uniform(key, _START))
        person = scenario.audience.visitor(lane, rng.uniform(key, _PERSON))
        if scenario.turnover:
            person = scenario.turnover.visitor(scenario.audience, lane, key, person, start)
        pages = 1 + _further_pages(mix.more_pages[kind], rng.uniform(key, _PAGES))
        return cls(scenario, mix, lane, key, person, kind, start, clock.longest_session_s, pages)


def dwell_s(median_s: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time on an item, whole seconds, by standard normal chance."""
    return np.rint(np.clip(median_s * np.exp(DWELL_SIGMA * normal), 1, LONGEST_DWELL_S))


def _further_pages(p: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of three further pages are asked for, by inverting the binomial distribution."""
    none, one, two, _ = further_pages(p)
    return (chance >= none).astype(np.int64) + (chance >= none + one) + (chance >= none + one + two)


def further_pages(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """The probabilities of 0, 1, 2 and 3 further pages, each asked for with probability `p`."""
    q = 1 - p
    return q**3, 3 * p * q**2, 3 * p**2 * q, p**3


@dataclass(frozen=True, slots=True, eq=False)
class _Pages:
    """Pages of recommendations asked for; one entry a page, in the order of sessions."""

    session: NDArray[np.int64]
    first: NDArray[np.int64]  # each session's first page
    key: rng.Keys
    answers: Answers

    @classmethod
    def of(cls, cast: _Cast) -> "_Pages":
        session = np.repeat(np.arange(len(cast.key)), cast.pages)
        first = np.cumsum(cast.pages) - cast.pages
        key = rng.keys(cast.key[session], np.arange(len(session)) - first[session])
        turnover, catalogue = cast.scenario.turnover, cast.scenario.catalogue
        cuts = SEASON_CUTS if turnover else catalogue.cuts.shape[1]
        answers = answer(key, cast.person[session], cast.scenario.audience, cuts)
        if turnover:
            np.add(answers.cuts, turnover.first_cut(cast.start)[session][:, None], out=answers.cuts)
        return cls(session, first, key, answers)


@dataclass(frozen=True, slots=True, eq=False)
class _Visits:
    """Items that were opened, by a click or a search, in order of session, page and rank."""

    page: NDArray[np.int64]
    session: NDArray[np.int64]
    rank: NDArray[np.int64]  # 0 where searched
    key: rng.Keys
    item: NDArray[np.int64]
    query: NDArray[np.int64]  # meant only where searched
    dwell_s: NDArray[np.float64]

    @classmethod
    def of(cls, cast: _Cast, pages: _Pages) -> "_Visits":
        page, column = _choices(cast, pages)
        session = pages.session[page]
        key = rng.keys(pages.key[page], column)
        person = cast.person[session]
        place = np.minimum(column, CUT_ITEMS - 1)
        item = pages.answers.item_at(page, place, cast.scenario.catalogue)
        query = np.zeros(len(item), dtype=np.int64)
        searched = np.flatnonzero(column == _SEARCHED)
        item[searched], query[searched] = _sought(cast, session[searched], key[searched])
        median = cast.mix.dwell_median_s[cast.kind[session]] * cast.scenario.dwell_factor[person]
        dwell = dwell_s(median, rng.normal(key, _DWELL))
        rank = np.where(column == _SEARCHED, 0, column + 1)
        return cls(page, session, rank, key, item, query, dwell)


def _choices(cast: _Cast, pages: _Pages) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pages and columns of what is opened: a column a rank, and one for the search.

    What comes out of a matrix row by row is in the order in which it happens.
    """
    answers = pages.answers
    wanted = cast.mix.choice[cast.kind[pages.session], answers.model, answers.shown]
    chance = rng.uniforms(pages.key, _FIRST_CHOICE, wanted.shape[1])
    page, column = np.divmod(np.flatnonzero((chance < wanted).ravel()), wanted.shape[1])
    return page, column


def _sought(
    cast: _Cast, session: NDArray[np.int64], key: rng.Keys
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is searched for: the items, and the queries that find them."""
    catalogue, turnover = cast.scenario.catalogue, cast.scenario.turnover
    category, _ = cast.scenario.audience.interest(cast.person[session], rng.uniform(key, _SEEKS))
    item = catalogue.demanded(category, rng.uniform(key, _FINDS))
    if turnover:
        item = turnover.demanded(category, key, item, cast.start[session])
    return item, catalogue.query_for(item, rng.uniform(key, _ASKS))


@dataclass(frozen=True, slots=True, eq=False)
class _Times:
    """When things happen, in seconds of the world's time."""

    request: NDArray[np.float64]  # per page
    response: NDArray[np.float64]
    opened: NDArray[np.float64]  # per visit
    closed: NDArray[np.float64]
    over: NDArray[np.float64]  # per session: after all of the above

    @classmethod
    def of(cls, cast: _Cast, pages: _Pages, visits: _Visits) -> "_Times":
        count = len(pages.session)
        thought_s = 1 + 8 * rng.uniform(visits.key, _THOUGHT)  # before opening
        spent_s = thought_s + visits.dwell_s + 5  # 5 s to bookmark or rate
        answered_s = pages.answers.processing_ms / 1000
        pause_s = 2 + 20 * rng.uniform(pages.key, _PAUSE)
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


class _Telling:
    """What happened as rows, kind by kind, in causal order (equal times keep it)."""

    def __init__(self, cast: _Cast, pages: _Pages, visits: _Visits) -> None:
        self._cast, self._pages, self._visits = cast, pages, visits
        self._times = _Times.of(cast, pages, visits)
        self._parts: list[tuple[int, dict[str, Column]]] = []
        self._last = np.full(len(cast.key), -1)  # each session's last visit, -1 where there was none
        self._last[visits.session] = np.arange(len(visits.session))  # the last one written stays
        rate = np.minimum(1, cast.mix.purchase[cast.kind] * cast.scenario.purchase_factor[cast.person])
        self._buys = (self._last >= 0) & (rng.uniform(cast.key, _BUYS) < rate)

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

    def tell_pages(self) -> None:
        """Requests and responses."""
        page, session = np.arange(len(self._pages.session)), self._pages.session
        self._add(self._times.request, what=kinds.REQUEST, session=session, page=page)
        self._add(self._times.response, what=kinds.RESPONSE, session=session, page=page)

    def tell_visits(self) -> None:
        """Clicks and searches, views, bookmarks and ratings."""
        cast, visits, times = self._cast, self._visits, self._times
        story = {"session": visits.session, "page": visits.page, "item": visits.item, "rank": visits.rank}
        opening = np.where(visits.rank == 0, kinds.SEARCH, kinds.CLICK)
        # A search's value is its query, exact as a float32 below 2 ** 24.
        self._add(times.opened, what=opening, **story, value=visits.query)
        self._add(times.closed, what=kinds.VIEW, **story, value=visits.dwell_s)
        kind = cast.kind[visits.session]
        kept = np.flatnonzero(rng.uniform(visits.key, _KEEPS) < cast.mix.bookmark[kind])
        self._add(times.closed[kept] + 1, what=kinds.BOOKMARK, **_some(story, kept))
        rated = np.flatnonzero(rng.uniform(visits.key, _RATES) < cast.mix.rating[kind])
        stars = _stars(cast, visits, rated)
        self._add(times.closed[rated] + 3, what=kinds.RATING, **_some(story, rated), value=stars)

    def tell_purchases(self) -> None:
        """Purchases: of the item that was viewed last."""
        visits, session = self._visits, np.flatnonzero(self._buys)
        visit = self._last[session]
        story = {"page": visits.page[visit], "item": visits.item[visit], "rank": visits.rank[visit]}
        self._add(self._times.over[session], what=kinds.PURCHASE, session=session, **story)

    def tell_experiments(self, assigned: NDArray[np.bool_]) -> None:
        """Assignments, conversions, engagement and metrics of each experiment."""
        cast, visits, scenario, over = self._cast, self._visits, self._cast.scenario, self._times.over
        dwell = np.bincount(visits.session, weights=visits.dwell_s, minlength=len(cast.key))
        measured = rng.uniform(cast.key, _MEASURES) < PAGES_METRIC_RATE
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


def _stars(cast: _Cast, visits: _Visits, which: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ratings in half stars, 1 to 5: a star more for what is of the person's first taste."""
    person = cast.person[visits.session[which]]
    category = cast.scenario.catalogue.category[visits.item[which]]
    liked = category == cast.scenario.audience.first_taste[person]
    stars = STARS + liked + STARS_SD * rng.normal(visits.key[which], _STARS)
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
