"""The truth: what a scenario and a behaviour plant in the events, as values that an analysis can be held against.

Probabilities and expectations are exact: they are computed from the tables and by the functions that sessions are
drawn with, over all their outcomes, not by simulation. What an audience happens to be (who is in which variant, who
likes what) is taken as it is.
"""

from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng
from lensload.world.audience import DEVICES, LOYALTY
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import MOST_PAGES, Mix
from lensload.world.experiments import VARIANTS
from lensload.world.model_metrics import METRIC_TYPES, THROUGHPUT
from lensload.world.odds import Odds
from lensload.world.recommender import MODELS
from lensload.world.scenario import Scenario
from lensload.world.visits import DWELL_SIGMA, LONGEST_DWELL_S, dwell_s, further_pages

_DIGITS: Final = 9


class Truth:
    """What one kind of audience does in a scenario.

    Args:
        scenario: people, goods and experiments.
        kind: how all of them behave.
        visits: each person's share of all sessions; by default as if everyone was there all the time.
    """

    def __init__(
        self, scenario: Scenario, kind: Behaviour, visits: NDArray[np.float64] | None = None
    ) -> None:
        self._scenario, self._kind = scenario, kind
        mix = Mix.of({kind: 1.0})
        self._odds = Odds.of(mix)
        self._pages = np.array([float(each[0]) for each in further_pages(mix.more_pages)])
        self._visits = scenario.audience.visit_share() if visits is None else visits
        idle = self._odds.idle() ** np.arange(1, MOST_PAGES + 1)
        self._viewed = 1 - float(self._pages @ idle)

    def as_dict(self) -> dict[str, Any]:
        """All of it, fit for JSON; the manifest's schema says what each value means."""
        told = {
            "click_through": self._click_through(),
            "experiments": {
                experiment.experiment_id: self._experiment(index)
                for index, experiment in enumerate(self._scenario.experiments)
            },
            "models": self._models(),
            "categories": self._categories(),
            "popularity": {"zipf_exponent": self._scenario.catalogue.zipf_exponent},
            "sessions": self._sessions(),
        }
        return _rounded(told)

    def _click_through(self) -> dict[str, Any]:
        odds = self._odds
        shown, clicked = odds.shown_at(), odds.clicked_at()
        return {
            "click_through": self._kind.click_through,
            "position_bias": self._kind.position_bias,
            "by_position": (odds.share @ clicked) / (odds.share @ shown),
            "by_model": {model.name: clicked[number] / shown[number] for number, model in enumerate(MODELS)},
        }

    def _experiment(self, index: int) -> dict[str, Any]:
        experiment = self._scenario.experiments[index]
        return {
            "effect": experiment.effect,
            "outcome": experiment.outcome,
            "enrolled": experiment.enrolled,
            "people": {
                name: int((self._scenario.variants[index] == number).sum())
                for number, name in enumerate(VARIANTS)
            },
            "treated_share": dict(zip(DEVICES, experiment.treated, strict=True)),
            "outcomes": {
                outcome: {
                    "lift": experiment.lift if outcome == experiment.outcome else 0.0,
                    **self._compared(index, expected),
                }
                for outcome, expected in (
                    ("conversion", self._conversion()),
                    ("engagement", self._engagement()),
                )
            },
        }

    def _conversion(self) -> NDArray[np.float64]:
        """Each person's probability that a session in which something was viewed ends in a purchase."""
        return np.minimum(1, self._kind.purchase_rate * self._scenario.purchase_factor)

    def _engagement(self) -> NDArray[np.float64]:
        """Each person's mean of the seconds looked at items in a session in which something was viewed."""
        return self._dwell_s() * self._views() / self._viewed

    def _dwell_s(self) -> NDArray[np.float64]:
        """Each person's mean of the seconds looked at an item."""
        factors, which = np.unique(self._scenario.dwell_factor, return_inverse=True)
        median_s = self._kind.dwell_median_s * factors
        return dwell_s(median_s[:, None], rng.NORMAL).mean(axis=1)[which]

    def _views(self) -> float:
        """Mean number of items opened in a session."""
        odds = self._odds
        return self._mean_pages() * (float((odds.share @ odds.clicked_at()).sum()) + odds.searched())

    def _mean_pages(self) -> float:
        return float(self._pages @ np.arange(1, MOST_PAGES + 1))

    def _compared(self, index: int, expected: NDArray[np.float64]) -> dict[str, Any]:
        """The variants' means of an outcome, in each segment and over all, as often as people come."""
        variant, device = self._scenario.variants[index], self._scenario.audience.device
        pooled = self._by_variant(variant, expected)
        segments = {
            name: self._by_variant(np.where(device == number, variant, -1), expected)
            for number, name in enumerate(DEVICES)
        }
        return {**pooled, "pooled_lift": pooled["treatment"] / pooled["control"] - 1, "segments": segments}

    def _by_variant(self, variant: NDArray[np.int64], expected: NDArray[np.float64]) -> dict[str, float]:
        return {
            name: float(np.average(expected[variant == number], weights=self._visits[variant == number]))
            for number, name in enumerate(VARIANTS)
        }

    def _models(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for number, model in enumerate(MODELS):
            value, scatter = self._odds.metrics(number)
            told[model.name] = {
                **{name: value for name, value in asdict(model).items() if name != "name"},
                "metrics": {
                    name: {"expected": value[place], "sd_of_one_answer": scatter[place]}
                    for place, name in enumerate(METRIC_TYPES)
                    if place != THROUGHPUT  # answers a second: what the rhythm of the sessions makes of it
                },
            }
        return told

    def _categories(self) -> dict[str, Any]:
        goods, people = self._scenario.catalogue, self._scenario.audience
        first, second = (
            np.bincount(taste, weights=self._visits, minlength=len(goods.categories))
            for taste in (people.first_taste, people.second_taste)
        )
        interest = LOYALTY * first + (1 - LOYALTY) * second
        return {
            "loyalty": LOYALTY,
            "demand": dict(zip(goods.categories, goods.category_weight, strict=True)),
            "interest": dict(zip(goods.categories, interest, strict=True)),
        }

    def _sessions(self) -> dict[str, Any]:
        kind = self._kind
        pages, views = self._mean_pages(), self._views()
        searches = pages * self._odds.searched()
        buying = float(self._visits @ self._conversion())
        made = {
            "view": views,
            "click": views - searches,
            "rating": views * kind.rating_rate,
            "purchase": self._viewed * buying,
            "search": searches,
            "bookmark": views * kind.bookmark_rate,
        }
        return {
            "pages": {str(count): share for count, share in enumerate(self._pages, start=1)},
            "mean_pages": pages,
            "something_viewed": self._viewed,
            "interactions": made,
            "interaction_shares": {name: mean / sum(made.values()) for name, mean in made.items()},
            "search_rate": kind.search_rate,
            "bookmark_rate": kind.bookmark_rate,
            "rating_rate": kind.rating_rate,
            "purchase_rate": kind.purchase_rate,
            "dwell_s": {
                "median": kind.dwell_median_s,
                "sigma": DWELL_SIGMA,
                "longest": LONGEST_DWELL_S,
                "mean": float(self._visits @ self._dwell_s()),
            },
        }


def _rounded(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    match value:
        case dict():
            return {name: _rounded(each) for name, each in value.items()}
        case np.ndarray():
            return [_rounded(each) for each in value.tolist()]
        case float() | np.floating():
            return round(float(value), _DIGITS)
        case _:
            return value
