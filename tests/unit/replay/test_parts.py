"""The parts of a replay that need no cluster: where it begins, what is due, what headers say, what garbage does."""

import io
import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import fastavro
import numpy as np
import pytest
from click.testing import CliRunner
from confluent_kafka import Message
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.cli import main
from lensload.encoding import wire
from lensload.errors import UsageError
from lensload.files.columns import column
from lensload.files.folder import prepare
from lensload.files.plainjson import as_json
from lensload.replay.batch import Batch, Kind, read_headers
from lensload.replay.counts import Counts
from lensload.replay.decoder import Decoder
from lensload.replay.file_output import Files
from lensload.replay.merge import Merge
from lensload.replay.pace import Pace
from lensload.replay.printer import Printer
from lensload.replay.start import Start
from lensload.schema import definitions
from lensload.schema.registry import Registry
from lensload.schema.writer_schemas import WriterSchemas

Answer = TypeVar("Answer")
TEXT = definitions.load()["user-interactions"].text
PARSED = definitions.load()["user-interactions"].parsed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("earliest", Start("earliest")),
        ("offset:0", Start("offset", 0)),
        ("1769860800000", Start("time", 1_769_860_800_000)),
        ("2026-01-31T12:00:00Z", Start("time", 1_769_860_800_000)),
        ("2026-01-31T13:00:00.250+01:00", Start("time", 1_769_860_800_250)),
        ("2026-01-31 12:00", Start("time", 1_769_860_800_000)),
        ("2026-01-31", Start("time", 1_769_817_600_000)),
    ],
)
def test_a_start_is_what_it_looks_like(text: str, expected: Start):
    """Every form that the help promises is read, and a time without a zone is UTC wherever one is."""
    assert Start.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "--start"),
        ("yesterday", "yesterday"),
        ("offset:-1", "offset:-1"),
        ("offset:", "--start"),
        ("1969-12-31", "1970"),
        ("1769860800", "1769860800"),
        ("1200", "offset:1200"),
    ],
)
def test_a_start_that_is_none_is_refused(text: str, named: str):
    """Seconds for milliseconds, or an offset without its word, would silently replay everything."""
    with pytest.raises(UsageError) as caught:
        Start.parse(text)
    assert named in str(caught.value)


@pytest.mark.parametrize(("text", "speed"), [("original", 1), ("2x", 2), ("0.5X", 0.5), ("full", math.inf)])
def test_a_pace_is_a_multiple(text: str, speed: float):
    """The forms that the help promises."""
    assert Pace.parse(text).speed == speed
    assert Pace.parse(text).full == math.isinf(speed)


@pytest.mark.parametrize("text", ["", "2", "x", "0x", "-1x", "nanx", "infx", "fast"])
def test_a_pace_that_is_none_is_refused(text: str):
    """A pace of 0 would never end, and a bare number could mean messages a second."""
    with pytest.raises(UsageError, match="--speed"):
        Pace.parse(text)


@given(
    since_ms=st.integers(0, 10**10),
    speed=st.sampled_from([0.1, 0.5, 1.0, 2.0, 3.7, 100.0]),
    first_ms=st.integers(10**11, 2 * 10**12),
)
def test_what_is_due_by_its_due_time_is_given(since_ms: int, speed: float, first_ms: int):
    """`due_until_ms` and `due_ns` agree to the millisecond, so nothing is sent early and nothing stays behind."""
    pace, begin_ns = Pace(speed), 1_800_000_000_000_000_000
    due_ns = pace.due_ns(first_ms + since_ms, first_ms, begin_ns)
    assert abs(pace.due_until_ms(due_ns, first_ms, begin_ns) - (first_ms + since_ms)) <= 1
    assert pace.due_until_ms(due_ns + 2_000_000, first_ms, begin_ns) >= first_ms + since_ms
    assert pace.due_ns(first_ms - 5, first_ms, begin_ns) == begin_ns


