"""Schemas of a workload: one text that needs no other, whatever files or subjects its types are in."""

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from lensload.errors import SchemaError, UsageError
from lensload.schema.registry import Registry, connect
from lensload.workload import schema_source

COUNTRY = {"type": "enum", "name": "com.shop.types.Country", "symbols": ["DE", "FR"]}
ADDRESS = {
    "type": "record",
    "name": "Address",
    "namespace": "com.shop.types",
    "fields": [{"name": "city", "type": "string"}, {"name": "country", "type": "Country"}],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "com.shop",
    "fields": [
        {"name": "orderId", "type": "string"},
        {"name": "to", "type": "com.shop.types.Address"},
        {"name": "bill", "type": ["null", {"type": "array", "items": "com.shop.types.Address"}]},
        {"name": "parent", "type": ["null", "Order"]},
    ],
}
WHOLE = {
    **ORDER,
    "fields": [
        ORDER["fields"][0],
        {
            "name": "to",
            "type": {
                **ADDRESS,
                "fields": [{"name": "city", "type": "string"}, {"name": "country", "type": COUNTRY}],
            },
        },
        *ORDER["fields"][2:],
    ],
}


def put(folder: Path, **schemas: Any) -> list[Path]:
    paths = [folder / f"{name}.avsc" for name in schemas]
    for path, schema in zip(paths, schemas.values(), strict=True):
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema, indent=2))
    return paths


def canonical(text: str) -> str:
    return fingerprint(to_parsing_canonical_form(parse_schema(json.loads(text))), "CRC-64-AVRO")


@pytest.fixture
def registry():
    with connect("mock://schemas") as made:
        yield made


def register(registry: Registry, subject: str, schema: Any, *references: tuple[str, str, int]) -> None:
    named = [SchemaReference(*each) for each in references]
    registry.client.register_schema(subject, Schema(json.dumps(schema), "AVRO", named))


def test_a_schema_that_needs_no_other_stays_word_for_word(tmp_path: Path):
    """What is registered for it is the file's own text: docs, aliases, order and white space within it."""
    text = '{ "type":"record", "name":"A",\n "doc":"mine", "fields":[ {"name":"a","type":"int"} ] }'
    (path,) = put(tmp_path, a=text + "\n")
    assert schema_source.of_files(path) == text


def test_types_of_other_files_are_defined_where_they_are_mentioned_first(tmp_path: Path):
    """A record whose types are in files of their own is the same schema as one that has them all."""
    order, *others = put(tmp_path, order=ORDER, address=ADDRESS, country=COUNTRY)
    assert canonical(schema_source.of_files(order, others)) == canonical(json.dumps(WHOLE))
    assert canonical(schema_source.of_files(order, others[::-1])) == canonical(json.dumps(WHOLE))


def test_the_types_of_one_file_may_be_a_list(tmp_path: Path):
    """A list of types is the record that uses the others, in whatever order they are."""
    (path,) = put(tmp_path, all=[ORDER, COUNTRY, ADDRESS])
    assert canonical(schema_source.of_files(path)) == canonical(json.dumps(WHOLE))


def test_the_references_of_a_subject_are_followed(registry: Registry):
    """A subject whose types are in other subjects, which refer to others again, is one text, with its own id."""
    register(registry, "country", COUNTRY)
    register(registry, "address", ADDRESS, ("com.shop.types.Country", "country", 1))
    register(
        registry, "orders-value", {**ORDER, "doc": "the first"}, ("com.shop.types.Address", "address", 1)
    )
    register(registry, "orders-value", ORDER, ("com.shop.types.Address", "address", 1))
    found = schema_source.fetched(registry, "orders-value")
    assert canonical(found.text) == canonical(json.dumps(WHOLE))
    assert found.version == 2
    assert found.schema_id == registry.client.get_latest_version("orders-value").schema_id
    first = schema_source.fetched(registry, "orders-value", 1)
    assert json.loads(first.text)["doc"] == "the first"
    assert first.version == 1


REFUSED = {
    "not JSON": ('{"type": "record",\n "name"', ":2: not JSON"),
    "no schema": ("{}", "not an Avro schema"),
    "a JSON Schema": ('{"$schema": "x", "type": "object"}', "JSON Schema"),
    "an unknown type": (json.dumps(ORDER, indent=1), ":12: it uses 'com.shop.types.Address'"),
    "a slip of the pen": (
        json.dumps({"type": "record", "name": "A", "fields": [{"name": "b", "type": "strin"}]}),
        "did you mean string?",
    ),
    "a default of another type": (
        json.dumps(
            {"type": "record", "name": "A", "fields": [{"name": "b", "type": "string", "default": None}]}
        ),
        "A.b: its default null is no string",
    ),
    "a name twice": (json.dumps({**ADDRESS, "fields": ADDRESS["fields"][:1] * 2}), "is there twice"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_schema_of_a_topic_is_refused_with_its_place(tmp_path: Path, text: str, said: str):
    """Whoever names the wrong file reads which, in which line where that is known, and why."""
    (path,) = put(tmp_path, wrong=text)
    with pytest.raises(SchemaError) as caught:
        schema_source.of_files(path)
    assert str(path) in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("name", "said"), [("a.proto", "Protobuf"), ("a.avdl", "IDL"), ("none.avsc", "read")]
)
def test_files_of_other_kinds_are_named_as_not_supported(tmp_path: Path, name: str, said: str):
    """A Protobuf file is not read as broken Avro, and a file that is not there is no schema."""
    with pytest.raises(UsageError, match=said):
        schema_source.of_files(tmp_path / name)


def test_subjects_of_other_kinds_and_none_are_refused(registry: Registry):
    """JSON Schema and Protobuf subjects are named as what they are, and so is a subject that is not there."""
    registry.client.register_schema("j-value", Schema("{}", "JSON"))
    registry.client.register_schema("p-value", Schema("x", "PROTOBUF"))
    for subject, said in (("j-value", "JSON Schema"), ("p-value", "Protobuf"), ("q-value", "no q-value")):
        with pytest.raises(SchemaError, match=said):
            schema_source.fetched(registry, subject)


@pytest.mark.parametrize("schema", ["string", {"type": "string"}, ["null", "long"]])
def test_a_schema_of_keys_may_be_of_any_type(tmp_path: Path, schema: Any):
    """Keys are texts and numbers as often as records."""
    (path,) = put(tmp_path, key=json.dumps(schema))
    assert json.loads(schema_source.of_files(path)) == schema


def test_comments_in_a_schema_are_passed_over(tmp_path: Path):
    """Java's Avro takes // and /* */; what is within a text is kept, and lines keep their numbers."""
    path = tmp_path / "a.avsc"
    schema = '{"type": "record", "name": "A", // one\n/* two\n*/ "doc": "http://x /* y */",\n"fields": []%s}'
    path.write_text(schema % "")
    assert json.loads(schema_source.of_files(path))["doc"] == "http://x /* y */"
    path.write_text(schema % ",,")
    with pytest.raises(SchemaError, match=r"a\.avsc:4: "):
        schema_source.of_files(path)
