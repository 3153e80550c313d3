"""What a workload file says of each topic's fields, laid over the topic's schema, before any maker is made."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lensload.parse import nearest
from lensload.workload import record_headers
from lensload.workload.avro_type import AvroType
from lensload.workload.complaint import Complaint
from lensload.workload.field_table import FieldTable
from lensload.workload.known import known
from lensload.workload.model import Workload, WorkloadTopic
from lensload.workload.paths import LISTS, Tokens, Wanted, find, scope, tokens, with_default
from lensload.workload.position import others
from lensload.workload.text_makers import holds_id
from lensload.workload.toml_lines import Place

_STOPWATCH_HINT: Final = (
    "Each event's id, which says when it was due, goes into a field that is string, bytes or a fixed of 16 bytes, or into a"
    ' record header: stopwatch = { header = "lensload-id" }.'
)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic's schema, and what the file says of the places in it.

    Attributes:
        topic: the topic.
        type: the type of its values, a record.
        wanted: what is said of each place.
        stopwatch: path of the event's id; () where a header holds it.
        keys: paths of the fields of the record's key.
    """

    topic: WorkloadTopic
    type: AvroType
    wanted: Wanted
    stopwatch: Tokens
    keys: tuple[Tokens, ...]


def of(workload: Workload) -> dict[str, TopicSpec]:
    """The spec of every topic.

    Raises:
        Complaint: a path is none, or leads to nothing; a topic has no stopwatch; a schema is no record.
    """
    every = {topic.name: _of_topic(topic) for topic in workload.topics}
    for spec in every.values():
        for place, path in _referred(spec.topic):
            _require(spec, place, path)
        for place, path in _of_parent(spec.topic):
            parent = spec.topic.table.parent
            if parent is None:
                raise Complaint(place, "parent is a field of the parent event, and the topic has no parent.")
            _require(every[parent], place, path)
    return every


def _of_topic(topic: WorkloadTopic) -> TopicSpec:
    here = ("topics", topic.name)
    type_ = AvroType.of(json.loads(topic.schema_text))
    if type_.kind != "record":
        raise Complaint((*here, "schema"), f"the schema is {type_}: values of a topic should be records.")
    wanted = Wanted()
    for written, table in topic.table.fields.items():
        place = wanted.at(_tokens(written, (*here, "fields", written)))
        if place.table is not None:
            raise Complaint((*here, "fields", written), f"is the same field as {place.written}.")
        place.table, place.written = table, written
    spec = TopicSpec(topic, type_, wanted, _stopwatch(topic, type_), _keys(topic, type_))
    for path in (spec.stopwatch, *spec.keys):
        wanted.at(path)
    _check_headers(topic)
    return spec


def _check_headers(topic: WorkloadTopic) -> None:
    """Headers have names, each its own, and what makes the value of a field does not make theirs."""
    for name, table in topic.table.header_tables.items():
        here = ("topics", topic.name, "headers", name)
        try:
            record_headers.check_name(name)
        except ValueError as error:
            raise Complaint(here, f"{error}.") from error
        if name == topic.id_header:
            raise Complaint(
                here, "the header is the stopwatch, which holds the event's id: it is made alone."
            )
        if table.padding is not None:
            raise Complaint((*here, "padding"), "padding is of values: give a header length.")


def _stopwatch(topic: WorkloadTopic, type_: AvroType) -> Tokens:
    here = ("topics", topic.name, "stopwatch")
    if topic.id_header:
        return ()
    able = [field.name for field in type_.fields if _able(field.type)]
    hint = f"{_STOPWATCH_HINT} {topic.name} has {', '.join(able) or 'no such field at the top'}."
    if not topic.stopwatch:
        raise Complaint(here, "names no field for the event's id.", hint)
    path = _tokens(topic.stopwatch, here)
    found = find(type_, path)
    if found is None:
        raise Complaint(
            here, f"the schema has no field {topic.stopwatch!r}{nearest(topic.stopwatch, able)}", hint
        )
    if not _able(found):
        raise Complaint(here, f"{topic.stopwatch} is {found}, and cannot hold the event's id.", hint)
    if scope(path) or not _always_there(type_, path):
        raise Complaint(here, f"{topic.stopwatch} is not in every event exactly once.", hint)
    if (table := topic.table.fields.get(topic.stopwatch)) is not None and table.model_fields_set:
        raise Complaint(
            ("topics", topic.name, "fields", topic.stopwatch),
            "the field is the stopwatch, which holds the event's id, so nothing else can make its values.",
        )
    return path


