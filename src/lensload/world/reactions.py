"""Reactions: what people do with pages that somebody else recommends, by the same rules as in the world's own sessions.

A page is a session of its own here: nobody but the world knows which pages belong together.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng
from lensload.world import session_draws as draws
from lensload.world.behaviour_mix import Mix
from lensload.world.catalogue import CUT_ITEMS
from lensload.world.event_rows import Rows
from lensload.world.recommender import Answers
from lensload.world.scenario import Scenario
from lensload.world.session_clock import STEADY
from lensload.world.sessions import SessionRows
from lensload.world.visits import Cast, Pages, Visits

NOTHING: Final = -1
"""In place of an item: there is none, or none that the catalogue has."""

OFF_TASTE: Final = 0.3
"""How often an item of a category that is to neither of a person's two tastes is clicked, relative to one that is."""

_ORDINARY: Final = 0  # the model whose quality is 1
_SEEN_S: Final = -1.0  # a session asks for its page a second after it begins: so that it is seen at 0


@dataclass(frozen=True, slots=True, eq=False)
class Reactions:
    """What happens on some pages.

    Attributes:
        rows: every event; `time` counts from when the page was seen, `session` and `page` say which page.
        shown: how many items of the catalogue each page showed.
        clicks: how many of them were clicked.
        purchases: whether the page ended in a purchase.
    """

    rows: Rows
    shown: NDArray[np.int64]
    clicks: NDArray[np.int64]
    purchases: NDArray[np.bool_]


def react(
    scenario: Scenario,
    mix: Mix,
    lane: NDArray[np.int64],
    serial: NDArray[np.int64],
    person: NDArray[np.int64],
    items: NDArray[np.int64],
    *,
    assigned: NDArray[np.bool_] | None,
) -> Reactions:
    """What people do with pages: a pure function of the scenario, the mix, the pages' numbers and their items.

    Args:
        scenario: the people, goods and experiments.
        mix: how the audience behaves.
        lane: the lane of each page.
        serial: the number of each page's request.
        person: who sees it.
        items: what is shown at ranks 1 to 10, shape (n, 10); NOTHING where there is none.
        assigned: as in `lensload.world.sessions.play`.
    """
    count = len(serial)
    key = page_keys(scenario, serial)
    kind = np.searchsorted(mix.cumulative[:-1], rng.uniform(key, draws.KIND), side="right")
    start, one = np.full(count, _SEEN_S), np.ones(count, np.int64)
    cast = Cast(scenario, mix, lane, key, person, kind, start, STEADY.longest_session_s, one)
    pages = Pages(np.arange(count), np.arange(count), key, Answers.zeros(count))
    wanted = mix.choice[kind, _ORDINARY, CUT_ITEMS].copy()
    wanted[:, :CUT_ITEMS] *= appeal(scenario, person, items)
    chance = rng.uniforms(key, draws.FIRST_CHOICE, wanted.shape[1])
    page, column = np.divmod(np.flatnonzero((chance < wanted).ravel()), wanted.shape[1])
    item = items[page, np.minimum(column, CUT_ITEMS - 1)]
    visits = Visits.opened(cast, pages, page, column, item)
    session_rows = SessionRows(cast, pages, visits)
    session_rows.add_visits()
    session_rows.add_purchases()
    if assigned is not None:
        session_rows.add_experiments(assigned)
    shown = np.count_nonzero(items != NOTHING, axis=1)
    clicks = np.bincount(page[column < CUT_ITEMS], minlength=count)
    return Reactions(session_rows.rows(), shown, clicks, session_rows.bought)


def page_keys(scenario: Scenario, serial: NDArray[np.int64]) -> rng.Keys:
    """The key of each page, from which everything on it is drawn."""
    return rng.keys(rng.root(scenario.seed, "answered pages"), serial)


def appeal(scenario: Scenario, person: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.float64]:
    """By what each item's click-through is multiplied for who sees it, shape (n, 10)."""
    category = scenario.catalogue.category[items]
    audience = scenario.audience
    liked = (category == audience.first_taste[person][:, None]) | (
        category == audience.second_taste[person][:, None]
    )
    return np.where(items == NOTHING, 0.0, np.where(liked, 1.0, OFF_TASTE))
