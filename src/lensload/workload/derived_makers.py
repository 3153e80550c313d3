"""Makers of what follows from other fields of the same event: sums, products, counts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensload.workload.composite_makers import ListMaker, RecordMaker, Referred, UnionMaker
from lensload.workload.drawn_makers import Picks
from lensload.workload.known import known
from lensload.workload.maker import Maker, NumberMaker
from lensload.workload.paths import LISTS, Tokens, scope
from lensload.workload.rows import Rows


@dataclass(slots=True)
class Tree:
    """The makers of one topic, which those of its derived fields look into.

    Attributes:
        root: makes the whole record, once it is there.
        rest_bytes: size of a value without its padding; endless until it has been measured.
    """

    root: Maker | None = None
    rest_bytes: float = np.inf


def sums(tree: Tree, own: Tokens, paths: tuple[Tokens, ...]) -> Callable[[Rows], NDArray[np.float64]]:
    """The sum of some paths, for the path `own`: of a list's items the sum of all."""
    return lambda rows: np.sum([_numbers(tree, own, path, rows) for path in paths], axis=0)


def products(tree: Tree, own: Tokens, paths: tuple[Tokens, ...]) -> Callable[[Rows], NDArray[np.float64]]:
    """The product of some paths, for the path `own`."""
    return lambda rows: np.prod([_numbers(tree, own, path, rows) for path in paths], axis=0)


def counts(tree: Tree, own: Tokens, path: Tokens) -> Callable[[Rows], NDArray[np.float64]]:
    """The length of an array or map, for the path `own`."""
    return lambda rows: _numbers(tree, own, path, rows, count=True)


def _numbers(
    tree: Tree, own: Tokens, path: Tokens, rows: Rows, *, count: bool = False
) -> NDArray[np.float64]:
    """The numbers at a path for rows of the list that `own` is in, by way of the innermost list that both are in."""
    inside = scope(own)
    common = inside
    while common != path[: len(common)]:
        common = scope(common[:-1])
    levels = [token for token in inside[len(common) :] if token in LISTS]
    owners: list[NDArray[np.int64]] = []
    for _ in levels:
        owners.append(known(rows.owner))
        rows = known(rows.outer)
    maker = known(tree.root)
    for token in common:
        maker = _inner(maker, token)
    result = _reduced(maker, path[len(common) :], rows, count=count)
    for owner in reversed(owners):
        result = result[owner]
    return result


def _inner(maker: Maker, token: str) -> Maker:
    """The maker of a part, where there is only one that has it."""
    match maker:
        case RecordMaker():
            return maker.fields[token]
        case ListMaker():
            return maker.item
        case UnionMaker():
            inner = [each for each in maker.makers.values() if each is not None and _has(each, token)]
            return _inner(inner[0], token)
        case _:
            raise TypeError(f"{maker} has no parts")


def _has(maker: Maker, token: str) -> bool:
    if isinstance(maker, RecordMaker):
        return token in maker.fields
    return isinstance(maker, ListMaker) and token in LISTS


def _reduced(maker: Maker, path: Tokens, rows: Rows, *, count: bool) -> NDArray[np.float64]:
    """The numbers at a path below a maker, for its rows; of lists the sum, of nulls 0."""
    match maker:
        case UnionMaker():
            result = np.zeros(len(rows))
            for number, branch in maker.makers.items():
                places = maker.places(number, rows)
                if len(places) and branch is not None and (not path or _has(branch, path[0])):
                    result[places] = _reduced(branch, path, maker.taking(number, rows), count=count)
            return result
        case ListMaker() | Picks() if count and not path:
            return maker.counts(rows).astype(np.float64)
        case ListMaker():
            items = maker.items(rows)
            each = _reduced(maker.item, path[1:], items, count=count)
            return np.bincount(known(items.owner), each, len(rows)).astype(np.float64)
        case RecordMaker():
            return _reduced(maker.fields[path[0]], path[1:], rows, count=count)
        case Referred():
            return _reduced(maker.maker, path, maker.others(rows), count=count)
        case NumberMaker():
            return maker.numbers(rows)
        case _:
            raise TypeError(f"{maker} makes no numbers")
