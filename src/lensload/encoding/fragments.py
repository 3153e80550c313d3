"""Fragments: how the values of a topic are put together from what was encoded once.

A plan is compiled from a schema: field by field in the schema's order, which column gives which run of
neighbouring fields, and each pool's rows as bytes that fastavro wrote. Fields that events do not have are
written as their defaults, so that a newer schema of LENS's kind needs no new code.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import numpy as np
from fastavro import parse_schema, schemaless_writer
from numpy.typing import NDArray

from lensload import ids
from lensload.batches import columns
from lensload.batches.columns import Column, Pool, objects
from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.wire import ID_LENGTH, Block, header
from lensload.errors import SchemaError

_RANKED = [("itemId", "string"), ("score", "float"), ("rank", "int"), ("explanation", ["null", "string"])]

# A varint has seven bits a byte: one more byte is needed from each power of 128 on.
_SEVENS = np.arange(0, 70, 7, dtype=np.uint64)
_LONGER_FROM = np.uint64(1) << _SEVENS[1:]

Schema = dict[str, Any]
Piece = Block | list[bytes]


class Plan:
    """How the values of one topic are put together from columns, field by field in the schema's order."""

    def __init__(self, schema: Schema, schema_id: int) -> None:
        self._names: dict[str, Any] = {}
        parsed: Any = parse_schema(schema, self._names)
        self._fields = {field["name"]: field for field in parsed["fields"]}
        self._record = parsed["name"]
        self._header = np.frombuffer(header(schema_id), dtype=np.uint8)
        self._fragments: dict[tuple[Pool, tuple[str, ...]], _Fragments] = {}
        self._layouts: dict[tuple[tuple[str, ...], ...], list[tuple[int, tuple[str, ...]]]] = {}
        self._ranking_fragments: dict[tuple[str, ...], _RankingFragments] = {}
        self._other_rankings: dict[tuple[str, ...], Any] = {}
        self._defaults: dict[str, Block] = {}
        self._makers: dict[type, Callable[[Any, tuple[str, ...]], Iterable[Piece]]] = {
            columns.Drawn: self._drawn,
            columns.Ids: lambda column, _: (_constant(len(column.texts), ID_LENGTH), column.texts),
            columns.Integers: lambda column, _: (_longs(column.integers),),
            columns.Reals: self._reals,
            Linked: self._linked,
            Rankings: self._ranked,
        }

    def values(self, batch: TopicBatch) -> list[bytes]:
        """The wire values of the batch."""
        pieces: list[Piece] = [np.broadcast_to(self._header, (len(batch), len(self._header)))]
        for place, fields in self._layout(batch.columns):
            if place < 0:
                default = self._default(fields[0])
                pieces.append(np.broadcast_to(default, (len(batch), len(default))))
            else:
                column = batch.columns[place]
                pieces.extend(self._makers[type(column)](column, fields))
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
            default = written(self._type_of(name), self._fields[name]["default"])
            self._defaults[name] = np.frombuffer(default, dtype=np.uint8)
        return self._defaults[name]

    def _type_of(self, name: str) -> Any:
        return parse_schema(_self_contained(self._fields[name]["type"], self._names, set()))

    def _drawn(self, column: columns.Drawn, fields: tuple[str, ...]) -> Iterable[Piece]:
        known = self._fragments.get((column.pool, fields))
        if known is None:
            places = [column.pool.fields.index(name) for name in fields]
            columns = [
                _encodings(self._type_of(name), [row[place] for row in column.pool.rows])
                for name, place in zip(fields, places, strict=True)
            ]
            known = _Fragments(map(b"".join, zip(*columns, strict=True)))
            self._fragments[column.pool, fields] = known
        return (known.drawn(column.index),)

    def _reals(self, column: columns.Reals, _fields: tuple[str, ...]) -> Iterable[Piece]:
        raw = column.reals.astype("<f4").view(np.uint8).reshape(-1, 4)
        if column.present is None:
            return (raw,)
        # A union: branch 1 (a zig-zag 2) and the value, or branch 0 and nothing.
        there = np.concatenate((_constant(len(raw), 2), raw), axis=1)
        values = np.array(_lines(there), dtype=object)
        values[~column.present] = b"\0"
        return (values.tolist(),)

    def _linked(self, column: Linked, fields: tuple[str, ...]) -> Iterable[Piece]:
        known = self._fragments.get((column.constants, fields))
        if known is None:
            # Let fastavro write each map with a stand-in id, and keep all but that id and the map's end.
            kind, stand_in = self._type_of(fields[0]), "0" * ids.TEXT_BYTES
            known = _Fragments(
                written(kind, {**row[0], column.link: stand_in})[: -ids.TEXT_BYTES - 1]
                for row in column.constants.rows
            )
            self._fragments[column.constants, fields] = known
        return (known.drawn(column.index), column.texts, _constant(len(column.texts), 0))

    def _ranked(self, column: Rankings, fields: tuple[str, ...]) -> Iterable[Piece]:
        if fields not in self._other_rankings:
            kind = self._type_of(fields[0])
            self._other_rankings[fields] = None if _shape_of_items(kind) == _RANKED else kind
        if other := self._other_rankings[fields]:
            # A newer version with more in a recommendation: fastavro knows how, at a tenth of the speed.
            return ([written(other, ranking) for (ranking,) in column.values()],)
        known = self._ranking_fragments.get(column.item_ids)
        if known is None:
            known = self._ranking_fragments[column.item_ids] = _RankingFragments(column)
        return known.pieces(column)


