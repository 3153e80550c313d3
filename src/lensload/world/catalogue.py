"""The catalogue: items with titles, categories, prices and a popularity, and the queries that find them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import names, rng
from lensload.world.rng import Wheel

# What is sold, and words that go with it: titles and queries are made of these, so they belong together.
_SHELVES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "books": (("novel", "cookbook", "biography", "atlas", "anthology"), ("illustrated", "pocket", "signed")),
    "electronics": (
        ("headphones", "keyboard", "monitor", "speaker"),
        ("wireless", "compact", "4K", "gaming"),
    ),
    "fashion": (
        ("jacket", "sneakers", "scarf", "jeans", "dress"),
        ("slim", "waterproof", "vintage", "linen"),
    ),
    "garden": (("planter", "hose", "lantern", "trowel"), ("terracotta", "solar", "folding", "rustproof")),
    "grocery": (("coffee", "olive oil", "pasta", "chocolate", "tea"), ("organic", "single-origin", "smoked")),
    "home": (("lamp", "rug", "armchair", "mirror", "blanket"), ("woven", "oak", "minimalist", "velvet")),
    "kitchen": (("skillet", "kettle", "knife set", "mixer"), ("cast-iron", "enamel", "cordless", "ceramic")),
    "movies": (("thriller", "documentary", "comedy", "drama"), ("remastered", "award-winning", "classic")),
    "music": (("album", "vinyl", "live recording", "box set"), ("acoustic", "jazz", "orchestral", "indie")),
    "outdoors": (("tent", "backpack", "sleeping bag", "stove"), ("ultralight", "three-season", "insulated")),
    "sports": (("yoga mat", "dumbbells", "bike helmet", "racket"), ("adjustable", "carbon", "junior", "pro")),
    "toys": (("puzzle", "train set", "board game", "kite"), ("wooden", "cooperative", "magnetic", "giant")),
}
_BRANDS: Final = 150
_QUERIES_AN_ITEM: Final = 3
_CUTS: Final = 128  # ranked cuts through each category that the recommender can show
CUT_ITEMS: Final = 10
SMALLEST: Final = len(_SHELVES) * CUT_ITEMS


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Every item, by index; all arrays have one entry an item unless said otherwise.

    Attributes:
        zipf_exponent: how steeply popularity falls with rank.
        categories: the categories' names; `category` indexes them.
        item_ids: the ids, all of one width.
        titles: what the items are called.
        category: index of the item's category.
        price: in the shop's currency, two decimals.
        weight: share of all demand, by Zipf's law: the item of popularity rank r has r ** -exponent; sums
            to 1.
        queries: searches that find items: query q finds item q // 3.
        category_weight: share of all demand by category.
        cuts: shape (categories, 128, 10): ranked lists of a category's items, drawn without replacement by
            weight (Gumbel's trick: the first of each is an exact draw by weight).
    """

    zipf_exponent: float
    categories: tuple[str, ...]
    item_ids: tuple[str, ...]
    titles: tuple[str, ...]
    category: NDArray[np.int64]
    price: NDArray[np.float64]
    weight: NDArray[np.float64]
    queries: tuple[str, ...]
    category_weight: NDArray[np.float64]
    cuts: NDArray[np.int64]
    _wheel: Wheel
    _flat: NDArray[np.int64]
    _starts: NDArray[np.int64]

    def demanded(self, category: NDArray[np.integer], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """The items that uniform `chance` demands of each `category`, by weight within it."""
        return self._flat[self._starts[category] + self._wheel.spin(category, chance)]

    def query_for(self, item: NDArray[np.integer], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """Index of one of the queries that find `item`, any of them equally likely."""
        return item * _QUERIES_AN_ITEM + (chance * _QUERIES_AN_ITEM).astype(np.int64)


def stocked(seed: int, size: int, zipf_exponent: float) -> Catalogue:
    """A catalogue of `size` items whose popularity falls with rank as rank ** -zipf_exponent."""
    categories = tuple(_SHELVES)
    chance = rng.keys(rng.root(seed, "catalogue"), np.arange(size))
    category = np.arange(size) % len(categories)
    # Popularity rank falls to items by lot, so that a category is not popular by its place in the alphabet.
    rank = np.argsort(rng.uniform(chance, 0), kind="stable").argsort(kind="stable") + 1
    weight = rank.astype(np.float64) ** -zipf_exponent
    weight /= weight.sum()
    members = tuple(np.flatnonzero(category == index) for index in range(len(categories)))
    titles, queries = _named(seed, category, chance)
    return Catalogue(
        zipf_exponent=zipf_exponent,
        categories=categories,
        item_ids=item_ids(size),
        titles=titles,
        category=category,
        price=_prices(chance),
        weight=weight,
        queries=queries,
        category_weight=np.bincount(category, weights=weight).astype(np.float64),
        cuts=_cut(seed, members, weight),
        _wheel=Wheel([weight[items] for items in members]),
        _flat=np.concatenate(members),
        _starts=np.concatenate(([0], np.cumsum([len(items) for items in members])[:-1])),
    )


def item_ids(size: int) -> tuple[str, ...]:
    """The ids of a catalogue of `size` items, all of one width."""
    width = max(5, len(str(size - 1)))
    return tuple(f"item-{index:0{width}d}" for index in range(size))


def _prices(chance: rng.Keys) -> NDArray[np.float64]:
    """Prices around 25, log-normal, two decimals."""
    cents = 100 * np.exp(3.2 + 0.8 * rng.normal(chance, 1))
    return np.rint(cents).astype(np.float64) / 100


def _named(
    seed: int, category: NDArray[np.int64], chance: rng.Keys
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    fake = names.fake("en_US", seed)
    brands = [fake.last_name() for _ in range(_BRANDS)]
    colours = [fake.color_name() for _ in range(_BRANDS)]
    words = list(_SHELVES.values())
    picks = np.stack([rng.uniform(chance, draw) for draw in (2, 3, 4, 5)], axis=1).tolist()
    titles: list[str] = []
    queries: list[str] = []
    for index, (a, b, c, d) in zip(category.tolist(), picks, strict=True):
        nouns, qualities = words[index]
        noun, quality = nouns[int(a * len(nouns))], qualities[int(b * len(qualities))]
        brand, colour = brands[int(c * _BRANDS)], colours[int(d * _BRANDS)]
        titles.append(f"{brand} {quality} {noun}, {colour}")
        queries.extend((noun, f"{quality} {noun}", f"{brand.lower()} {noun}"))
    return tuple(titles), tuple(queries)


def _cut(seed: int, members: tuple[NDArray[np.int64], ...], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    roots = [rng.root(seed, f"cuts of {index}") for index in range(len(members))]
    return np.stack(
        [ranked_cuts(root, items, weight[items], _CUTS) for root, items in zip(roots, members, strict=True)]
    )


def ranked_cuts(
    chance: rng.Keys, items: NDArray[np.int64], weight: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """`count` ranked lists of ten of the items, drawn without replacement by weight; shape (count, 10)."""
    keys = rng.keys(chance, np.arange(count * len(items)))
    gumbel = -np.log(-np.log(rng.uniform(keys, 0) + 2.0**-54)).reshape(count, len(items))
    order = np.argsort(-(gumbel + np.log(weight)), axis=1, kind="stable")
    return items[order[:, :CUT_ITEMS]]
