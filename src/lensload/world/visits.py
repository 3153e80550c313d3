"""Visits: who comes, which pages of recommendations they ask for, and which items they open or search for.

What happens in a session is decided by its key alone (`session_draws`); when it happens, and as which events, is told in
`sessions.py`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng
from lensload.world import session_draws as draws
from lensload.world.behaviour_mix import Mix
from lensload.world.catalogue import CUT_ITEMS
from lensload.world.recommender import Answers, answer
from lensload.world.scenario import Scenario
from lensload.world.session_clock import Clock
from lensload.world.turnover import SEASON_CUTS

SEARCHED: Final = CUT_ITEMS  # the column of the choice matrix that stands for a search instead of a rank
LONGEST_DWELL_S: Final = 900.0
DWELL_SIGMA: Final = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
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
    ) -> "Cast":
        """Those of session `number[i]` of `lane[i]`."""
        root = rng.root(scenario.seed, "sessions") ^ np.uint64(scenario.chapter)
        key = rng.keys(rng.keys(root, lane), number)
        kind = np.searchsorted(mix.cumulative[:-1], rng.uniform(key, draws.KIND), side="right")
        start = clock.at(number + rng.uniform(key, draws.START))
        person = scenario.audience.visitor(lane, rng.uniform(key, draws.PERSON))
        if scenario.turnover:
            person = scenario.turnover.visitor(scenario.audience, lane, key, person, start)
        pages = 1 + _further_pages(mix.more_pages[kind], rng.uniform(key, draws.PAGES))
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
class Pages:
    """Pages of recommendations asked for; one entry a page, in the order of sessions."""

    session: NDArray[np.int64]
    first: NDArray[np.int64]  # each session's first page
    key: rng.Keys
    answers: Answers

    @classmethod
    def of(cls, cast: Cast) -> "Pages":
        """All pages of the sessions, with the recommender's answers."""
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
class Visits:
    """Items that were opened, by a click or a search, in order of session, page and rank."""

    page: NDArray[np.int64]
    session: NDArray[np.int64]
    rank: NDArray[np.int64]  # 0 where searched
    key: rng.Keys
    item: NDArray[np.int64]
    query: NDArray[np.int64]  # meant only where searched
    dwell_s: NDArray[np.float64]

    @classmethod
    def of(cls, cast: Cast, pages: Pages) -> "Visits":
        """What is opened of the recommender's answers, or searched for."""
        page, column = _choices(cast, pages)
        place = np.minimum(column, CUT_ITEMS - 1)
        return cls.opened(
            cast, pages, page, column, pages.answers.item_at(page, place, cast.scenario.catalogue)
        )

    @classmethod
    def opened(
        cls,
        cast: Cast,
        pages: Pages,
        page: NDArray[np.int64],
        column: NDArray[np.int64],
        item: NDArray[np.int64],
    ) -> "Visits":
        """The visits to what is opened on `page` in `column`: the item there, or where searched the one that is sought."""
        session = pages.session[page]
        key = rng.keys(pages.key[page], column)
        person = cast.person[session]
        query = np.zeros(len(item), dtype=np.int64)
        searched = np.flatnonzero(column == SEARCHED)
        item[searched], query[searched] = sought(cast, session[searched], key[searched])
        median = cast.mix.dwell_median_s[cast.kind[session]] * cast.scenario.dwell_factor[person]
        dwell = dwell_s(median, rng.normal(key, draws.DWELL))
        rank = np.where(column == SEARCHED, 0, column + 1)
        return cls(page, session, rank, key, item, query, dwell)


def _choices(cast: Cast, pages: Pages) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pages and columns of what is opened: a column a rank, and one for the search.

    What comes out of a matrix row by row is in the order in which it happens.
    """
    answers = pages.answers
    wanted = cast.mix.choice[cast.kind[pages.session], answers.model, answers.shown]
    chance = rng.uniforms(pages.key, draws.FIRST_CHOICE, wanted.shape[1])
    page, column = np.divmod(np.flatnonzero((chance < wanted).ravel()), wanted.shape[1])
    return page, column


def sought(
    cast: Cast, session: NDArray[np.int64], key: rng.Keys
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is searched for: the items, and the queries that find them."""
    catalogue, turnover = cast.scenario.catalogue, cast.scenario.turnover
    category, _ = cast.scenario.audience.interest(cast.person[session], rng.uniform(key, draws.SEEKS))
    item = catalogue.demanded(category, rng.uniform(key, draws.FINDS))
    if turnover:
        item = turnover.demanded(category, key, item, cast.start[session])
    return item, catalogue.query_for(item, rng.uniform(key, draws.ASKS))