@given(
    histories=st.lists(st.lists(st.integers(0, 50), max_size=12), min_size=1, max_size=4),
    steps=st.lists(st.integers(0, 3), max_size=60),
)
def test_partitions_are_merged_by_time_and_keep_their_own_order(histories: list[list[int]], steps: list[int]):
    """However fetches interleave, what comes out is the oldest of all partitions, each in its own order."""
    merge: Merge[int, tuple[int, int]] = Merge(range(len(histories)), most=100)
    cursors = [0] * len(histories)
    taken: list[tuple[int, int]] = []

    def fetch(place: int, count: int) -> None:
        for number in range(cursors[place], min(cursors[place] + count, len(histories[place]))):
            merge.offer(place, histories[place][number], (place, number))
        cursors[place] = min(cursors[place] + count, len(histories[place]))
        merge.keep_open(each for each, history in enumerate(histories) if cursors[each] < len(history))

    merge.keep_open(each for each, history in enumerate(histories) if history)
    for step in steps:
        fetch(step % len(histories), 2)
        taken += merge.take_until(25, 3)
    for place in range(len(histories)):
        fetch(place, 100)
    taken += merge.take_until(50, 1000)
    assert not merge
    for place, history in enumerate(histories):
        assert [number for each, number in taken if each == place] == list(range(len(history)))
    if all(history == sorted(history) for history in histories):
        stamps = [histories[place][number] for place, number in taken]
        assert stamps == sorted(stamps)


def test_a_partition_of_which_enough_is_here_is_named():
    """So that one partition far ahead of the others does not fill the memory."""
    merge: Merge[str, int] = Merge(["a", "b"], most=4)
    for number in range(4):
        merge.offer("a", number, number)
    assert (merge.crowded(), merge.next_ms(), merge.take_until(100, 10)) == ({"a"}, None, [])
    merge.offer("b", 1, 100)
    assert merge.take_until(100, 10) == [0, 1, 100]
    assert merge.crowded() == set()
    assert merge.roomy() == {"a", "b"}


def plain_header(value: bytes | None) -> tuple[Kind, int | None]:
    """The definition of what a header says."""
    if value is None:
        return Kind.TOMBSTONE, None
    if len(value) < 5:
        return Kind.SHORT, None
    return Kind.GOOD if value[0] == 0 else Kind.NO_MAGIC, int.from_bytes(value[1:5], "big")


@given(
    st.lists(st.none() | st.binary(max_size=8) | st.binary(max_size=8).map(lambda rest: b"\0\0\0\0\7" + rest), max_size=20)
)  # fmt: skip
def test_headers_are_read_in_columns_as_one_by_one(values: list[bytes | None]):
    """What counts rely on says of every value what a look at its first bytes says."""
    schema_id, kind = read_headers(values)
    for value, number, found in zip(values, schema_id.tolist(), kind.tolist(), strict=True):
        expected, wanted = plain_header(value)
        assert Kind(found) == expected
        assert wanted is None or number == wanted


CLIENT = SchemaRegistryClient.new_client({"url": "mock://memory"})


class Books(Registry):
    """A registry in memory that keeps what it was asked."""

    def __init__(self, known: dict[int, RegistrySchema]) -> None:
        super().__init__("memory", CLIENT)
        self.known = known
        self.asked: list[str] = []

    def ask(self, name: str, question: Callable[[SchemaRegistryClient], Answer]) -> Answer | None:
        """The schema with the id that `name` ends in."""
        del question
        self.asked.append(name)
        found: Any = self.known.get(int(name.rpartition(" ")[2]))
        return found


def batch_of(values: list[bytes | None]) -> Batch:
    messages = [
        Message(topic="t", partition=0, offset=number, value=value, timestamp=(1, number))
        for number, value in enumerate(values)
    ]
    return Batch.of(messages, {"t": 0})


def judged(values: list[bytes | None], books: Books) -> tuple[Batch, dict[int, Any], dict[int, str]]:
    batch = batch_of(values)
    records, details = Decoder(("t",), WriterSchemas(books), {}, deep=True).judge(batch)
    return batch, records, details


