"""Batches of events -> keys and wire bytes: by fragments, or one record at a time.

Avro's binary encoding of a record is its fields' encodings one after another: no tags, no lengths (Avro 1.12
specification, "Records"). So a user, an item or a query is encoded once, by fastavro, into a *fragment*, and a
record is its fragments joined; what is fresh in every event (ids, times, scores) is encoded for the whole
batch with NumPy. What fastavro would have written for the same event is the definition of correct.

On the wire a value is Confluent's: a zero byte, the schema id in four bytes (big-endian), the Avro bytes. The
first two fields of every LENS record are its id and its timestamp, so the first `HEAD_BYTES` bytes of a value
say which schema, when it was due, and which of whose events it is (see `Heads`).
"""

import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from io import BytesIO
from typing import Any, Final, Protocol

import numpy as np
from fastavro import parse_schema, schemaless_writer
from numpy.typing import NDArray

from lensload import ids
from lensload.errors import SchemaError
from lensload.world.batch import Column, Drawn, Ids, Integers, Linked, Pool, Rankings, Reals, TopicBatch

ID_AT: Final = 6  # after the magic byte, the schema id and the string's length
TIME_AT: Final = ID_AT + ids.TEXT_BYTES
HEAD_BYTES: Final = TIME_AT + 6

_ID_LENGTH: Final = 2 * ids.TEXT_BYTES  # the length 36 as a zig-zag varint, one byte
_FEWEST_TO_TABULATE: Final = 8

