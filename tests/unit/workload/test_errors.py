"""What a workload file gets that cannot be used: the file, the line, the key, and what was meant, before anything is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from lensload.errors import UsageError
from lensload.workload import findings
from lensload.workload.loading import load
from tests.support.workloads import batches, record, written

ENUM = {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}
SCHEMA = record(
    "Order",
    orderId="string",
    customerId="string",
    status=ENUM,
    amount="double",
    quantity="int",
    note=["null", "string"],
    lines={"type": "array", "items": record("Line", sku="string", price="double")},
    tags={"type": "map", "values": "string"},
    address=record("Address", city="string"),
    payload=["null", "long", "string", "Line"],
    day={"type": "int", "logicalType": "date"},
    cents={"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
)
HEAD = """\
seed = 7

[pools.customers]
size = 100
[pools.customers.fields]
id = { uuid = {} }
name = { faker = "name", distinct = 5 }

[topics.orders]
schema = "order.avsc"
stopwatch = "orderId"
key = "customerId"
[topics.orders.fields]
"""
FIRST = HEAD.count("\n") + 1
"""The line of the first field."""


def refused(folder: Path, text: str, **schemas: Any) -> UsageError:
    """Why a file is refused."""
    schemas = {"order.avsc": SCHEMA, **{f"{name}.avsc": schema for name, schema in schemas.items()}}
    with pytest.raises(UsageError) as caught:
        load(written(folder, schemas, text))
    return caught.value


@pytest.mark.parametrize(
    ("field", "key", "meant"),
    [
        ("custmerId = { uuid = {} }", "custmerId", "customerId"),
        ('customerId = { from = "custmers.id" }', "customerId.from", "customers"),
        ('customerId = { from = "customers.nme" }', "customerId.from", "name"),
        ("customerId = { uid = {} }", "customerId.uid", "uuid"),
        ('status = { choice = ["NEW", "PAYED"] }', "status.choice", "PAID"),
        ("amount = { uuid = {} }", "amount.uuid", "UUIDs"),
        ("status = { due = {} }", "status.due", "moments"),
        ('quantity = { choice = ["x"] }', "quantity.choice", "int"),
        ("customerId = { normal = { mean = 1, sd = 1 }, length = 3 }", "customerId.length", "length"),
        ("status = { uniform = [1, 2] }", "status.uniform", "numbers"),
        ("quantity = { uniform = [0, 3_000_000_000] }", "quantity.uniform", "2.14748e+09"),
        ("quantity = { uniform = [0.2, 0.8] }", "quantity.uniform", "whole"),
        ("amount = { null = 0.5 }", "amount.null", "union"),
        ('note = { faker = "sentense" }', "note.faker", "sentence"),
        ('note = { faker = { method = "sentence", words = 3 } }', "note.faker", "words"),
        ('amount = { faker = "name" }', "amount.faker", "double"),
        ('quantity = { sequence = { per = "row" } }', "quantity.sequence", "each"),
        ('quantity = { sequence = { per = "parent" } }', "quantity.sequence", "parent"),
        ('quantity = { sequence = { per = "customer" } }', "quantity.sequence.per", "'row' or 'parent'"),
        ('amount = { sum = "lines[].prise" }', "amount.sum", "price"),
        ('amount = { sum = "lines.price" }', "amount.sum", "[]"),
        ('amount = { sum = "customerId" }', "amount.sum", "numbers"),
        ('quantity = { count = "amount" }', "quantity.count", "array or map"),
        ('amount = { sum = "quantity" }\nquantity = { sum = "amount" }', "amount.sum", "cycle"),
        ('customerId = { copy = "note" }\nnote = { copy = "customerId" }', "customerId.copy", "cycle"),
        ('customerId = { copy = "amount" }', "customerId.copy", "double"),
        ('amount = { product = ["quantity", "lines[].price"] }', "amount.product", "many values"),
        ('customerId = { parent = "id" }', "customerId.parent", "no parent"),
        ('"lines.price" = { uniform = [1, 2] }', '"lines.price"', "[]"),
        ('"lines[].prise" = { uniform = [1, 2] }', '"lines[].prise"', "price"),
        ('"address.cty" = { faker = "city" }', '"address.cty"', "city"),
        ('"lines[" = {}', '"lines["', "path"),
        ('address = { constant = { city = "x" } }\n"address.city" = {}', "address", "address.city"),
        ("lines = { length = [5, 1] }", "lines.length", "[1, 5]"),
        ("lines = { length = [5] }", "lines.length", "a range such as [1, 3]"),
        ('lines = { length = "5" }', "lines.length", "a number such as 3"),
        ("amount = { uniform = [5] }", "amount.uniform", "a list of two"),
        ("note = { padding = { uniform = 9 } }", "note.padding.uniform", "a list of two"),
        ("status = { choice = 3 }", "status.choice", "a list of values"),
        ("amount = { normal = 3 }", "amount.normal", "mean, sd"),
        ("customerId = { uuid = 3 }", "customerId.uuid", "{}"),
        ("customerId = { faker = { name = 3 } }", "customerId.faker", "method"),
        ("tags = { keys = [] }", "tags.keys", "at least 1"),
        ("amount = { min = 5, max = 1 }", "amount", "above"),
        ("day = { min = 3 }", "day.min", "numbers"),
        ("cents = { length = 3 }", "cents.length", "decimal"),
        ("amount = { uniform = [1, 2], constant = 3 }", "amount", "constant"),
        ('tags = { keys = ["a"], length = 3 }', "tags.keys", "3"),
        ('payload = { branch = ["lng"] }', "payload.branch", "long"),
        ('payload = { uniform = [1, 2] }\n"payload.sku" = {}', "payload", "branch"),
        ('payload = { branch = ["Line"], uniform = [1, 2] }\n"payload.sku" = {}', "payload", "payload.sku"),
        ('payload = { branch = ["Line", "long"], uniform = [1, 2] }', "payload.uniform", "Line"),
        ('payload = { branch = ["Line", "long"], length = 2 }', "payload.length", "Line"),
        ("orderId = { uuid = {} }", "orderId", "stopwatch"),
        ('customerId = { pattern = "" }', "customerId.pattern", "character"),
        ("status = { choice = { NEW = -1 } }", "status.choice", "at least 0"),
        ("status = { choice = { NEW = 0 } }", "status.choice", "above 0"),
        ("status = { choice = { NEW = 1e308, PAID = 1e308 } }", "status.choice", "sum"),
        ('quantity = { constant = "1e999999999" }', "quantity.constant", "int"),
        ("lines = { length = 100_000 }", "lines.length", "10,000"),
        ("tags = { length = 100_000 }", "tags.length", "10,000"),
        ('quantity = { uniform = ["0001-01-01", "9999-12-31"] }', "quantity.uniform", "2116"),
        ('quantity = { uniform = ["2026-02-01", "2026-01-01"] }', "quantity.uniform", "first"),
        ('lines = { constant = [] }\namount = { sum = "lines[].price" }', "lines", "lines[].price"),
        ("note = { padding = { uniform = [9, 1] } }", "note.padding", "[1.0, 9.0]"),
    ],
)
def test_a_field_that_cannot_be_made_is_named_with_its_line(tmp_path: Path, field: str, key: str, meant: str):
    """Every slip in a field says where it is, and what was meant or what is wrong."""
    error = refused(tmp_path, HEAD + field)
    first = error.message.partition("\n")[0]
    assert first.startswith(f"{tmp_path / 'workload.toml'}:{FIRST}: topics.orders.fields.{key}: ")
    assert meant in first
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("was", "becomes", "line", "key", "meant"),
    [
        ("seed = 7", "sed = 7", 1, "sed", "seed"),
        ("size = 100", "size = 0", 4, "pools.customers.size", "greater"),
        ("size = 100", "size = 9_000_000_000_000_000", 4, "pools.customers.size", "less"),
        ("size = 100", "size = 100\nskew = { hot = 500, share = 0.1 }", 3, "pools.customers", "500"),
        ("size = 100", "size = 100\nskew = { zpf = 1 }", 5, "pools.customers.skew.zpf", "zipf"),
        ("size = 100", "size = 100\nskew = { zipf = 1, hot = 5 }", 5, "pools.customers.skew.hot", "beside"),
        ("size = 100", "size = 100\nskew = { hot = 5 }", 5, "pools.customers.skew", "share"),
        ("size = 100", "size = 100\nskew = { hot = 5, shre = 1 }", 5, "pools.customers.skew.shre", "share"),
        ("seed = 7", 'locale = "en_USA"', 1, "locale", "en_"),
        ('"order.avsc"', '"ordr.avsc"', 10, "topics.orders.schema", "ordr.avsc"),
        ('"order.avsc"', '{ subject = "orders-value" }', 10, "topics.orders.schema", "orders-value"),
        ('stopwatch = "orderId"', 'stopwatch = "ordrId"', 11, "topics.orders.stopwatch", "orderId"),
        ('stopwatch = "orderId"', 'stopwatch = "amount"', 11, "topics.orders.stopwatch", "double"),
        ('stopwatch = "orderId"', "", 9, "topics.orders.stopwatch", "no field"),
        ('stopwatch = "orderId"', "", 9, "topics.orders.stopwatch", "{ header ="),
        (
            'stopwatch = "orderId"',
            'stopwatch = { heder = "x" }',
            11,
            "topics.orders.stopwatch.heder",
            "header",
        ),
        ('stopwatch = "orderId"', 'stopwatch = { header = "" }', 11, "topics.orders.stopwatch", "characters"),
        ('stopwatch = "orderId"', "stopwatch = 3", 11, "topics.orders.stopwatch", "string"),
        ('key = "customerId"', 'key = "customrId"', 12, "topics.orders.key", "customerId"),
        ('key = "customerId"', 'key = "address"', 12, "topics.orders.key", "Address"),
        ('key = "customerId"', 'key = "lines[].sku"', 12, "topics.orders.key", "lines[].sku"),
        ('key = "customerId"', 'parent = "order"', 12, "topics.orders.parent", "orders"),
        ('key = "customerId"', 'parent = "orders"', 12, "topics.orders.parent", "ancestor"),
        ('key = "customerId"', "children = 3", 9, "topics.orders", "parent"),
        ('key = "customerId"', "children = [3]", 12, "topics.orders.children", "a number such as 3"),
        ('key = "customerId"', "key = 3", 12, "topics.orders.key", "path"),
        ('key = "customerId"', "key = []", 12, "topics.orders.key", "path"),
        ('key = "customerId"', "share = 0", 12, "topics.orders.share", "greater"),
        ("topics.orders", "topics.all", 9, "topics.all", "another name"),
        ("topics.orders", 'topics."ö"', 9, 'topics."ö"', "letters"),
        ('key = "customerId"', 'each = "custmers"', 12, "topics.orders.each", "customers"),
        (
            "[topics.orders.fields]",
            'each = "customers"\n[topics.orders.fields]\nquantity = { sequence = { per = "row" } }',
            15,
            "topics.orders.fields.quantity.sequence",
            "1,000 rows",
        ),
        ("id = { uuid = {} }", "id = { due = {} }", 14, "topics.orders.fields.customerId.from", "pool"),
        ("id = { uuid = {} }", "id = 3", 6, "pools.customers.fields.id", "table"),
        ('faker = "name"', 'faker = "nme"', 7, "pools.customers.fields.name.faker", "name"),
        (
            '{ faker = "name", distinct = 5 }',
            '{ from = "custmers.id" }',
            7,
            "pools.customers.fields.name.from",
            "customers",
        ),
    ],
)
def test_what_is_wrong_around_the_fields_is_named_with_its_line(
    tmp_path: Path, was: str, becomes: str, line: int, key: str, meant: str
):
    """Pools, topics, keys, stopwatches and schemas are checked likewise."""
    text = HEAD.replace(was, becomes) + 'customerId = { from = "customers.id" }\n'
    error = refused(tmp_path, text)
    assert error.message.startswith(f"{tmp_path / 'workload.toml'}:{line}: {key}: ")
    assert meant in str(error)


@pytest.mark.parametrize(
    ("header", "key", "meant"),
    [
        ("source = 3", "source", "string"),
        ("source = { uid = {} }", "source.uid", "uuid"),
        ('source = { uuid = {}, constant = "x" }', "source", "constant"),
        ("source = { null = 0.5 }", "source.null", "union"),
        ("source = { padding = 900 }", "source.padding", "length"),
        ("source = { constant = [1] }", "source.constant", "string"),
        ('source = { copy = "amount" }', "source.copy", "double"),
        ('source = { copy = "ordrId" }', "source.copy", "orderId"),
        ('source = { copy = "lines[].sku" }', "source.copy", "many values"),
        ('source = { parent = "id" }', "source.parent", "no parent"),
        ('source = { from = "custmers.id" }', "source.from", "customers"),
        ('source = { faker = "nme" }', "source.faker", "name"),
        ('source = { faker = "name", distinct = 10_000_000 }', "source", "memory"),
        ('source = { keys = ["a"] }', "source.keys", "map"),
        ('"" = "x"', '""', "characters"),
        ('"a\\u0000b" = "x"', '"a\u0000b"', "printed"),
        ('lensload-fault = "late"', "lensload-fault", "another name"),
        ('lensload-id = "mine"', "lensload-id", "stopwatch"),
    ],
)
def test_a_header_that_cannot_be_made_is_named_with_its_line(
    tmp_path: Path, header: str, key: str, meant: str
):
    """Headers are checked as fields are: where it is, and what was meant or what is wrong."""
    head = HEAD.replace('"orderId"', '{ header = "lensload-id" }')
    error = refused(tmp_path, f"{head}[topics.orders.headers]\n{header}\n")
    first = error.message.partition("\n")[0]
    assert first.startswith(f"{tmp_path / 'workload.toml'}:{FIRST + 1}: topics.orders.headers.{key}: ")
    assert meant in first
    assert error.exit_code == 2


def test_more_headers_than_a_record_should_have_are_refused(tmp_path: Path):
    """Each costs bytes and time in every record."""
    lines = "".join(f'h{number} = "x"\n' for number in range(65))
    assert "64" in refused(tmp_path, f"{HEAD}[topics.orders.headers]\n{lines}").message


def test_pools_that_refer_to_each_other_in_a_circle_are_refused(tmp_path: Path):
    """No row can be made of a row that is made of it."""
    pool = '[pools.p]\nsize = 3\n[pools.p.fields]\na = { from = "q.b" }\n[pools.q]\nsize = 3\n[pools.q.fields]\nb = { from = "p.a" }\n'
    error = refused(tmp_path, HEAD + 'customerId = { from = "p.a" }\n' + pool)
    assert "a cycle: orders.customerId from p.a from q.b from p.a" in error.message


ROWS = """\
[pools.shops]
rows = [
  { city = "Berlin", price = 1.5 },
  # { city = "]" },
  { city = "Paris", price = 2 },
]
"""


@pytest.mark.parametrize(
    ("was", "becomes", "line", "key", "meant"),
    [
        ("Paris", 'Paris", ctiy = "x', 5, "rows.2.ctiy", "city"),
        (", price = 2", "", 5, "rows.2.price", "first"),
        ("price = 2", 'price = "two"', 5, "rows.2.price", "topics.orders.fields.amount is double"),
        ('city = "Berlin"', "city = [1]", 3, "rows.1.city", "topics.orders.fields.customerId is string"),
        (ROWS, "[pools.shops]\nrows = []\n", 2, "rows", "list of tables"),
        (ROWS, "[pools.shops]\nrows = 3\n", 2, "rows", "list of tables"),
        (ROWS, "[pools.shops]\nrows = [{}]\n", 2, "rows", "list of tables"),
        (ROWS, "[pools.shops]\nskew = { zipf = 1 }\n", 1, "", "size and fields"),
        ("rows", "size = 2\nrows", 1, "", "2 are written out"),
        ("rows", "skew = { hot = 3, share = 0.5 }\nrows", 1, "", "only 2"),
        ("rows", "fields.city = { uuid = {} }\nrows", 4, "rows.1.city", "too"),
        ("rows", "row", 2, "row", "rows"),
    ],
)
def test_what_is_wrong_with_written_rows_is_named_with_the_rows_line(
    tmp_path: Path, was: str, becomes: str, line: int, key: str, meant: str
):
    """Whoever writes a table of a hundred rows is told which one has the slip, and what it should have."""
    rows = ROWS.replace(was, becomes, 1)
    fields = 'customerId = { from = "shops.city" }\namount = { from = "shops.price" }\n'
    error = refused(tmp_path, rows + HEAD.partition("\n")[2] + fields)
    place = ".".join(filter(None, ("pools.shops", key)))
    assert error.message.startswith(f"{tmp_path / 'workload.toml'}:{line}: {place}: ")
    assert meant in str(error)
    assert error.exit_code == 2


def test_every_column_of_written_rows_is_checked(tmp_path: Path):
    """`workload check` reports each column that is wrong once, and no field because a column is."""
    rows = ROWS.replace("Paris", "x").replace("price = 2", 'price = "y"').replace('"Berlin"', "[1]")
    fields = 'customerId = { from = "shops.city" }\namount = { from = "shops.price" }\nnote = { uid = {} }\n'
    path = written(tmp_path, {"order.avsc": SCHEMA}, rows + HEAD.partition("\n")[2] + fields)
    found = findings.of(path.read_text(encoding="utf-8"), path).findings
    assert {each.place[2:] for each in found} == {
        ("rows", "1", "city"),
        ("rows", "2", "price"),
        ("fields", "note", "uid"),
    }


def test_values_of_faker_that_do_not_fit_into_memory_are_refused(tmp_path: Path):
    """Whoever asks for too many is told which key does, and what keeps no values."""
    text = (
        HEAD
        + 'customerId = { faker = "email", distinct = 6_000_000 }\nnote = { faker = "word", distinct = 5_000_000 }'
    )
    assert f":{FIRST + 1}: topics.orders.fields.note: " in refused(tmp_path, text).message


def test_a_parents_field_of_another_type_is_refused(tmp_path: Path):
    """A child's field has its parent's values only if they are of its type."""
    text = HEAD + (
        '[topics.lines]\nschema = "line.avsc"\nstopwatch = "id"\nparent = "orders"\n'
        '[topics.lines.fields]\norder = { parent = "quantity" }\n'
    )
    error = refused(tmp_path, text, line=record("OrderLine", id="string", order="string"))
    assert (
        "topics.lines.fields.order.parent: orders.quantity: it is int, and the field is string"
        in error.message
    )


@pytest.mark.parametrize(
    ("topics", "key", "meant"),
    [
        ({"orders": "", "lines": 'parent = "orders"\nchildren = 0'}, "lines.children", "ever follow"),
        ({"orders": "", "lines": 'parent = "orders"\nchildren = 100_000'}, "lines.children", "10,000"),
        ({"orders": "share = 1e-9", "lines": ""}, "orders.share", "million"),
        (
            {
                "orders": "",
                "lines": 'parent = "orders"\nchildren = 1_000',
                "steps": 'parent = "lines"\nchildren = 1_000',
            },
            "lines.children",
            "10,000",
        ),
    ],
)
def test_shares_of_which_no_events_come_or_too_many_at_once_are_refused(
    tmp_path: Path, topics: dict[str, str], key: str, meant: str
):
    """A topic without events would be waited for without end; what follows one event has to fit into memory."""
    text = "".join(
        f'[topics.{name}]\nschema = "id.avsc"\nstopwatch = "id"\n{more}\n' for name, more in topics.items()
    )
    error = refused(tmp_path, text, id=record("Event", id="string"))
    assert f": topics.{key}: " in error.message
    assert meant in error.message


def test_more_topics_than_a_run_can_account_for_are_refused(tmp_path: Path):
    """A workload that is accepted can be run."""
    text = "".join(f'[topics.t{n}]\nschema = "id.avsc"\nstopwatch = "id"\n' for n in range(65))
    assert "65 topics" in refused(tmp_path, text, id=record("Event", id="string")).message


def test_nothing_else_makes_the_record_of_the_stopwatch(tmp_path: Path):
    """A record that is made as a whole would have no event's id in it."""
    text = (
        '[topics.a]\nschema = "a.avsc"\nstopwatch = "head.id"\n'
        '[topics.a.fields]\nhead = { constant = { id = "x" } }\n'
    )
    error = refused(tmp_path, text, a=record("Event", head=record("Head", id="string")))
    assert ":5: topics.a.fields.head: " in error.message
    assert "head.id" in error.message


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("{", "not JSON"),
        ('{"type": "record"}', "not an Avro schema"),
        ('{"type": "record", "name": "A", "fields": [{"name": "id", "type": "strin"}]}', "strin"),
        ('"string"', "records"),
        ("3", "JSON object"),
        ('{"$schema": "x", "type": "object"}', "JSON Schema"),
        (
            '{"type": "record", "name": "A", "fields": [{"name": "id", "type": "string"}, {"name": "a", "type": "A"}]}',
            "endless",
        ),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path: Path, content: str, meant: str):
    """What registries refuse, other formats, and types that no value can have."""
    path = written(tmp_path, {}, '[topics.a]\nschema = "a.avsc"\nstopwatch = "id"\n')
    (tmp_path / "a.avsc").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load(path)
    assert caught.value.message.startswith(f"{path}:2: topics.a.schema: ")
    assert meant in str(caught.value)


