"""The generators of a workload file, each by its key: what a field's table says, as a maker of the field's type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from lensload.batches.columns import Column, Flags
from lensload.workload import drawn_makers, moment_makers, number_makers, text_makers
from lensload.workload.avro_type import AvroType
from lensload.workload.coercion import coerced, moment_ns, time_ns
from lensload.workload.counters import Counter
from lensload.workload.derived_makers import Tree
from lensload.workload.faker_values import DISTINCT, FakerValues
from lensload.workload.field_table import FieldTable
from lensload.workload.known import known
from lensload.workload.maker import Maker
from lensload.workload.moment_makers import Moments
from lensload.workload.number_form import NumberForm
from lensload.workload.number_makers import Numeric
from lensload.workload.rows import Rows
from lensload.workload.toml_lines import Place
from lensload.world import rng

OF_EVENTS: Final = ("due", "before_due", "padding")
"""Generators that only a topic's fields can have: a pool's rows are no events."""
NUMERIC: Final = ("uniform", "normal", "lognormal", "exponential", "sequence", "sum", "product", "count")
_A_POOLS_DISTINCT: Final = 10_000
_USUAL_PATTERN: Final = "????????"
_USUAL_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Site:
    """Where values are made, and with what.

    Attributes:
        place: the key of the field in the file.
        path_key: what the field's draws come from.
        faker: makes Faker's values.
        tree: the makers of the topic whose values are made.
        rows: how many rows the pool has; 0 in a topic.
        counters: what sequences may count instead of a lane's events.
    """

    place: Place
    path_key: rng.Keys
    faker: FakerValues
    tree: Tree
    rows: int
    counters: dict[str, Counter]


def made(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    """The maker of the table's generator, which is one that needs no other field.

    Raises:
        ValueError: the generator cannot make the type; a sentence's end.
        Complaint: Faker refuses.
    """
    return _BY_KEY[table.generator](table, type_, site)


def usual(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    """The maker of a type that is no record, array, map or union, where the file names no generator.

    Raises:
        ValueError: what the table says does not fit the type; a sentence's end.
    """
    key = site.path_key
    if table.length is not None:
        return text_makers.RandomBytes(type_, text_makers.lengths(table.length, key), key)
    if type_.numeric and not (type_.logical and type_.kind in ("int", "long")):
        form = NumberForm(type_, table)
        return Numeric(form, number_makers.usual(form, type_.kind, key))
    if type_.logical and type_.kind in ("int", "long"):
        return Moments(type_, moment_makers.due)
    if type_.logical == "duration":
        return text_makers.Durations(key)
    if type_.logical == "uuid":
        return text_makers.Uuids(type_, key)
    return _USUAL[type_.kind](type_, key)


class Coins:
    """Makes flags, one as often as the other."""

    def __init__(self, path_key: rng.Keys) -> None:
        self._path_key = path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        return Flags(field, rows.uniform(self._path_key) < 0.5)


def _constant(table: FieldTable, type_: AvroType, _site: Site) -> Maker:
    return drawn_makers.constant(coerced(table.constant, type_))


def _choice(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    return drawn_makers.choice(known(table.choice), type_, site.path_key)


def _numbers(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    form = NumberForm(type_, table)
    return Numeric(form, number_makers.of_table(table, form, site.path_key))


def _sequence(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    return Numeric(NumberForm(type_, table), number_makers.sequence(known(table.sequence), site.counters))


def _uniform(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    low, high = known(table.uniform)
    if isinstance(low, str) or isinstance(high, str):
        parse = time_ns if type_.logical.startswith("time-") else moment_ns
        return Moments(type_, moment_makers.between(parse(low), parse(high), site.path_key))
    return _numbers(table, type_, site)


def _uuid(_table: FieldTable, type_: AvroType, site: Site) -> Maker:
    return text_makers.Uuids(type_, site.path_key)


def _pattern(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    return text_makers.Pattern(type_, known(table.pattern), site.path_key)


def _faker(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    usual_distinct = min(site.rows, _A_POOLS_DISTINCT) if site.rows else DISTINCT
    values = site.faker.of(known(table.faker), table.distinct or usual_distinct, type_, site.place)
    if 0 < site.rows <= len(values):
        return drawn_makers.one_a_row(values)
    return drawn_makers.one_of(values, site.path_key)


def _due(_table: FieldTable, type_: AvroType, _site: Site) -> Maker:
    return Moments(type_, moment_makers.due)


def _before_due(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    return Moments(type_, moment_makers.before_due(known(table.before_due), site.path_key))


def _padding(table: FieldTable, type_: AvroType, site: Site) -> Maker:
    sizes = number_makers.sizes(known(table.padding), site.path_key)
    return text_makers.RandomBytes(
        type_,
        lambda rows: np.rint(np.maximum(sizes(rows) - site.tree.rest_bytes, 0)).astype(np.int64),
        site.path_key,
    )


def _symbol(type_: AvroType, key: rng.Keys) -> Maker:
    if not type_.symbols:
        raise ValueError(f"is {type_}, which has no symbol")
    return drawn_makers.choice(list(type_.symbols), type_, key)


_BY_KEY: Final[dict[str, Callable[[FieldTable, AvroType, Site], Maker]]] = {
    "constant": _constant,
    "choice": _choice,
    "uniform": _uniform,
    "normal": _numbers,
    "lognormal": _numbers,
    "exponential": _numbers,
    "sequence": _sequence,
    "uuid": _uuid,
    "pattern": _pattern,
    "faker": _faker,
    "due": _due,
    "before_due": _before_due,
    "padding": _padding,
}
_USUAL: Final[dict[str, Callable[[AvroType, rng.Keys], Maker]]] = {
    "null": lambda _type, _key: drawn_makers.constant(None),
    "boolean": lambda _type, key: Coins(key),
    "enum": _symbol,
    "string": lambda type_, key: text_makers.Pattern(type_, _USUAL_PATTERN, key),
    "bytes": lambda type_, key: text_makers.RandomBytes(
        type_, text_makers.lengths((_USUAL_BYTES, _USUAL_BYTES), key), key
    ),
    "fixed": text_makers.RandomBlocks,
}
