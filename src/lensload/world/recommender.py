"""The recommender: models that answer requests, how long they take, how often they fail, how good they are."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng
from lensload.world.audience import Audience
from lensload.world.catalogue import CUT_ITEMS, Catalogue

STATUSES: Final = ("success", "partial", "error")
SUCCESS, PARTIAL, ERROR = range(3)
ERROR_MESSAGES: Final = (
    "feature store timed out after 500 ms",
    "model server returned 503",
    "candidate generation found no eligible items",
)
LONGEST_MS: Final = 8_000
SHORT_LIST: Final = 5  # a carousel on a small screen; the page asks for CUT_ITEMS
SHORT_LISTS: Final = 0.15
# Ranks 3, 6 and 9 show the person's second taste, the others the first.
_SECOND: Final = np.array([2, 5, 8])
_FIRST: Final = np.array([0, 1, 3, 4, 6, 7, 9])
TASTE: Final = np.isin(np.arange(CUT_ITEMS), _SECOND).astype(np.int64)
_PLACE_IN_CUT: Final = np.where(TASTE == 1, np.cumsum(TASTE), np.cumsum(1 - TASTE)) - 1
# Scores fall by a constant factor from rank to rank; 64 steepnesses to choose from.
_FALLS: Final = np.linspace(0.86, 0.97, 64)[:, None] ** np.arange(CUT_ITEMS)


@dataclass(frozen=True, slots=True)
class Model:
    """A model in service.

    Attributes:
        name: modelName on the wire.
        version: modelVersion on the wire.
        share: share of the requests that it answers.
        latency_median_ms: median processing time; log-normal with `latency_sigma`.
        latency_sigma: standard deviation of the processing time's logarithm.
        error_rate: share of its answers that are errors.
        partial_rate: share of its answers that are cut short.
        quality: multiplies the click-through of what it shows.
    """

    name: str
    version: str
    share: float
    latency_median_ms: float
    latency_sigma: float
    error_rate: float
    partial_rate: float
    quality: float


MODELS: Final = (
    Model("two-tower", "3.2.0", 0.5, 45.0, 0.35, 0.004, 0.02, 1.0),
    Model("collaborative-filter", "1.9.4", 0.3, 28.0, 0.30, 0.002, 0.01, 0.85),
    Model("llm-reranker", "0.4.1", 0.2, 240.0, 0.50, 0.015, 0.05, 1.1),
)
_CUMULATIVE_SHARE: Final = np.cumsum([model.share for model in MODELS])
_LOG_MEDIAN: Final = np.log([model.latency_median_ms for model in MODELS])
_SIGMA: Final = np.array([model.latency_sigma for model in MODELS])
_ERROR: Final = np.array([model.error_rate for model in MODELS])
_PARTIAL: Final = _ERROR + np.array([model.partial_rate for model in MODELS])
QUALITY: Final = np.array([model.quality for model in MODELS])


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the recommender answered, one entry a request; its lists are worked out for those who ask.

    Attributes:
        model: index into `MODELS`.
        asked: how many recommendations the request wants.
        shown: how many the answer holds: `asked`, fewer when partial, 0 on error.
        status: index into `STATUSES`.
        processing_ms: how long the model took.
        first: category of the person's first interest now.
        second: category of the second one.
        cuts: shape (n, 2): which cut through each of the two categories is shown.
        fall: how steeply scores fall, index into 64 steepnesses.
        top: the first item's score.
        explanation: index into the explanations, 0 for none, of the first recommendation.
        error: index into `ERROR_MESSAGES`, meant only where the status is error.
    """

    model: NDArray[np.int64]
    asked: NDArray[np.int64]
    shown: NDArray[np.int64]
    status: NDArray[np.int64]
    processing_ms: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cuts: NDArray[np.int64]
    fall: NDArray[np.int64]
    top: NDArray[np.float64]
    explanation: NDArray[np.int64]
    error: NDArray[np.int64]

    @classmethod
    def zeros(cls, count: int) -> Self:
        """Room for so many answers."""
        columns: dict[str, Any] = {name: np.zeros(count, dtype=np.int64) for name in cls.__slots__}
        columns |= {"cuts": np.zeros((count, 2), dtype=np.int64), "top": np.zeros(count)}
        return cls(**columns)

    def ranked(self, which: NDArray[np.integer], catalogue: Catalogue) -> NDArray[np.int64]:
        """The items of some answers by rank, shape (n, 10); only the first `shown` of each are in the answer."""
        items = np.empty((len(which), CUT_ITEMS), dtype=np.int64)
        cuts = self.cuts[which]
        items[:, _FIRST] = catalogue.cuts[self.first[which], cuts[:, 0], : len(_FIRST)]
        items[:, _SECOND] = catalogue.cuts[self.second[which], cuts[:, 1], : len(_SECOND)]
        return items

    def item_at(
        self, which: NDArray[np.integer], place: NDArray[np.integer], catalogue: Catalogue
    ) -> NDArray[np.int64]:
        """The item at a place, 0 to 9, of each of some answers."""
        taste = TASTE[place]
        category = np.where(taste == 0, self.first[which], self.second[which])
        return catalogue.cuts[category, self.cuts[which, taste], _PLACE_IN_CUT[place]]

    def scores(self, which: NDArray[np.integer]) -> NDArray[np.float32]:
        """The scores of some answers, falling with rank, shape (n, 10)."""
        return (_FALLS[self.fall[which]] * self.top[which][:, None]).astype(np.float32)