def _able(type_: AvroType) -> bool:
    """Whether the type can hold an id: also one that may be null, and then never is."""
    others = [branch for branch in type_.branches if branch.kind != "null"]
    return len(others) == 1 and holds_id(others[0])


def _always_there(type_: AvroType, path: Tokens) -> bool:
    """Whether a path leads through records alone, none of which may be absent."""
    return all(
        (inner := find(type_, path[:length])) and inner.kind == "record" for length in range(len(path))
    )


def _never_absent(topic: WorkloadTopic, type_: AvroType, path: Tokens) -> bool:
    """Whether a path leads through records alone, none of which is absent from an event of this file.

    A record that may be null by its schema is always there where the file gives it no share of nulls.
    """
    for length in range(len(path)):
        inner = find(type_, path[:length])
        table = topic.table.fields.get(".".join(path[:length]))
        if inner is None or [each.kind for each in others(inner)] != ["record"] or (table and table.null):
            return False
    return True


def _keys(topic: WorkloadTopic, type_: AvroType) -> tuple[Tokens, ...]:
    here = ("topics", topic.name, "key")
    paths: list[Tokens] = []
    for written in topic.key:
        path = _tokens(written, here)
        found = find(type_, path)
        if found is None:
            raise Complaint(here, _nothing_at(type_, written, path))
        others = [branch for branch in found.branches if branch.kind != "null"]
        if scope(path) or len(others) != 1 or others[0].kind in ("record", "array", "map"):
            raise Complaint(
                here, f"{written} is {found}: a key is made of numbers, text, bytes or enums of the event."
            )
        table = topic.table.fields.get(written)
        if (table is not None and table.null) or not _never_absent(topic, type_, path):
            raise Complaint(here, f"{written} may be null, and a key may not.")
        paths.append(path)
    return tuple(paths)


def _referred(topic: WorkloadTopic) -> Iterator[tuple[Place, str]]:
    """The paths of the topic's own that its fields refer to, each with the key that does."""
    for here, table in _tables(topic):
        yield from (((*here, key), path) for key, path in own_references(table))


def own_references(table: FieldTable) -> Iterator[tuple[str, str]]:
    """The other fields of the same event that a field refers to: by which key, and the path."""
    if table.copy_of is not None:
        yield "copy", table.copy_of
    if table.count is not None:
        yield "count", table.count
    for path in table.sum or ():
        yield "sum", path
    for path in table.product or ():
        yield "product", path


def _of_parent(topic: WorkloadTopic) -> Iterator[tuple[Place, str]]:
    for here, table in _tables(topic):
        if table.parent is not None:
            yield (*here, "parent"), table.parent


def _tables(topic: WorkloadTopic) -> Iterator[tuple[Place, FieldTable]]:
    """What is said of each field, and of each header."""
    for kind, tables in (("fields", topic.table.fields), ("headers", topic.table.header_tables)):
        yield from ((("topics", topic.name, kind, name), table) for name, table in tables.items())


def _require(spec: TopicSpec, place: Place, written: str) -> None:
    path = _tokens(written, place)
    if find(spec.type, path) is None:
        raise Complaint(place, _nothing_at(spec.type, written, path))
    # What is only taken over keeps its default; what is computed with, or may be null, is made.
    if place[-1] not in ("copy", "parent") or with_default(spec.type, path) is None:
        spec.wanted.at(path)


def _tokens(written: str, place: Place) -> Tokens:
    try:
        return tokens(written)
    except ValueError as error:
        raise Complaint(place, f"{error}.") from error


def _nothing_at(type_: AvroType, written: str, path: Tokens) -> str:
    """Why a path leads to nothing: the first part of it that does not exist."""
    length = next(length for length in range(1, len(path) + 1) if find(type_, path[:length]) is None)
    around = known(find(type_, path[: length - 1]))
    return f"there is no {written}: {no_part(around, path[length - 1])}"


def no_part(of_type: AvroType, token: str) -> str:
    """What to say of a part that a type does not have, a sentence."""
    records = [branch for branch in of_type.branches if branch.kind == "record"]
    if token in LISTS or not records:
        return f"{of_type} has no part {token}; items of an array are [], values of a map are {{}}."
    names = [field.name for record in records for field in record.fields]
    return f"the record {records[0].name} has no field {token!r}{nearest(token, names)}"
