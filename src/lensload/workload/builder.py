"""The builder: from a topic's schema and what is wanted of it to the makers of its values."""

import json
from dataclasses import replace
from typing import Final

from lensload.workload import counts, drawn_makers, faker_values, generators, text_makers, topic_specs, unions
from lensload.workload.avro_type import AvroField, AvroType
from lensload.workload.coercion import default_value
from lensload.workload.complaint import Complaint
from lensload.workload.composite_makers import ListMaker, MapMaker, RecordMaker
from lensload.workload.counters import counters_of
from lensload.workload.derived_makers import Tree
from lensload.workload.drawn_makers import Picks
from lensload.workload.faker_values import FakerValues
from lensload.workload.field_table import FieldTable
from lensload.workload.generators import Site
from lensload.workload.known import known
from lensload.workload.maker import Maker
from lensload.workload.model import Workload
from lensload.workload.paths import ITEMS, VALUES, Wanted, find, joined, step
from lensload.workload.position import MOST_ITEMS, Position, others
from lensload.workload.references import KEYS, OF_POOLS, References
from lensload.workload.topic_specs import TopicSpec
from lensload.world import rng

_COMPOSITE: Final = ("record", "array", "map")
_LENGTH: Final = (1, 3)
# How often a record may be inside itself: what may be left out there is left out.
_DEEPEST: Final = 2
_TEXT: Final = AvroType.of("string")
_SILENT: Final = FieldTable.model_validate({})


class _TooDeepError(Exception):
    """A record is inside itself as often as it may be."""


