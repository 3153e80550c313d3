"""The mix: which kinds of audience come, and how often each."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lensload.world.behaviour import Behaviour
from lensload.world.catalogue import CUT_ITEMS
from lensload.world.experiments import running
from lensload.world.recommender import MODELS, QUALITY, SHORT_LIST, SHORT_LISTS

MOST_PAGES: Final = 4
# Eight for each model that answered, each 128 sessions of a lane (`lensload.world.model_metrics`).
_METRICS_A_SESSION: Final = 8 * len(MODELS) / 128
PAGES_METRIC_RATE: Final = 0.25  # how often an experiment is told how many pages a session had


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Behaviours with their shares of the sessions, as tables to index by behaviour.

    Attributes:
        behaviours: the kinds of audience.
        cumulative: running sum of their shares of the sessions, ending at 1.
        choice: probabilities that rank 1 to 10 of a page is clicked and that a search follows it, shape
            (behaviours, models, 11 lengths of the answer, 11).
    """

    behaviours: tuple[Behaviour, ...]
    cumulative: NDArray[np.float64]
    more_pages: NDArray[np.float64]
    choice: NDArray[np.float64]
    bookmark: NDArray[np.float64]
    rating: NDArray[np.float64]
    purchase: NDArray[np.float64]
    dwell_median_s: NDArray[np.float64]

    @classmethod
    def of(cls, rates: dict[Behaviour, float]) -> Self:
        """The mix in which each behaviour makes its share of the *events*, given as events per second."""
        kinds = tuple(rates)
        sessions = np.array([rate / events_per_session(kind) for kind, rate in rates.items()])
        return cls(
            behaviours=kinds,
            cumulative=np.cumsum(sessions / sessions.sum()),
            more_pages=np.array(
                [min(1.0, (kind.pages_per_session - 1) / (MOST_PAGES - 1)) for kind in kinds]
            ),
            choice=np.array([_choice(kind) for kind in kinds]),
            bookmark=np.array([kind.bookmark_rate for kind in kinds]),
            rating=np.array([kind.rating_rate for kind in kinds]),
            purchase=np.array([kind.purchase_rate for kind in kinds]),
            dwell_median_s=np.array([kind.dwell_median_s for kind in kinds]),
        )


def _choice(kind: Behaviour) -> NDArray[np.float64]:
    ranks = np.arange(1, CUT_ITEMS + 1)
    shown = ranks <= np.arange(CUT_ITEMS + 1)[:, None]
    clicked = kind.click_through * ranks**-kind.position_bias
    table = np.empty((len(MODELS), CUT_ITEMS + 1, CUT_ITEMS + 1))
    table[:, :, :CUT_ITEMS] = QUALITY[:, None, None] * np.where(shown, clicked, 0)
    table[:, :, CUT_ITEMS] = kind.search_rate
    return table


def events_per_session(kind: Behaviour) -> float:
    """About how many events a session of this kind makes, model metrics left out; what a mix is reckoned by."""
    return sum(events_by_topic(kind)[:4])


def events_by_topic(kind: Behaviour) -> tuple[float, ...]:
    """About how many events of each of `lensload.world.event_rows.TOPICS` a session of this kind makes.

    Failed answers and lifts are left out: they move it by a percent or two.
    """
    quality = sum(model.share * model.quality for model in MODELS)
    clicks = np.minimum(1, quality * kind.click_through * np.arange(1, CUT_ITEMS + 1) ** -kind.position_bias)
    short = clicks[:SHORT_LIST]
    visits = float((1 - SHORT_LISTS) * clicks.sum() + SHORT_LISTS * short.sum()) + kind.search_rate
    done = visits * (2 + kind.bookmark_rate + kind.rating_rate)
    idle = float(np.prod(1 - clicks)) * (1 - kind.search_rate)
    pages = min(kind.pages_per_session, float(MOST_PAGES))
    any_visit = 1 - idle**pages
    enrolments = sum(experiment.enrolled for experiment in running())
    told = enrolments * (PAGES_METRIC_RATE + any_visit * (1 + kind.purchase_rate))
    return (pages, pages, pages * done + any_visit * kind.purchase_rate, told, _METRICS_A_SESSION)
