"""The audience: people with a place, a language, a device, a taste and a habit, divided into lanes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import names, rng
from lensload.world.catalogue import Catalogue
from lensload.world.rng import Wheel

LANES: Final = 64
_LOCALES: Final = (
    *("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "da_DK", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "ja_JP"),
    "tr_TR",
)
_PLACES_A_LOCALE: Final = 25
DEVICES: Final = ("mobile", "desktop", "tablet")
DEVICE_SHARES: Final = (0.58, 0.32, 0.10)
LOYALTY: Final = 0.7  # how often a page or a search is about the first taste rather than the second


@dataclass(frozen=True, slots=True, eq=False)
class Audience:
    """Every person, by index; person p belongs to lane p % 64.

    Attributes:
        user_ids: the ids, all of one width.
        device: index into `DEVICES` of what the person uses: the segments of the audience.
        contexts: what a request says of the person: device, locale, country, city.
        first_taste: index of the category the person likes most.
        second_taste: the one after it, another.
        activity: how often the person comes, relative to the others; log-normal.
    """

    user_ids: tuple[str, ...]
    device: NDArray[np.int64]
    contexts: tuple[dict[str, str], ...]
    first_taste: NDArray[np.int64]
    second_taste: NDArray[np.int64]
    activity: NDArray[np.float64]
    _wheel: Wheel

    def visitor(self, lane: NDArray[np.integer], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """The person of each lane that uniform `chance` brings, by activity."""
        share = lane % LANES
        return share + LANES * self._wheel.spin(share, chance)

    def visit_share(self, present: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Each person's share of all sessions, where all lanes play equally many; sums to 1.

        Args:
            present: who may come; everyone by default, at least one of each lane.
        """
        activity = self.activity if present is None else self.activity * present
        lane = np.arange(len(activity)) % LANES
        return activity / np.bincount(lane, weights=activity)[lane] / LANES

    def interest(
        self, person: NDArray[np.int64], chance: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The category each person is after now, and the one beside it."""
        first, second = self.first_taste[person], self.second_taste[person]
        loyal = chance < LOYALTY
        return np.where(loyal, first, second), np.where(loyal, second, first)


def gathered(seed: int, size: int, catalogue: Catalogue) -> Audience:
    """An audience of `size` people whose tastes follow the catalogue's demand."""
    person = rng.keys(rng.root(seed, "audience"), np.arange(size))
    demand = Wheel([catalogue.category_weight])
    first = demand.spin(0, rng.uniform(person, 0))
    # The second taste: any of the others, by lot, so that it differs from the first.
    others = len(catalogue.categories) - 1
    second = (first + 1 + (rng.uniform(person, 1) * others).astype(np.int64)) % (others + 1)
    activity = np.exp(rng.normal(person, 2))
    device = Wheel([np.array(DEVICE_SHARES)]).spin(0, rng.uniform(person, 3))
    width = max(6, len(str(size - 1)))
    return Audience(
        user_ids=tuple(f"user-{index:0{width}d}" for index in range(size)),
        device=device,
        contexts=_contexts(seed, person, device),
        first_taste=first,
        second_taste=second,
        activity=activity,
        _wheel=Wheel([activity[lane::LANES] for lane in range(LANES)]),
    )


def _contexts(seed: int, person: rng.Keys, device: NDArray[np.int64]) -> tuple[dict[str, str], ...]:
    places: list[dict[str, str]] = []
    for locale in _LOCALES:
        fake = names.fake(locale, seed)
        country = locale.partition("_")[2]
        places += [
            {"locale": locale, "country": country, "city": fake.city()} for _ in range(_PLACES_A_LOCALE)
        ]
    place = (rng.uniform(person, 4) * len(places)).astype(np.int64)
    # People of one place with one kind of device share a context, so that it is encoded once.
    contexts = [[{"device": name, **where} for where in places] for name in DEVICES]
    return tuple(contexts[which][where] for which, where in zip(device.tolist(), place.tolist(), strict=True))