def test_protobuf_is_named_as_not_supported(tmp_path: Path):
    """Whoever has other schemas than Avro's is told so, and not that they are broken."""
    path = written(tmp_path, {}, '[topics.a]\nschema = "a.proto"\nstopwatch = "id"\n')
    with pytest.raises(UsageError, match="Protobuf") as caught:
        load(path)
    assert caught.value.message.startswith(f"{path}:2: topics.a.schema: ")


def test_a_file_that_is_no_toml_or_not_there_is_refused(tmp_path: Path):
    """The line of the slip is named by the reader of TOML."""
    with pytest.raises(UsageError, match="line 2"):
        load(written(tmp_path, {}, "seed = 7\nseed\n"))
    with pytest.raises(UsageError, match="missing"):
        load(tmp_path / "missing.toml")


def test_a_schema_in_the_place_of_a_workload_file_is_told_what_makes_one(tmp_path: Path):
    """A workload file is made from the schema, and the error names the command."""
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, {}, json.dumps(SCHEMA)))
    assert "lensload workload init" in caught.value.hint


def test_types_of_other_files_and_subjects_are_used(tmp_path: Path):
    """A schema may refer to types of files that it includes, or come from the registry."""
    order = record("Order", orderId="string", address="com.x.Address")
    address = {"namespace": "com.x", **record("Address", city="string")}
    text = '[topics.o]\nschema = "order.avsc"\ninclude = "address.avsc"\nstopwatch = "orderId"\n'
    of = load(written(tmp_path, {"order.avsc": order, "address.avsc": address}, text))
    assert "city" in of.topics[0].schema_text
    asked: list[tuple[str, int | None]] = []

    def fetch(subject: str, version: int | None) -> str:
        asked.append((subject, version))
        return json.dumps(record("R", id="string"))

    text = '[topics.o]\nschema = { subject = "s", version = 3 }\nstopwatch = "id"\n'
    of = load(written(tmp_path, {}, text), fetch)
    assert asked == [("s", 3)]
    assert of.topics[0].subject == "s"