class Builder:
    """Makes the makers of a workload's topics.

    Args:
        workload: the workload.

    Raises:
        Complaint: something in the file does not fit.
    """

    def __init__(self, workload: Workload) -> None:
        faker_values.check_memory(workload.file)
        self._file = workload.file
        self._faker = FakerValues(workload.file.seed, workload.file.locale)
        self._specs = topic_specs.of(workload)
        self._trees = {topic: Tree() for topic in self._specs}
        self._references = References(workload.file, self._specs, self._trees, self._maker)

    def tree(self, topic: str) -> Tree:
        """The makers of a topic's values."""
        of = self._specs[topic]
        tree = self._trees[topic]
        try:
            tree.root = self._maker(of.type, of.wanted, Position(("topics", topic), tree=tree))
        except _TooDeepError as error:
            raise Complaint(
                ("topics", topic, "schema"),
                "its values would be endless: a record of it always holds itself.",
            ) from error
        return tree

    def check_pools(self) -> None:
        """See that pools have no field that could not be made, once everything that refers to them is made.

        Raises:
            Complaint: they have.
        """
        self._references.check_unused()

    def keys(self, topic: str, tree: Tree) -> dict[str, Maker | str]:
        """What makes the fields of a topic's key, by name: a maker, or the name of the field at the top that it is."""
        of = self._specs[topic]
        if of.topic.key_schema_text is not None:
            return self._by_key_schema(of, AvroType.of(json.loads(of.topic.key_schema_text)), tree)
        makers: dict[str, Maker | str] = {}
        for path in of.keys:
            name = ".".join(path)
            at = Position(("topics", topic), name, tree=tree)
            single = len(path) == 1
            makers[name] = name if single else self._maker(known(find(of.type, path)), of.wanted.at(path), at)
        return makers

    def headers(self, topic: str, tree: Tree) -> dict[str, Maker]:
        """What makes the record headers of a topic, by name: that of the event's id first."""
        of = self._specs[topic].topic
        makers: dict[str, Maker] = {of.id_header: self._stopwatch(_TEXT, topic)} if of.id_header else {}
        for name, table in of.table.header_tables.items():
            at = Position(("topics", topic), name, tree=tree, is_header=True)
            makers[name] = self._maker(_TEXT, Wanted(table), at)
        return makers

    def _by_key_schema(self, of: TopicSpec, type_: AvroType, tree: Tree) -> dict[str, Maker | str]:
        """The fields of a key's record by name, or else in their order; or the key itself."""
        here = ("topics", of.topic.name, "key_schema")
        fields = {each.name: each.type for each in type_.fields} if type_.kind == "record" else {"key": type_}
        if len(fields) != len(of.keys):
            raise Complaint(here, f"{type_} has {len(fields)} fields, and key names {len(of.keys)}.")
        names = [path[-1] for path in of.keys]
        paths = dict(zip(names if set(names) == set(fields) else fields, of.keys, strict=True))
        makers: dict[str, Maker | str] = {}
        for name, wanted_type in fields.items():
            written = ".".join(paths[name])
            at = Position(("topics", of.topic.name), written, here, tree=tree)
            branches = others(wanted_type)
            makers[name] = self._references.same(
                branches[0] if len(branches) == 1 else wanted_type, of, written, at
            )
        return makers

    def _maker(self, type_: AvroType, wanted: Wanted | None, at: Position) -> Maker:
        """The maker of a place, which the file says something of or not."""
        if type_.kind == "union":
            return self._union(type_, wanted, at)
        table = _table(wanted)
        if table.null:
            raise at.complaint("null", f"null needs a union with null, and the field is {type_}")
        if table.branch is not None:
            raise at.complaint("branch", f"branch chooses a type of a union, and the field is {type_}")
        return self._single(type_, wanted, at)

    def _single(self, type_: AvroType, wanted: Wanted | None, at: Position) -> Maker:
        """The maker of a type that is no union."""
        table = _table(wanted)
        if self._is_stopwatch(at):
            return self._stopwatch(type_, at.owner[1])
        _check_modifiers(type_, table, at)
        if table.generator:
            inner = next(wanted.parts(at.path), "") if wanted is not None else ""
            if inner:
                raise at.complaint("", f"it makes all of the field, so {inner} cannot be made by itself")
            return self._generated(type_, table, at)
        _check_parts(type_, wanted, at)
        match type_.kind:
            case "record":
                return self._record(type_, wanted, at)
            case "array":
                return self._array(type_, wanted, at)
            case "map":
                return self._map(type_, wanted, at)
            case _:
                return at.told("", lambda: generators.usual(table, type_, self._site(at)))

    def _is_stopwatch(self, at: Position) -> bool:
        if at.in_pool or at.is_header:
            return False
        path = self._specs[at.owner[1]].stopwatch
        return bool(path) and at.path == ".".join(path)

    def _stopwatch(self, type_: AvroType, topic: str) -> Maker:
        return text_makers.Stopwatches(type_, list(self._specs).index(topic), len(self._specs))

    def _generated(self, type_: AvroType, table: FieldTable, at: Position) -> Maker:
        key = table.generator
        if at.in_pool and (key in generators.OF_EVENTS or (key in KEYS and key not in OF_POOLS)):
            raise at.complaint(
                key, f"{key.removesuffix('_of')} is of events, and the rows of a pool are none"
            )
        if key in KEYS:
            return self._references.made(type_, table, at)
        return at.told(key, lambda: generators.made(table, type_, self._site(at)))

    def _site(self, at: Position) -> Site:
        rows = self._file.pools[at.owner[1]].count if at.in_pool else 0
        return Site(at.place, self._key(at), self._faker, at.tree, rows, counters_of(self._file, at.owner))

    def _key(self, at: Position, what: str = "") -> rng.Keys:
        owner = ".".join((*at.owner, "headers") if at.is_header else at.owner)
        return rng.root(self._file.seed, f"{owner}.{at.path} {what}")

    def _record(self, type_: AvroType, wanted: Wanted | None, at: Position) -> Maker:
        if at.records.count(type_.name) >= _DEEPEST:
            raise _TooDeepError
        inside = replace(at, records=(*at.records, type_.name))
        makers = {
            each.name: self._field(each, wanted and wanted.inner.get(each.name), inside.into(each.name))
            for each in type_.fields
        }
        return RecordMaker(makers) if makers else drawn_makers.constant({})

    def _field(self, of: AvroField, wanted: Wanted | None, at: Position) -> Maker:
        if wanted is None and of.has_default:
            return drawn_makers.constant(default_value(of))
        return self._maker(of.type, wanted, at)

    def _array(self, type_: AvroType, wanted: Wanted | None, at: Position) -> Maker:
        length = _table(wanted).length or _usual_length(at)
        high = counts.bounds(length)[1]
        try:
            item = self._maker(type_.items, wanted and wanted.inner.get(ITEMS), at.into_items(ITEMS, high))
        except _TooDeepError:
            return drawn_makers.constant([])
        lengths = text_makers.lengths(length, self._key(at, "length"))
        return ListMaker(item, lengths, self._key(at, "items"))

    def _map(self, type_: AvroType, wanted: Wanted | None, at: Position) -> Maker:
        table = _table(wanted)
        some = len(table.keys or ())
        length = table.length or ((min(1, some), some) if some else _usual_length(at))
        high = counts.bounds(length)[1]
        keys = table.keys or tuple(f"key-{number}" for number in range(1, high + 1))
        if high > len(keys):
            raise at.complaint("keys", f"keys are only {len(keys)}, and length goes to {high}")
        if len(set(keys)) < len(keys):
            raise at.complaint("keys", "keys has one twice")
        try:
            item = self._maker(type_.items, wanted and wanted.inner.get(VALUES), at.into_items(VALUES, high))
        except _TooDeepError:
            return drawn_makers.constant({})
        lengths = text_makers.lengths(length, self._key(at, "length"))
        return MapMaker(item, lengths, keys, self._key(at, "items"))

    def _union(self, type_: AvroType, wanted: Wanted | None, at: Position) -> Maker:
        table = _table(wanted)
        if table.null and not type_.nullable:
            raise at.complaint("null", f"null needs a union with null, and the field is {type_}")
        if type_.nullable and (wanted is None or table.null == 1):
            return drawn_makers.constant(None)
        makers, weights = self._branches(type_, wanted, at)
        if not makers and type_.nullable:
            return drawn_makers.constant(None)
        if not makers:
            raise _TooDeepError
        first = next(iter(makers.values()))
        if len(others(type_)) == 1 and isinstance(first, Picks):
            return first.with_null(table.null, self._key(at, "null")) if table.null else first
        # A serializer looks for the branch of a value that names none, and fastavro does not find that of a record,
        # list or map with a named branch in it.
        if len(others(type_)) == 1 and not table.null and others(type_)[0].kind not in _COMPOSITE:
            return first
        return unions.maker(type_, makers, weights, table.null, self._key(at, "null"))

    def _branches(
        self, type_: AvroType, wanted: Wanted | None, at: Position
    ) -> tuple[dict[int, Maker], list[float]]:
        """The makers of a union's branches that are used, by their number, and their weights.

        Of those that a generator can make, the first, unless the file names several; none where all are too deep.
        """
        table = _table(wanted)
        tries = bool(table.generator) and table.branch is None
        makers: dict[int, Maker] = {}
        weights: list[float] = []
        refused: list[Complaint] = []
        chosen = unions.chosen(type_, table, wanted, at)
        used = [type_.branches[number] for number in chosen]
        for number, weight in chosen.items():
            branch = type_.branches[number]
            try:
                makers[number] = self._single(branch, unions.within(branch, type_, wanted, used), at)
            except _TooDeepError:
                continue
            except Complaint as complaint:
                if not tries:
                    raise
                refused.append(complaint)
                continue
            weights.append(weight)
            if tries:
                break
        if refused and not makers:
            raise refused[0]
        return makers, weights