def event() -> tuple[dict[str, Any], bytes]:
    record = {field["name"]: field.get("default", "x") for field in PARSED["fields"]}
    record |= {"timestamp": 5, "interactionType": "click"}
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, PARSED, record)
    return record, stream.getvalue()


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=200), max_size=10))
def test_no_garbage_stops_the_decoder(bodies: list[bytes]):
    """Whatever stands behind a good header, every message gets a kind, and good ones decode beside it."""
    record, good = event()
    values: list[bytes | None] = [wire.header(7) + body for body in (*bodies, good)]
    batch, records, details = judged(values, Books({7: RegistrySchema(TEXT, "AVRO")}))
    assert records[len(bodies)] == record
    for place, kind in enumerate(batch.kind.tolist()):
        assert (place in records, place in details) == (kind == Kind.GOOD, kind == Kind.UNFIT)


def test_every_cut_of_a_message_is_unfit():
    """A truncated message is never taken for a shorter one."""
    _, good = event()
    values: list[bytes | None] = [wire.header(7) + good[:length] for length in range(len(good))]
    batch, records, _ = judged(
        [*values, wire.header(7) + good + b"\0"], Books({7: RegistrySchema(TEXT, "AVRO")})
    )
    assert records == {}
    assert set(batch.kind.tolist()) == {Kind.UNFIT}


def test_an_id_is_asked_for_once_whatever_the_answer():
    """A million messages with an unknown id are one request, not a million."""
    _, good = event()
    books = Books({7: RegistrySchema(TEXT, "AVRO")})
    writers = WriterSchemas(books)
    decoder = Decoder(("t",), writers, {}, deep=True)
    for _ in range(3):
        batch = batch_of([wire.header(number) + good for number in (7, 8, 7, 8)])
        decoder.judge(batch)
        assert batch.kind.tolist() == [Kind.GOOD, Kind.UNKNOWN_ID] * 2
    assert books.asked == ["schema id 7", "schema id 8"]


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        (RegistrySchema("syntax = 'proto3';", "PROTOBUF"), "PROTOBUF"),
        (RegistrySchema('{"type": "recrod"}', "AVRO"), "recrod"),
        (RegistrySchema("[", "AVRO"), "schema id 9"),
    ],
)
def test_a_schema_that_is_not_avro_is_told(stored: RegistrySchema, named: str):
    """The registry may hold anything under an id; the message is kept aside with what it is."""
    batch, _, details = judged([wire.header(9) + b"x"], Books({9: stored}))
    assert batch.kind.tolist() == [Kind.UNUSABLE_SCHEMA]
    assert named in details[0]


def test_counts_add_up():
    """Each message is in exactly one row."""
    counts = Counts(("t",))
    for _ in range(3):
        counts.count(
            batch_of([wire.header(7), wire.header(2**32 - 1), wire.header(7), None, b"junk!", b"\0"])
        )
    assert counts.by_schema() == {("t", 7): 6, ("t", 2**32 - 1): 3}
    assert counts.by_kind() == {("t", kind): 3 for kind in (Kind.TOMBSTONE, Kind.SHORT, Kind.NO_MAGIC)}
    assert (counts.total, counts.rejected) == (18, 6)
    table = counts.table(lambda _, number: 4 if number == 7 else None)
    assert [row.split()[-3:] for row in table.splitlines()[1:3]] == [
        ["7", "4", "6"],
        ["4294967295", "-", "3"],
    ]