def _encodings(kind: Any, values: list[Any]) -> list[bytes]:
    """The values as fastavro writes them; equal strings, and an object that several rows share, are written once only."""
    texts = all(value is None or type(value) is str for value in values)
    keys = values if texts else list(map(id, values))
    known = {key: written(kind, value) for key, value in dict(zip(keys, values, strict=True)).items()}
    return [known[key] for key in keys]


def _shape_of_items(kind: Any) -> list[tuple[str, Any]]:
    return [(field["name"], field["type"]) for field in kind["items"]["fields"]]


class _Fragments:
    """A pool's rows as bytes: as a table where all are equally long, so that they fuse with their neighbours."""

    def __init__(self, fragments: Iterable[bytes]) -> None:
        every = list(fragments)
        self._table: Block | None = None
        if len({len(fragment) for fragment in every}) == 1:
            self._table = np.frombuffer(b"".join(every), dtype=np.uint8).reshape(len(every), -1)
        self._objects = objects(every)

    def drawn(self, index: NDArray[np.integer[Any]]) -> Piece:
        """The fragments at the given places."""
        if self._table is not None:
            return ids.rows_of(self._table, index)
        return self._objects[index].tolist()


class _RankingFragments:
    """Arrays of recommendations: a first one that may be explained, and the rest, all equally long."""

    def __init__(self, column: Rankings) -> None:
        strings = [written("string", item) for item in column.item_ids]
        if len({len(string) for string in strings}) != 1:
            raise SchemaError(
                "Item ids must all be equally long.", "This is a defect of lensload; report it."
            )
        self._items = np.frombuffer(b"".join(strings), dtype=np.uint8).reshape(len(strings), -1)
        most = column.items.shape[1]
        self._counts = objects(written("long", count) for count in range(most + 1))
        self._reasons = objects(written(["null", "string"], reason) for reason in column.explanations)

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


def _longs(values: NDArray[np.int64]) -> Piece:
    """Zig-zag varints: a block where all are equally long, as times of one age are."""
    # Neighbours are often equal (a batch spans few milliseconds): encode each run of them once.
    starts = np.flatnonzero(values[1:] != values[:-1]) + 1
    if 4 * len(starts) < len(values):
        runs = _varints(values[np.concatenate(([0], starts))])
        lengths = np.diff(np.concatenate(([0], starts, [len(values)])))
        if isinstance(runs, np.ndarray):
            return ids.rows_of(runs, np.repeat(np.arange(len(runs)), lengths))
    return _varints(values)


def _varints(values: NDArray[np.int64]) -> Piece:
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    lengths = 1 + np.searchsorted(_LONGER_FROM, zigzag, side="right")
    width = int(lengths.max(initial=1))
    groups: Block = (zigzag[:, None] >> (_SEVENS[:width])).astype(np.uint8) & np.uint8(0x7F)
    groups[np.arange(1, width + 1) < lengths[:, None]] |= 0x80
    if (lengths == width).all():
        return groups
    return [line[:length] for line, length in zip(_lines(groups), lengths.tolist(), strict=True)]


def written(schema: Any, value: Any) -> bytes:
    """What fastavro writes for a value."""
    out = BytesIO()
    schemaless_writer(out, schema, value)
    return out.getvalue()


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
        result["fields"] = [_self_contained(field, names, placed) for field in result["fields"]]
    for inner in {"items", "values", "type"} & result.keys():
        result[inner] = _self_contained(result[inner], names, placed)
    return result
