"""The odds of a page: what becomes of an answer, as exact probabilities, from the tables that sessions are drawn by."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lensload.world import model_metrics as monitor
from lensload.world import recommender, rng
from lensload.world.behaviour_mix import Mix
from lensload.world.catalogue import CUT_ITEMS

_RANKS = np.arange(1, CUT_ITEMS + 1)
_LENGTHS = np.arange(CUT_ITEMS + 1)
_STEP = 1e-6  # of a difference quotient


@dataclass(frozen=True, slots=True, eq=False)
class Odds:
    """What becomes of a page that one kind of audience asks for.

    Attributes:
        share: how often each model answers.
        length: shape (models, 11): probability that its answer holds 0 to 10 items.
        click: shape (models, 11, 10): probability that the item at each rank is clicked, by the answer's length.
        search: shape (models, 11): probability that a search follows.
    """

    share: NDArray[np.float64]
    length: NDArray[np.float64]
    click: NDArray[np.float64]
    search: NDArray[np.float64]

    @classmethod
    def of(cls, mix: Mix, kind: int = 0) -> Self:
        """The odds for behaviour number `kind` of a mix."""
        choice = np.clip(mix.choice[kind], 0, 1)
        share = np.array([model.share for model in recommender.MODELS])
        return cls(share, _lengths(), choice[:, :, :CUT_ITEMS], choice[:, :, CUT_ITEMS])

    def shown_at(self) -> NDArray[np.float64]:
        """Probability that an answer of each model shows something at each rank, shape (models, 10)."""
        return self.length @ (_LENGTHS[:, None] >= _RANKS)

    def clicked_at(self) -> NDArray[np.float64]:
        """Probability that a page of each model has a click at each rank, shown or not, shape (models, 10)."""
        return np.einsum("ms,msr->mr", self.length, self.click)

    def searched(self) -> float:
        """Probability that a search follows a page."""
        return float(self.share @ (self.length * self.search).sum(axis=1))

    def idle(self) -> float:
        """Probability that nothing is opened on a page, by a click or a search."""
        nothing = np.prod(1 - self.click, axis=2) * (1 - self.search)
        return float(self.share @ (self.length * nothing).sum(axis=1))

    def metrics(self, model: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the monitor's metrics of a model tend to, and by how much they scatter.

        Returns:
            Of each metric type its value over infinitely many answers, and the standard deviation it would have
            over one: over n it is that divided by the root of n (the delta method, exact as n grows).
        """
        mean, covariance = self._moments(model)
        value = monitor.values_of(mean[None, :])[0]
        steps = np.eye(monitor.SUMS) * _STEP
        slopes = (monitor.values_of(mean + steps) - monitor.values_of(mean - steps)) / (2 * _STEP)
        return value, np.sqrt(np.einsum("it,ij,jt->t", slopes, covariance, slopes))

    def _moments(self, model: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and covariance of what one page adds to the monitor's sums."""
        took_ms = recommender.processing_ms(np.full(len(rng.NORMAL), model), rng.NORMAL)
        mean, square = np.zeros(monitor.SUMS), np.zeros((monitor.SUMS, monitor.SUMS))
        for length in np.flatnonzero(self.length[model]).tolist():
            click, search = self.click[model, length], self.search[model, length]
            adds = np.zeros((monitor.SUMS, CUT_ITEMS))  # what a click at each rank adds to each sum
            adds[monitor.CLICKS], adds[monitor.TOP_CLICKS, 0] = 1, 1
            adds[monitor.ORDERED] = monitor.ranked_above(np.array(length), _RANKS)
            here = adds @ click
            here[[monitor.ANSWERS, monitor.ERRORS, monitor.TOOK_MS, monitor.SHOWN, monitor.SEARCHES]] = (
                1,
                length == 0,
                took_ms.mean(),
                length,
                search,
            )
            scatter = (adds * (click * (1 - click))) @ adds.T
            scatter[monitor.TOOK_MS, monitor.TOOK_MS], scatter[monitor.SEARCHES, monitor.SEARCHES] = (
                took_ms.var(),
                search * (1 - search),
            )
            mean += self.length[model, length] * here
            square += self.length[model, length] * (np.outer(here, here) + scatter)
        return mean, square - np.outer(mean, mean)


def _lengths() -> NDArray[np.float64]:
    found = np.zeros((len(recommender.MODELS), CUT_ITEMS + 1))
    for number, model in enumerate(recommender.MODELS):
        fates = {recommender.ERROR: model.error_rate, recommender.PARTIAL: model.partial_rate}
        fates[recommender.SUCCESS] = 1 - sum(fates.values())
        for asked, chance in (
            (recommender.SHORT_LIST, recommender.SHORT_LISTS),
            (CUT_ITEMS, 1 - recommender.SHORT_LISTS),
        ):
            for status, share in fates.items():
                found[number, int(recommender.shown(np.array(status), np.array(asked)))] += chance * share
    return found
