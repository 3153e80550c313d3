"""Turnover: people who join and leave, items that are launched and fade, over a span of history.

What is on offer changes from day to day (in a span of more than `MOST_SEASONS` days, from one equal part to the
next): an item that is launched on a day is shown and found in sessions from that day's start.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng
from lensload.world.audience import LANES, Audience
from lensload.world.catalogue import CUT_ITEMS, SMALLEST, Catalogue, ranked_cuts

JOINING: Final = 0.25  # share of the people who join during the span
LEAVING: Final = 0.15  # share who leave during it
LAUNCHED: Final = 0.30  # share of the items that are launched during the span
HALF_LIFE_DAYS: Final = 5.0  # a launched item loses half of what it still has to lose in so many days
LASTING: Final = 0.2  # the share of its first popularity that a launched item keeps for good
MOST_SEASONS: Final = 400
SEASON_CUTS: Final = 24  # ranked cuts through each category, each season
_DAY_S: Final = 86_400.0
_FIRST_RETRY: Final = 40  # draws of a session's key
_RETRIES: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class Turnover:
    """Who is a member when, and what is on offer when; times are seconds since the span's start.

    Attributes:
        joins_s: when each person joins; -inf for those who were there before.
        leaves_s: when each person leaves; inf for those who stay.
        launch_season: the season in which each item is launched; -1 for those that were there before.
        season_s: how long a season lasts.
        cuts: the catalogue's cuts, season after season, filled in as seasons come.
    """

    joins_s: NDArray[np.float64]
    leaves_s: NDArray[np.float64]
    launch_season: NDArray[np.int64]
    season_s: float
    cuts: NDArray[np.int64]
    _seed: int
    _catalogue: Catalogue
    _filled: NDArray[np.bool_]

    @classmethod
    def over(cls, span_s: float, seed: int, audience: Audience, catalogue: Catalogue) -> Self:
        """The turnover of a span."""
        season_s = max(_DAY_S, span_s / MOST_SEASONS)
        seasons = int(span_s // season_s) + 1
        joins_s, leaves_s = _memberships(span_s, seed, len(audience.user_ids))
        shape = (len(catalogue.categories), seasons * SEASON_CUTS, CUT_ITEMS)
        return cls(
            joins_s,
            leaves_s,
            _launches(seasons, seed, len(catalogue.item_ids)),
            season_s,
            np.zeros(shape, dtype=np.int64),
            seed,
            catalogue,
            np.zeros(seasons, dtype=np.bool_),
        )

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue with the cuts of all seasons."""
        return replace(self._catalogue, cuts=self.cuts)

    def visitor(
        self,
        audience: Audience,
        lane: NDArray[np.int64],
        key: rng.Keys,
        drawn: NDArray[np.int64],
        at_s: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """The person of each session: the one `drawn`, or another of the lane if that one is no member then."""
        person = drawn.copy()
        for attempt in range(_FIRST_RETRY, _FIRST_RETRY + _RETRIES):
            absent = np.flatnonzero((self.joins_s[person] > at_s) | (self.leaves_s[person] <= at_s))
            if not len(absent):
                return person
            person[absent] = audience.visitor(lane[absent], rng.uniform(key[absent], attempt))
        # Each lane's first person is always there.
        absent = (self.joins_s[person] > at_s) | (self.leaves_s[person] <= at_s)
        return np.where(absent, lane % LANES, person)

    def first_cut(self, at_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Where the cuts of each time's season begin."""
        season = self.season(at_s)
        for number in np.unique(season).tolist():
            if not self._filled[number]:
                self._fill(number)
        return season * SEASON_CUTS

    def demanded(
        self,
        category: NDArray[np.integer],
        key: rng.Keys,
        drawn: NDArray[np.int64],
        at_s: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """The item of each search: the one `drawn`, or another of the category if that one has not its popularity."""
        item, season = drawn.copy(), self.season(at_s)
        open_ = np.arange(len(item))
        for attempt in range(_FIRST_RETRY, _FIRST_RETRY + 2 * _RETRIES, 2):
            refused = rng.uniform(key[open_], attempt) >= self.standing(item[open_], season[open_])
            open_ = open_[refused]
            if not len(open_):
                return item
            item[open_] = self._catalogue.demanded(category[open_], rng.uniform(key[open_], attempt + 1))
        # The first of a cut is drawn by weight as well.
        item[open_] = self.cuts[category[open_], season[open_] * SEASON_CUTS, 0]
        return item

    def season(self, at_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """The season of each time."""
        return np.minimum((at_s / self.season_s).astype(np.int64), len(self._filled) - 1)

    def standing(self, item: NDArray[np.integer], season: NDArray[np.integer] | int) -> NDArray[np.float64]:
        """What share of its weight each item has in a season: 0 before its launch, then less and less."""
        launch = self.launch_season[item]
        days = np.maximum(season - launch, 0) * (self.season_s / _DAY_S)
        faded = LASTING + (1 - LASTING) * 0.5 ** (days / HALF_LIFE_DAYS)
        return np.where(launch < 0, 1.0, np.where(launch > season, 0.0, faded))

    def _fill(self, season: int) -> None:
        weight = self._catalogue.weight * self.standing(np.arange(len(self.launch_season)), season)
        at = season * SEASON_CUTS
        for category in range(len(self.cuts)):
            items = np.flatnonzero((self._catalogue.category == category) & (weight > 0))
            chance = rng.root(self._seed, f"cuts of {category} in season {season}")
            self.cuts[category, at : at + SEASON_CUTS] = ranked_cuts(
                chance, items, weight[items], SEASON_CUTS
            )
        self._filled[season] = True


def _memberships(span_s: float, seed: int, people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    person = rng.keys(rng.root(seed, "members"), np.arange(people))
    joins_s = np.where(rng.uniform(person, 0) < JOINING, rng.uniform(person, 1) * span_s, -np.inf)
    leaves_s = np.where(rng.uniform(person, 2) < LEAVING, rng.uniform(person, 3) * span_s, np.inf)
    joins_s[:LANES] = -np.inf
    leaves_s[:LANES] = np.inf
    leaves_s[leaves_s <= joins_s] = np.inf
    return joins_s, leaves_s


def _launches(seasons: int, seed: int, items: int) -> NDArray[np.int64]:
    item = rng.keys(rng.root(seed, "launches"), np.arange(items))
    season = (rng.uniform(item, 1) * seasons).astype(np.int64)
    # Each category needs enough to recommend on the first day.
    new = (rng.uniform(item, 0) < LAUNCHED) & (np.arange(items) >= SMALLEST)
    return np.where(new, season, -1)
