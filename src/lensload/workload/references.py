"""Fields whose values are of another field: of a pool's row, of the parent event, of the same event."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from lensload.parse import nearest
from lensload.workload import derived_makers, drawn_makers, topic_specs
from lensload.workload.avro_type import AvroType
from lensload.workload.coercion import coerced, default_value
from lensload.workload.complaint import Complaint, dotted
from lensload.workload.composite_makers import Referred
from lensload.workload.derived_makers import Tree
from lensload.workload.field_table import ColumnTable, FieldTable
from lensload.workload.file import WorkloadFile
from lensload.workload.known import known
from lensload.workload.maker import Maker
from lensload.workload.number_form import NumberForm
from lensload.workload.number_makers import Numeric
from lensload.workload.paths import Tokens, Wanted, find, scope, tokens, with_default
from lensload.workload.pools import PoolDraw
from lensload.workload.position import Position, others
from lensload.workload.rows import Rows
from lensload.workload.topic_specs import TopicSpec

Make = Callable[[AvroType, Wanted | None, Position], Maker]

KEYS: Final = ("from_", "values", "parent", "copy_of", "sum", "product", "count")
"""The generators that are made here."""
OF_POOLS: Final = ("from_", "values")
"""Those of them that a pool's fields can have."""
_ANY: Final = AvroType.of(["string", "double", "boolean", "bytes"])