def explanations(catalogue: Catalogue) -> tuple[str | None, ...]:
    """Every explanation an answer can give; number 0 is none, two for each category follow."""
    reasons = ("Because you often look at {}", "Popular in {} this week")
    return (None, *(reason.format(name) for name in catalogue.categories for reason in reasons))


def answer(request: rng.Keys, person: NDArray[np.int64], audience: Audience, cuts: int) -> Answers:
    """Answer the requests with the given keys, made by the given people; `cuts` is a category's number of them."""
    chances = rng.uniforms(request, 0, 10)
    model = np.searchsorted(_CUMULATIVE_SHARE[:-1], chances[:, 0], side="right")
    asked = np.where(chances[:, 1] < SHORT_LISTS, SHORT_LIST, CUT_ITEMS)
    fate = chances[:, 2]
    status = np.where(fate < _ERROR[model], ERROR, np.where(fate < _PARTIAL[model], PARTIAL, SUCCESS))
    first, second = audience.interest(person, chances[:, 4])
    reason = chances[:, 9]
    return Answers(
        model=model,
        asked=asked,
        shown=shown(status, asked),
        status=status,
        processing_ms=processing_ms(model, rng.as_normal(chances[:, 3])),
        first=first,
        second=second,
        cuts=(chances[:, 5:7] * cuts).astype(np.int64),
        fall=(chances[:, 7] * len(_FALLS)).astype(np.int64),
        top=0.8 + 0.19 * chances[:, 8],
        # One answer in two explains its first recommendation, by habit or by fashion.
        explanation=np.where(reason < 0.5, 0, 1 + 2 * first + (reason < 0.75)),
        error=(reason * len(ERROR_MESSAGES)).astype(np.int64),
    )


def shown(status: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many recommendations an answer of this status holds when `asked` are wanted."""
    return np.where(status == SUCCESS, asked, np.where(status == PARTIAL, asked // 2, 0))


def processing_ms(model: NDArray[np.int64], normal: NDArray[np.float64]) -> NDArray[np.int64]:
    """How long a model takes, whole ms, by standard normal chance."""
    took_ms = np.exp(_LOG_MEDIAN[model] + _SIGMA[model] * normal)
    return np.clip(took_ms, 1, LONGEST_MS).astype(np.int64)
