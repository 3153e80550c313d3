"""Fields that follow from others of the same event: totals of a list's amounts, products, counts of items."""

from collections.abc import Sequence
from typing import Final

from lensload.workload.inference import guesser
from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.naming import singular
from lensload.workload.inference.places import Place

_NUMBERS: Final = (*guesser.WHOLE, *guesser.REAL, "bytes", "fixed")
_TOTAL: Final = frozenset({"total", "subtotal", "sum"})
_AMOUNT: Final = frozenset({"amount", "total", "subtotal", "price", "cost", "value"})
_OF_LINE: Final = frozenset({"amount", "total", "subtotal"})
_QUANTITY: Final = frozenset({"quantity", "qty"})


def of(place: Place, places: Sequence[Place]) -> Guess | None:
    """What a number follows from, where its name and the fields beside it say so.

    Args:
        place: the number.
        places: all of its topic.
    """
    if place.kind not in _NUMBERS or (place.kind in ("bytes", "fixed") and place.logical != "decimal"):
        return None
    beside = [each for each in places if each.within == place.within and each is not place]
    return _of_lists(place, beside, places) or _of_line(place, beside)


def _of_lists(place: Place, beside: Sequence[Place], places: Sequence[Place]) -> Guess | None:
    """The number or the sum of the items of a list beside the place."""
    lists = [each for each in beside if each.kind == "array" and not each.several]
    for each in lists:
        named = set(place.name) & {*each.name, *map(singular, each.name)}
        if place.name[-1:] == ("count",) and place.kind in guesser.WHOLE and (named or len(lists) == 1):
            return {"count": each.path}
        if set(place.name) & _TOTAL and (part := _amount(each, place, places)):
            return {"sum": part}
    return None


def _amount(items: Place, total: Place, places: Sequence[Place]) -> str:
    """The path of the items' amount, of the total's own type; "" where they have none."""
    amounts = [
        each
        for each in places
        if each.within == f"{items.path}[]" and _alike(each, total) and set(each.name) & _AMOUNT
    ]
    whole = [each for each in amounts if set(each.name) & _OF_LINE]
    return next((each.path for each in (*whole, *amounts)), "")


def _of_line(place: Place, beside: Sequence[Place]) -> Guess | None:
    """Quantity times price, for the amount of one line."""
    if not set(place.name) & _OF_LINE:
        return None
    prices = [each for each in beside if "price" in each.name and _alike(each, place)]
    quantities = [each for each in beside if set(each.name) & _QUANTITY and each.kind in guesser.WHOLE]
    if not prices or not quantities or quantities[0].nullable:
        return None
    return {"product": [quantities[0].path, prices[0].path]}


def _alike(one: Place, other: Place) -> bool:
    """Whether two numbers are of one type, and the first is always there."""
    scales = [each.node.get("scale", 0) if each.logical == "decimal" else 0 for each in (one, other)]
    return (one.kind, one.logical, one.nullable, scales[0]) == (other.kind, other.logical, False, scales[1])