class References:
    """Makes the makers of fields that refer to others.

    Args:
        file: what the workload file says.
        every: the spec of each topic.
        trees: the makers of each topic, which may not be there yet.
        make: makes the maker of any field.
    """

    def __init__(
        self, file: WorkloadFile, every: dict[str, TopicSpec], trees: dict[str, Tree], make: Make
    ) -> None:
        self._file, self._specs, self._trees, self._make = file, every, trees, make
        self._draws: dict[tuple[str, str, bool], PoolDraw] = {}
        self._used: set[tuple[str, str]] = set()

    def made(self, type_: AvroType, table: FieldTable, at: Position) -> Maker:
        """The maker of a field's values.

        Raises:
            Complaint: it refers to nothing, to itself, or to what does not fit.
        """
        match table.generator:
            case "from_":
                return self._from_pool(type_, table, at)
            case "values":
                return self._written(type_, table, at)
            case "parent":
                return self._from_parent(type_, known(table.parent), at)
            case "copy_of":
                return self._copied(type_, known(table.copy_of), at)
            case _:
                return self._derived(type_, table, at)

    def check_unused(self) -> None:
        """See that the fields of pools to which nothing refers could be made, of whatever type.

        Raises:
            Complaint: one cannot.
        """
        for name, pool in self._file.pools.items():
            for path, table in pool.fields.items():
                if (name, path) not in self._used:
                    few = table if table.faker is None else table.model_copy(update={"distinct": 1})
                    self._make(_ANY, Wanted(few), Position(("pools", name), path))

    def same(self, type_: AvroType, of: TopicSpec, path: str, at: Position) -> Maker:
        """The maker of the values of a path of a topic, for a field of the given type.

        Raises:
            Complaint: the types differ, or it may be null.
        """
        there = known(find(of.type, tokens(path)))
        if not any(branch.alike(type_) for branch in others(there)):
            raise at.complaint("", f"it is {there}, and the field is {type_}")
        default = with_default(of.type, tokens(path))
        if default is not None and not of.wanted.says(tokens(path)):
            return drawn_makers.constant(default_value(default))
        wanted = of.wanted.at(tokens(path))
        if wanted.table is not None and wanted.table.null:
            raise at.complaint("", "it may be null, and then the field that refers to it has no value")
        return self._make(type_, wanted, at)

    def _from_pool(self, type_: AvroType, table: FieldTable, at: Position) -> Maker:
        name, _, path = known(table.from_).partition(".")
        here = at.blame or (*at.place, "from")
        pool = self._file.pools.get(name)
        if pool is None:
            raise Complaint(here, f"there is no pool {name!r}{nearest(name, self._file.pools)}")
        columns = pool.columns
        if path not in columns:
            raise Complaint(here, f"the pool {name} has no field {path!r}{nearest(path, columns)}")
        there = at.referred(("pools", name), path, "from")
        self._used.add((name, path))
        each = not at.in_pool and self._file.topics[at.owner[1]].each == name and not table.role
        draw = (name, table.role, each)
        if draw not in self._draws:
            self._draws[draw] = PoolDraw(name, pool, self._file.seed, table.role, each=each)
        return Referred(self._draws[draw].rows, self._make(type_, Wanted(columns[path]), there))

    def _written(self, type_: AvroType, table: FieldTable, at: Position) -> Maker:
        """The maker of what a pool's rows have in a column."""
        values: list[Any] = []
        for number, value in enumerate(table.values if isinstance(table, ColumnTable) else (), start=1):
            try:
                values.append(coerced(value, type_))
            except ValueError as error:
                row = (*at.owner, "rows", str(number), at.path)
                raise Complaint(row, f"{error}, and {dotted(at.blame[:-1])} is {type_}.") from error
        return drawn_makers.one_a_row(values)

    def _from_parent(self, type_: AvroType, path: str, at: Position) -> Maker:
        parent = known(self._file.topics[at.owner[1]].parent)
        if scope(tokens(path)):
            raise at.complaint("parent", f"{path} has many values for an event")
        there = replace(at.referred(("topics", parent), path, "parent"), tree=self._trees[parent])
        maker = self.same(type_, self._specs[parent], path, there)
        return Referred(lambda rows: known(rows.event.parents), maker)

    def _copied(self, type_: AvroType, written: str, at: Position) -> Maker:
        path, own = tokens(written), at.tokens
        around = scope(path)
        if around and around != scope(own):
            raise at.complaint("copy", f"{written} has many values for one of this field")
        if path == own[: len(path)] or own == path[: len(own)]:
            raise at.complaint("copy", f"a cycle: one of {at.path} and {written} is in the other")
        there = at.referred(at.owner, written, "copy")
        maker = self.same(type_, self._specs[at.owner[1]], written, replace(there, records=at.records))
        return Referred(_itself if around == scope(own) else _event, maker)

    def _derived(self, type_: AvroType, table: FieldTable, at: Position) -> Maker:
        form = at.told(table.generator, lambda: NumberForm(type_, table))
        own = at.tokens
        self._check_operands(table, at, table.generator, ())
        if table.count is not None:
            return Numeric(form, derived_makers.counts(at.tree, own, tokens(table.count)))
        if table.sum is not None:
            return Numeric(form, derived_makers.sums(at.tree, own, tuple(tokens(path) for path in table.sum)))
        paths = tuple(tokens(path) for path in known(table.product))
        if not all(_has_one(own, path) for path in paths):
            raise at.complaint("product", "one of its fields has many values for one of this field")
        return Numeric(form, derived_makers.products(at.tree, own, paths))

    def _check_operands(self, table: FieldTable, at: Position, key: str, seen: tuple[str, ...]) -> None:
        """Each field that a derived one is computed from has numbers, or items to count; and none is computed from it."""
        of = self._specs[at.owner[1]]
        for what, path in topic_specs.own_references(table):
            if path == at.path or path in seen:
                raise at.complaint(key, f"a cycle: {' from '.join((at.path, *seen, path))}")
            there = known(find(of.type, tokens(path)))
            branches = others(there)
            if what == "count" and not any(branch.kind in ("array", "map") for branch in branches):
                raise at.complaint(key, f"{path} is {there}: the items of an array or map are counted")
            if what in ("sum", "product") and not any(branch.numeric for branch in branches):
                raise at.complaint(key, f"{path} is {there}, and has no numbers")
            other = of.wanted.at(tokens(path)).table
            if other is not None:
                self._check_operands(other, at, key, (*seen, path))


def _itself(rows: Rows) -> Rows:
    return rows


def _event(rows: Rows) -> Rows:
    return rows.event


def _has_one(own: Tokens, path: Tokens) -> bool:
    """Whether a path has one value for each of the path `own`."""
    around = scope(path)
    return own[: len(around)] == around
