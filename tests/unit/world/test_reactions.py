"""What people do with pages that somebody else recommends."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lensload.world import event_rows as kinds
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import Mix
from lensload.world.options import WorldOptions
from lensload.world.reactions import NOTHING, Reactions, react
from lensload.world.world import made

SCENARIO = made(WorldOptions(audience_size=500, catalogue_size=600))
ORDINARY = Behaviour()
PAGES = 20_000
PERSON = np.arange(PAGES) % 500
CATEGORY, TASTE = SCENARIO.catalogue.category, SCENARIO.audience.first_taste


def reactions(items: NDArray[np.int64], pages: slice = slice(None)) -> Reactions:
    serial, mix = np.arange(PAGES)[pages], Mix.of({ORDINARY: 1.0})
    return react(SCENARIO, mix, serial % 64, serial, PERSON[pages], items[pages], assigned=None)


def of_category(category: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ten items of a category for each page."""
    choices = np.stack([np.flatnonzero(number == CATEGORY)[:10] for number in range(12)])
    return choices[category]


LIKED = of_category(TASTE[PERSON])


def test_clicks_follow_the_examination_curve_of_the_ranks():
    """The item at rank r is clicked as often as the planted click-through and position bias say."""
    rows = reactions(LIKED).rows
    clicked = np.bincount(rows["rank"][rows["what"] == kinds.CLICK], minlength=11)[1:]
    expected = PAGES * ORDINARY.click_through * np.arange(1, 11) ** -ORDINARY.position_bias
    assert np.abs(clicked - expected).max() < 5 * np.sqrt(expected.max())


def test_a_worse_answer_converts_worse():
    """Items of no taste of the person's are clicked and bought less; a short page less than a whole one; none not at all."""
    disliked = of_category((TASTE[PERSON] + 6) % 12)
    short, empty = LIKED.copy(), np.full_like(LIKED, NOTHING)
    short[:, 3:] = NOTHING
    good, bad, few, none = (reactions(items) for items in (LIKED, disliked, short, empty))
    assert bad.clicks.sum() < 0.6 * good.clicks.sum()
    assert bad.purchases.sum() < 0.8 * good.purchases.sum()
    assert few.clicks.sum() < good.clicks.sum()
    assert none.clicks.sum() == 0
    assert none.shown.sum() == 0


def test_what_was_not_shown_is_not_clicked():
    """Each click is on the very item that stood at its rank."""
    rows = reactions(LIKED).rows
    clicks = rows[rows["what"] == kinds.CLICK]
    assert (LIKED[clicks["page"], clicks["rank"].astype(int) - 1] == clicks["item"]).all()


@pytest.mark.parametrize("pages", [slice(0, 100), slice(50, 51)])
def test_a_page_is_a_function_of_its_number_and_items(pages: slice):
    """What happens on a page does not depend on which other pages are answered with it."""
    whole, part = reactions(LIKED), reactions(LIKED, pages)
    assert (whole.clicks[pages] == part.clicks).all()
    assert (whole.purchases[pages] == part.purchases).all()


def test_everything_happens_after_the_page_was_seen():
    """Times count from then, and a click takes at least a second of thought."""
    rows = reactions(LIKED).rows
    assert rows["time"].min() >= 1.0