def test_a_selection_of_a_batch_is_the_same_in_every_column():
    """What lies behind the ends is left out whole."""
    batch = batch_of([wire.header(1), None, wire.header(3)])
    some = batch.only(np.array([True, False, True]))
    assert (some.values, some.offset.tolist(), some.schema_id.tolist()) == (
        [wire.header(1), wire.header(3)],
        [0, 2],
        [1, 3],
    )


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.integers() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_whatever_avro_holds_is_printed_as_strict_json(value: object):
    """No reader of the lines ever meets a bare NaN, which is not JSON."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is not JSON")

    json.loads(as_json(value), parse_constant=refuse)


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Who has not got the extra reads its name, not a traceback."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UsageError, match=r"lensload\[parquet\]"):
        prepare(tmp_path, "parquet")


def test_every_avro_type_has_a_column():
    """Whatever a schema holds, its values go into Arrow's columns and come out the same, or as JSON text."""
    arrow = pytest.importorskip("pyarrow")
    inner = {"type": "record", "name": "In", "fields": [{"name": "a", "type": "int"}]}
    tree = {"type": "record", "name": "Tree", "fields": [{"name": "next", "type": ["null", "Tree"]}]}
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    number = UUID(int=7)
    cases: list[tuple[Any, Any, Any]] = [
        ("long", 2**62, 2**62),
        (["null", "float"], None, None),
        (["null", "float"], 0.5, 0.5),
        ({"type": "enum", "name": "E", "symbols": ["x", "y"]}, "y", "y"),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", b"ab"),
        ({"type": "array", "items": inner}, [{"a": 1}], [{"a": 1}]),
        ({"type": "map", "values": ["null", "string"]}, {"k": None, "l": "v"}, [("k", None), ("l", "v")]),
        (["null", {"type": "map", "values": inner}], {"k": {"a": 1}}, [("k", {"a": 1})]),
        ([inner, "string", "null"], {"a": 1}, '{"a": 1}'),
        (tree, {"next": {"next": None}}, {"next": '{"next": null}'}),
        ({"type": "record", "name": "Empty", "fields": []}, {}, "{}"),
        ({"type": "long", "logicalType": "timestamp-millis"}, moment, moment),
        ({"type": "string", "logicalType": "uuid"}, number, str(number)),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2},
            Decimal("1.50"),
            Decimal("1.50"),
        ),
    ]
    for schema, value, expected in cases:
        made = column(fastavro.parse_schema(schema), {})
        assert arrow.array([made.convert(value)], type=made.type).to_pylist() == [expected], schema


def test_every_lens_schema_has_columns_of_its_own_types():
    """No field of LENS falls back to text."""
    pytest.importorskip("pyarrow")
    named: dict[str, Any] = {}
    types = {
        field["name"]: str(column(field["type"], named).type)
        for schema in definitions.load().values()
        for field in schema.parsed["fields"]
    }
    assert types["recommendations"].startswith("list<item: struct<itemId: string, score: float, rank: int32")
    assert types["filters"].startswith("list<item: struct<field: string")
    assert types["metadata"].startswith("map<string, string")
    assert types["rating"] == "float"