Schema = dict[str, Any]
Block = NDArray[np.uint8]  # shape (n, width): the same number of bytes for every event
Piece = Block | list[bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A batch on its way to the producer; all lists have one entry an event.

    Attributes:
        topic: the topic, by its LENS name.
        due_ns: when each is due, Unix ns.
        keys: the record keys.
        values: the record values, with Confluent's header.
        took_ns: what encoding each took, ns: measured one by one, or the batch's share.
    """

    topic: str
    due_ns: NDArray[np.int64]
    keys: list[bytes]
    values: list[bytes]
    took_ns: NDArray[np.int64]


class Encoder(Protocol):
    """Turns batches into wire bytes."""

    def encode(self, batch: TopicBatch) -> Encoded:
        """The batch's keys and values.

        Raises:
            SchemaError: the topic's schema asks for a field that events do not have and that has no default.
        """
        ...


class FragmentEncoder:
    """Encodes whole batches by joining fragments; the default, and what lensload is fast by.

    Args:
        schemas: the schema of each topic, as parsed JSON.
        schema_ids: the registry's id of each.
    """

    def __init__(self, schemas: dict[str, Schema], schema_ids: dict[str, int]) -> None:
        self._plans = {topic: _Plan(schema, schema_ids[topic]) for topic, schema in schemas.items()}
        self._keys: dict[Pool, NDArray[np.object_]] = {}

    def encode(self, batch: TopicBatch) -> Encoded:
        """See `Encoder`."""
        start_ns = time.perf_counter_ns()
        values = self._plans[batch.topic].values(batch)
        took_ns = time.perf_counter_ns() - start_ns
        share = np.full(len(batch), took_ns // max(1, len(batch)))
        return Encoded(batch.topic, batch.due_ns, self._keys_of(batch.key), values, share)

    def _keys_of(self, key: Drawn) -> list[bytes]:
        if key.pool not in self._keys:
            self._keys[key.pool] = _objects(row[0].encode() for row in key.pool.rows)
        return self._keys[key.pool][key.index].tolist()


class RecordEncoder:
    """Encodes one record at a time with any serializer, timing each.

    Args:
        serialize: gives the wire bytes of a record of a topic.
    """

    def __init__(self, serialize: Callable[[str, dict[str, Any]], bytes]) -> None:
        self._serialize = serialize

    def encode(self, batch: TopicBatch) -> Encoded:
        """See `Encoder`."""
        values: list[bytes] = []
        took_ns = np.empty(len(batch), dtype=np.int64)
        clock, serialize, topic = time.perf_counter_ns, self._serialize, batch.topic
        for place, record in enumerate(batch.records()):
            start_ns = clock()
            values.append(serialize(topic, record))
            took_ns[place] = clock() - start_ns
        keys = [row[0].encode() for row in batch.key.values()]
        return Encoded(topic, batch.due_ns, keys, values, took_ns)


def fastavro_serializer(
    schemas: dict[str, Schema], schema_ids: dict[str, int]
) -> Callable[[str, dict[str, Any]], bytes]:
    """Serialize with fastavro alone, behind Confluent's header."""
    parsed = {topic: parse_schema(schema) for topic, schema in schemas.items()}

    def serialize(topic: str, record: dict[str, Any]) -> bytes:
        return _header(schema_ids[topic]) + _written(parsed[topic], record)

    return serialize


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """What the first bytes of wire values say; every array has one entry a value.

    Attributes:
        valid: whether it is a LENS head at all; where it is not, the other entries mean nothing.
        schema_id: the registry's id of the schema that wrote it.
        due_ns: when it was due: the timestamp's millisecond, the id's fraction.
        readings: the rest of what the id says.
    """

    valid: NDArray[np.bool_]
    schema_id: NDArray[np.int64]
    due_ns: NDArray[np.int64]
    readings: ids.Readings

    @classmethod
    def of(cls, values: Sequence[bytes]) -> "Heads":
        """Read the heads of wire values of any kind; never raises on what is not ours."""
        cut = [value[:HEAD_BYTES] for value in values]
        joined = b"".join(cut)
        if len(joined) != len(cut) * HEAD_BYTES:
            joined = b"".join(part.ljust(HEAD_BYTES, b"\0") for part in cut)
        return cls.of_bytes(np.frombuffer(joined, dtype=np.uint8).reshape(len(cut), HEAD_BYTES))

    @classmethod
    def of_bytes(cls, heads: Block) -> "Heads":
        """Read heads from their bytes, shape (n, HEAD_BYTES)."""
        readings = ids.read(heads[:, ID_AT:TIME_AT])
        timestamp_ms = _read_longs(heads[:, TIME_AT:])
        schema_id = np.ascontiguousarray(heads[:, 1:5]).view(">u4").ravel().astype(np.int64)
        valid = readings.valid & (heads[:, 0] == 0) & (heads[:, 5] == _ID_LENGTH) & (timestamp_ms >= 0)
        due_ns = timestamp_ms * ids.NS_PER_MS + readings.due_ns % ids.NS_PER_MS
        return cls(valid, schema_id, due_ns, readings)


class _Plan:
    """How the values of one topic are put together from columns, field by field in the schema's order."""

    def __init__(self, schema: Schema, schema_id: int) -> None:
        parse_schema(schema)
        self._fields = {field["name"]: field for field in schema["fields"]}
        self._names = _definitions(schema)
        self._record = schema["name"]
        self._header = np.frombuffer(_header(schema_id), dtype=np.uint8)
        self._fragments: dict[tuple[Pool, tuple[str, ...]], _Fragments] = {}
        self._layouts: dict[tuple[tuple[str, ...], ...], list[tuple[int, tuple[str, ...]]]] = {}
        self._rankings: dict[tuple[str, ...], _RankingFragments] = {}
        self._defaults: dict[str, Block] = {}

    def values(self, batch: TopicBatch) -> list[bytes]:
        """The wire values of the batch."""
        pieces: list[Piece] = [np.broadcast_to(self._header, (len(batch), len(self._header)))]
        for place, fields in self._layout(batch.columns):
            if place < 0:
                default = self._default(fields[0])
                pieces.append(np.broadcast_to(default, (len(batch), len(default))))
            else:
                pieces.extend(self._pieces(batch.columns[place], fields))
        joinable = _fused(pieces)
        return joinable[0] if len(joinable) == 1 else list(map(b"".join, zip(*joinable, strict=True)))

    def _layout(self, columns: tuple[Column, ...]) -> list[tuple[int, tuple[str, ...]]]:
        """Which column gives which run of neighbouring fields; column -1: the fields' defaults."""
        shape = tuple(column.fields for column in columns)
        if shape not in self._layouts:
            owner = {name: place for place, names in enumerate(shape) for name in names}
            runs: list[tuple[int, tuple[str, ...]]] = []
            for name in self._fields:
                place = owner.get(name, -1)
                if runs and place >= 0 and runs[-1][0] == place:
                    runs[-1] = (place, (*runs[-1][1], name))
                else:
                    runs.append((place, (name,)))
            self._layouts[shape] = runs
        return self._layouts[shape]

    def _default(self, name: str) -> Block:
        if name not in self._defaults:
            if "default" not in self._fields[name]:
                raise SchemaError(
                    f"The field {name!r} of {self._record} has no default, and LENS's events have no such field.",
                    "Give the field a default in the schema file (LENS's rule: optional, default null).",
                )
            written = self._field_bytes(name, self._fields[name]["default"])
            self._defaults[name] = np.frombuffer(written, dtype=np.uint8)
        return self._defaults[name]

    def _field_bytes(self, name: str, value: Any) -> bytes:
        return _written(self._type_of(name), value)

    def _type_of(self, name: str) -> Any:
        return parse_schema(_self_contained(self._fields[name]["type"], self._names, set()))

    @singledispatchmethod
    def _pieces(self, column: Column, fields: tuple[str, ...]) -> Iterable[Piece]:
        raise TypeError(f"No fragments for {type(column).__name__} ({', '.join(fields)}).")

    @_pieces.register
    def _(self, column: Drawn, fields: tuple[str, ...]) -> Iterable[Piece]:
        known = self._fragments.get((column.pool, fields))
        if known is None:
            places = [column.pool.fields.index(name) for name in fields]
            types = [self._type_of(name) for name in fields]
            known = _Fragments(
                b"".join(_written(t, row[p]) for t, p in zip(types, places, strict=True))
                for row in column.pool.rows
            )
            self._fragments[column.pool, fields] = known
        return (known.drawn(column.index),)

    @_pieces.register
    def _(self, column: Ids, fields: tuple[str, ...]) -> Iterable[Piece]:
        return (_constant(len(column.texts), _ID_LENGTH), column.texts)

    @_pieces.register
    def _(self, column: Integers, fields: tuple[str, ...]) -> Iterable[Piece]:
        return (_longs(column.integers),)

    @_pieces.register
    def _(self, column: Reals, fields: tuple[str, ...]) -> Iterable[Piece]:
        raw = column.reals.astype("<f4").view(np.uint8).reshape(-1, 4)
        if column.present is None:
            return (raw,)
        # A union: branch 1 (a zig-zag 2) and the value, or branch 0 and nothing.
        there = np.concatenate((_constant(len(raw), 2), raw), axis=1)
        values = np.array(_lines(there), dtype=object)
        values[~column.present] = b"\0"
        return (values.tolist(),)

    @_pieces.register
    def _(self, column: Linked, fields: tuple[str, ...]) -> Iterable[Piece]:
        known = self._fragments.get((column.constants, fields))
        if known is None:
            # Let fastavro write each map with a stand-in id, and keep all but that id and the map's end.
            kind, stand_in = self._type_of(fields[0]), "0" * ids.TEXT_BYTES
            known = _Fragments(
                _written(kind, {**row[0], column.link: stand_in})[: -ids.TEXT_BYTES - 1]
                for row in column.constants.rows
            )
            self._fragments[column.constants, fields] = known
        return (known.drawn(column.index), column.texts, _constant(len(column.texts), 0))

    @_pieces.register
    def _(self, column: Rankings, fields: tuple[str, ...]) -> Iterable[Piece]:
        known = self._rankings.get(column.item_ids)
        if known is None:
            known = self._rankings[column.item_ids] = _RankingFragments(column)
        return known.pieces(column)


class _Fragments:
    """A pool's rows as bytes: as a table where all are equally long, so that they fuse with their neighbours."""

    def __init__(self, fragments: Iterable[bytes]) -> None:
        every = list(fragments)
        self._table: Block | None = None
        if len({len(fragment) for fragment in every}) == 1:
            self._table = np.frombuffer(b"".join(every), dtype=np.uint8).reshape(len(every), -1)
        self._objects = _objects(every)

    def drawn(self, index: NDArray[np.integer[Any]]) -> Piece:
        """The fragments at the given places."""
        if self._table is not None:
            return self._table[index]
        return self._objects[index].tolist()


class _RankingFragments:
    """Arrays of recommendations: a first one that may be explained, and the rest, all equally long."""

    def __init__(self, column: Rankings) -> None:
        strings = [_written("string", item) for item in column.item_ids]
        if len({len(string) for string in strings}) != 1:
            raise SchemaError(
                "Item ids must all be equally long.", "This is a defect of lensload; report it."
            )
        self._items = np.frombuffer(b"".join(strings), dtype=np.uint8).reshape(len(strings), -1)
        most = column.items.shape[1]
        self._counts = _objects(_written("long", count) for count in range(most + 1))
        self._reasons = _objects(_written(["null", "string"], reason) for reason in column.explanations)

    def pieces(self, column: Rankings) -> Iterable[Piece]:
        """Count, first recommendation up to its explanation, explanation, the others, the array's end."""
        count, most = column.items.shape
        width = self._items.shape[1] + 6
        block = np.empty((count, most, width), dtype=np.uint8)
        block[:, :, :-6] = self._items[column.items]
        block[:, :, -6:-2] = column.scores.astype("<f4").view(np.uint8).reshape(count, most, 4)
        block[:, :, -2] = 2 * np.arange(1, most + 1)  # ranks as zig-zag varints of one byte
        block[:, :, -1] = 0  # no explanation: branch 0
        flat = block.reshape(count, most * width).tobytes()
        shown, row = column.shown, most * width
        starts = np.arange(count) * row
        # The first recommendation, less its "no explanation"; nothing at all where nothing is shown.
        some = shown > 0
        first_ends = np.where(some, starts + width - 1, starts)
        rest_starts = np.where(some, starts + width, starts)
        first = [flat[a:b] for a, b in zip(starts.tolist(), first_ends.tolist(), strict=True)]
        rest_ends = np.maximum(starts + shown * width, rest_starts)
        rest = [flat[a:b] for a, b in zip(rest_starts.tolist(), rest_ends.tolist(), strict=True)]
        reasons = self._reasons[column.explanation]
        reasons[~some] = b""
        # An array is a block of `count` items and an empty block; an empty array is the empty block alone.
        end = np.array([b"", b"\0"], dtype=object)[some.astype(np.int64)]
        return (self._counts[shown].tolist(), first, reasons.tolist(), rest, end.tolist())


def _fused(pieces: list[Piece]) -> list[list[bytes]]:
    """The pieces as lists of bytes, neighbouring blocks as one."""
    result: list[list[bytes]] = []
    blocks: list[Block] = []
    for piece in [*pieces, []]:
        if isinstance(piece, np.ndarray):
            blocks.append(piece)
            continue
        if blocks:
            result.append(_lines(np.concatenate(blocks, axis=1)))
            blocks = []
        result.append(piece)
    return result[:-1]


def _lines(block: Block) -> list[bytes]:
    return np.ascontiguousarray(block).view(f"V{block.shape[1]}").ravel().tolist()


def _constant(count: int, byte: int) -> Block:
    return np.full((count, 1), byte, dtype=np.uint8)


def _objects(fragments: Iterable[bytes]) -> NDArray[np.object_]:
    every = list(fragments)
    result = np.empty(len(every), dtype=object)
    result[:] = every
    return result


def _longs(values: NDArray[np.int64]) -> Piece:
    """Zig-zag varints: a block where all are equally long, as times of one age are."""
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    least, most = int(zigzag.min(initial=0)), int(zigzag.max(initial=0))
    if len(values):
        least = int(zigzag.min())
    width = max(1, -(-most.bit_length() // 7))
    groups = (zigzag[:, None] >> np.arange(0, 7 * width, 7, dtype=np.uint64)).astype(np.uint8) & 0x7F
    if max(1, -(-least.bit_length() // 7)) == width:
        groups[:, :-1] |= 0x80
        return groups
    lengths = np.maximum(1, width - (groups[:, ::-1] != 0).argmax(axis=1)) if width > 1 else None
    return _ragged_longs(groups, lengths)


def _ragged_longs(groups: Block, lengths: NDArray[np.int64] | None) -> list[bytes]:
    lines = _lines(groups)
    if lengths is None:
        return lines
    result: list[bytes] = []
    for line, length in zip(lines, lengths.tolist(), strict=True):
        used = line[:length] if any(line[:length]) else line[:1]
        result.append(bytes(byte | 0x80 for byte in used[:-1]) + used[-1:])
    return result


def _read_longs(groups: Block) -> NDArray[np.int64]:
    """Varints of exactly as many bytes as given, un-zig-zagged; -1 where they are longer or shorter."""
    width = groups.shape[1]
    more = groups >= 0x80
    whole = more[:, :-1].all(axis=1) & ~more[:, -1]
    shifts = np.arange(0, 7 * width, 7, dtype=np.int64)
    zigzag = ((groups & 0x7F).astype(np.int64) << shifts).sum(axis=1)
    return np.where(whole, (zigzag >> 1) ^ -(zigzag & 1), -1)


def _header(schema_id: int) -> bytes:
    return struct.pack(">bI", 0, schema_id)


def _written(schema: Any, value: Any) -> bytes:
    out = BytesIO()
    schemaless_writer(out, schema, value)
    return out.getvalue()


def _definitions(schema: Any) -> dict[str, Any]:
    """Every named type that the schema defines, by short and full name."""
    found: dict[str, Any] = {}

    def walk(node: Any, namespace: str) -> None:
        if isinstance(node, list):
            for branch in node:
                walk(branch, namespace)
        elif isinstance(node, dict):
            space = node.get("namespace", namespace)
            if node.get("type") in ("record", "enum", "fixed"):
                found[node["name"]] = found[f"{space}.{node['name']}"] = node
            for field in node.get("fields", ()):
                walk(field["type"], space)
            for inner in ("items", "values", "type"):
                walk(node.get(inner), space)

    walk(schema, "")
    return found


def _self_contained(node: Any, names: dict[str, Any], placed: set[str]) -> Any:
    """The type with every name that it only mentions replaced, once, by its definition."""
    if isinstance(node, str):
        if node not in names or node in placed:
            return node
        return _self_contained(names[node], names, placed)
    if isinstance(node, list):
        return [_self_contained(branch, names, placed) for branch in node]
    result = dict(node)
    if result.get("type") in ("record", "enum", "fixed"):
        placed.add(result["name"])
    if "fields" in result:
        result["fields"] = [
            {**field, "type": _self_contained(field["type"], names, placed)} for field in result["fields"]
        ]
    for inner in ("items", "values"):
        if inner in result:
            result[inner] = _self_contained(result[inner], names, placed)
    return result