def test_a_key_schema_takes_the_fields_of_the_key(tmp_path: Path):
    """By name where they are the same, and only of their types."""
    key = record("Key", customerId="string")
    path = written(
        tmp_path,
        {"order.avsc": SCHEMA, "key.avsc": key},
        HEAD.replace('key = "cus', 'key_schema = "key.avsc"\nkey = "cus'),
    )
    assert "customerId" in (load(path).topics[0].key_schema_text or "")
    error = refused(
        tmp_path,
        HEAD.replace('key = "cus', 'key_schema = "key.avsc"\nkey = "cus'),
        key=record("Key", customerId="long"),
    )
    assert (
        ":12: topics.orders.key_schema: orders.customerId: it is string, and the field is long"
        in error.message
    )


@pytest.mark.parametrize(
    ("type_", "meant"),
    [
        ({"type": "fixed", "name": "F", "size": 100_000_000}, "100,000"),
        ({"type": "enum", "name": "E", "symbols": []}, "symbol"),
    ],
)
def test_types_of_which_no_value_can_be_made_are_refused(tmp_path: Path, type_: Any, meant: str):
    """Avro takes these schemas, but no memory has room for the values, or there is none."""
    text = '[topics.a]\nschema = "a.avsc"\nstopwatch = "id"\n'
    error = refused(tmp_path, text, a=record("Event", id="string", value=type_))
    assert ": topics.a.fields.value: " in error.message
    assert meant in error.message


ROW = record("Row", id="int")
CHANGED = """[topics.rows]
schema = "changed.avsc"
key_schema = "key.avsc"
key = "after.id"
stopwatch = { header = "lensload-id" }

[topics.rows.fields]
"after.id" = { sequence = {} }
"""


def test_a_key_may_be_in_a_record_that_is_null_in_no_event(tmp_path: Path):
    """What may be null by its schema is there unless the file says otherwise, and then it has no key."""
    changed = record("Changed", before=["null", ROW], after=["null", "Row"])
    schemas = {"changed.avsc": changed, "key.avsc": record("Key", id="int")}
    of = load(written(tmp_path, schemas, CHANGED))
    (batch,) = batches(of, 10)
    assert batch.key is not None
    rows = [each["after"] for each in batch.records()]  # each with the name of its branch
    assert [(row["id"],) for _, row in rows] == list(batch.key.values())
    error = refused(tmp_path, f"{CHANGED}after = {{ null = 0.1 }}\n", changed=changed, key=ROW)
    assert ":4: topics.rows.key: after.id may be null, and a key may not." in error.message