def test_containers_are_copies_byte_for_byte(tmp_path: Path):
    """A record whose union fits two branches keeps the one that was written."""
    choice = {"type": "record", "name": "C", "fields": [{"name": "c", "type": ["int", "long"]}]}
    books = Books({7: RegistrySchema(json.dumps(choice), "AVRO")})
    body = b"\x02\x0a"  # the second branch, 5
    batch, records, _ = judged([wire.header(7) + body] * 3, books)
    files = Files(tmp_path, "avro", ("t",), WriterSchemas(books), {})
    files.write(batch, records)
    files.close()
    with (tmp_path / "t.schema-7.avro").open("rb") as stream:
        blocks: Any = list(fastavro.block_reader(stream))
    assert b"".join(block.bytes_.getvalue() for block in blocks) == body * 3
    assert list(files.written.values()) == [3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--bootstrap-servers"),
        (["--limit", "5"], "--limit"),
        (["--speed", "2x"], "--speed"),
        (["--into-topic", "t"], "--into-topic t"),
        (["--into-topic", "u", "--speed", "fast"], "--speed is 'fast'"),
        (["--start", "yesterday"], "--start is 'yesterday'"),
        (["--group", "g", "--partition", "1"], "--partition"),
        (["--output-format", "avro"], "--output-dir"),
        (["--output-dir", "out"], "--output-format"),
        (["--into-topic", "u", "--as-version", "latest"], "--as-version"),
        (["--limit", "0"], "'--limit'"),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_asked(arguments: list[str], message: str):
    """Wrong usage costs no connection, has exit code 2, and says what to do."""
    result = CliRunner().invoke(main.main, ["replay", "t", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


def headed(*headers: tuple[str, bytes | None], value: bytes | None) -> Message:
    return Message(topic="t", partition=0, offset=1, value=value, headers=list(headers), timestamp=(1, 1))


def test_what_confluents_serializer_writes_with_its_id_in_a_header_is_decoded():
    """The value is data from its first byte then, which is no magic byte, and its header has the schema's GUID."""
    record, good = event()
    headers: Any = []
    client = SchemaRegistryClient.new_client({"url": "mock://headers"})
    make: Any = AvroSerializer  # whose types do not know how it is made
    serializer = make(
        client,
        TEXT,
        conf={"schema.id.serializer": header_schema_id_serializer, "auto.register.schemas": True},
    )
    value = serializer(record, SerializationContext("t", MessageField.VALUE, headers))
    assert value == good
    writers = WriterSchemas(Registry("mock://headers", client))
    names = ("t",)
    unknown = ("__value_schema_id", b"\1" + bytes(16))
    for deep in (False, True):
        batch = Batch.of([headed(*headers, value=value), headed(unknown, value=value)], {"t": 0})
        records, _ = Decoder(names, writers, {}, deep=deep).judge(batch)
        assert batch.kind.tolist() == [Kind.GOOD, Kind.UNKNOWN_ID]
        assert batch.schema_id[0] == client.get_latest_version("t-value").schema_id
        assert records == ({0: record} if deep else {})
    assert writers.version("t", int(batch.schema_id[0])) == 1


def test_a_guid_of_no_version_of_the_subject_is_decoded_all_the_same():
    """Subjects need not be named by topics; then the schema's number is not known, and not printed."""
    record, good = event()
    client = SchemaRegistryClient.new_client({"url": "mock://elsewhere"})
    guid = client.register_schema_full_response("by-record", RegistrySchema(TEXT, "AVRO")).guid
    batch = Batch.of([headed(("__value_schema_id", b"\1" + UUID(guid).bytes), value=good)], {"t": 0})
    writers = WriterSchemas(Registry("mock://elsewhere", client))
    records, _ = Decoder(("t",), writers, {}, deep=True).judge(batch)
    assert records == {0: record}
    out = io.StringIO()
    Printer("jsonl", None, out, 80, writers.version).write(batch, records)
    line = json.loads(out.getvalue())
    assert (line["schema_id"], line["version"], line["value"]["timestamp"]) == (None, None, 5)


@pytest.mark.parametrize(
    ("header", "number"),
    [
        (("__value_schema_id", b"\0\0\0\0\7"), 7),
        (("apicurio.value.contentId", (7).to_bytes(8, "big")), 7),
        (("__value_schema_id", b"\2\0\0\0\7"), None),
        (("__value_schema_id", b""), None),
        (("__value_schema_id", None), None),
        (("apicurio.value.contentId", b"7"), None),
        (("apicurio.value.globalId", (7).to_bytes(8, "big")), None),
    ],
)
def test_a_schema_id_in_a_record_header_is_used_or_told(header: tuple[str, bytes | None], number: int | None):
    """A number in a header counts, though the value begins like one with another number; what is odd is kept aside."""
    record, good = event()
    batch = Batch.of([headed(("trace", b"1"), header, value=good)], {"t": 0})
    records, _ = Decoder(
        ("t",), WriterSchemas(Books({7: RegistrySchema(TEXT, "AVRO")})), {}, deep=True
    ).judge(batch)
    assert batch.kind.tolist() == [Kind.ODD_HEADER if number is None else Kind.GOOD]
    assert records == ({} if number is None else {0: record})
    plain = Batch.of([headed(("trace", b"1"), value=b"\0\0\0\0\7x"), headed(header, value=None)], {"t": 0})
    assert plain.kind.tolist() == [Kind.GOOD, Kind.TOMBSTONE]
    assert plain.data(0) == b"x"