def _usual_length(at: Position) -> tuple[int, int]:
    """The length of a list of which the file says nothing; in many others only one item."""
    return _LENGTH if at.items * _LENGTH[1] <= MOST_ITEMS else (1, 1)


def _table(wanted: Wanted | None) -> FieldTable:
    return _SILENT if wanted is None or wanted.table is None else wanted.table


def _check_parts(type_: AvroType, wanted: Wanted | None, at: Position) -> None:
    """The type has every part that the file says something of."""
    for token, inner in (wanted.inner if wanted else {}).items():
        if step(type_, token) is None:
            written = next(inner.paths(), joined(at.path, token))
            raise Complaint((*at.owner, "fields", written), topic_specs.no_part(type_, token))


def _check_modifiers(type_: AvroType, table: FieldTable, at: Position) -> None:
    """What is beside the generator means something for it."""
    given, key = table.model_fields_set, table.generator
    numbers = key in generators.NUMERIC or (not key and type_.numeric and type_.logical in ("", "decimal"))
    for name in ("min", "max", "decimals"):
        if name in given and not numbers:
            raise at.complaint(name, f"{name} is of numbers, and there are none here")
    lists = type_.kind in ("array", "map") or (type_.kind in ("string", "bytes") and not type_.logical)
    if "length" in given and (key or not lists):
        what = f"{key} makes it" if key else f"the field is {type_}"
        raise at.complaint(
            "length", f"length is of an array, map, text or bytes without a generator, and {what}"
        )
    if "keys" in given and (key or type_.kind != "map"):
        raise at.complaint("keys", f"keys are of a map, and the field is {type_}")
