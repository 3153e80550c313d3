"""What Avro's specification refuses is refused before a registry does, and what it allows is not."""

from typing import Any

import pytest

from lensload.schema import avro_rules, definitions


def a_record(kind: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind, **more}]}


_ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (a_record(["null", "string"], default="null"), "R.f: "),
        (a_record(["string", "null"], default=None), "R.f: "),
        (a_record(["null", "int"], default=0), "R.f: "),
        (a_record("int", default=2**31), "2147483648"),
        (a_record("long", default=1.5), "1.5"),
        (a_record("boolean", default=0), "boolean"),
        (a_record("string", default=None), "string"),
        (a_record({"type": "fixed", "name": "F", "size": 4}, default="ab"), "4 bytes"),
        (a_record({"type": "fixed", "name": "F", "size": -1}), "-1"),
        (a_record({"type": "array", "items": "int"}, default={}), "array"),
        (a_record({"type": "map", "values": "int"}, default={"a": "b"}), '"b"'),
        (a_record({"type": "array"}), "items"),
        (a_record(_ENUM, default="C"), '"C"'),
        (a_record({**_ENUM, "default": "C"}), '"C"'),
        (a_record({**_ENUM, "symbols": ["A", "A"]}), "'A'"),
        (a_record({**_ENUM, "symbols": ["a-b"]}), "'a-b'"),
        (a_record(["null", ["int"]]), "R.f: "),
        (a_record(["int", "int"]), "int"),
        (a_record([{"type": "array", "items": "int"}, {"type": "array", "items": "string"}]), "array"),
        (a_record([]), "R.f: "),
        ({"type": "record", "name": "user-agent", "fields": []}, "'user-agent'"),
        ({"type": "record", "name": "R", "fields": [{"name": [], "type": "int"}]}, "R.[]"),
        ({"type": "record", "name": "R", "namespace": "a.1b", "fields": []}, "'1b'"),
        ({"type": "record", "name": "R", "fields": [{"name": "user-agent", "type": "int"}]}, "'user-agent'"),
        (
            {"type": "record", "name": "R", "fields": [{"name": "f", "type": "int", "order": "up"}]},
            "order",
        ),
        (a_record(a_record("int"), default={}), "R.f: "),
    ],
)
def test_what_the_specification_refuses_is_named(document: Any, named: str):
    """Whoever writes such a schema reads where and why."""
    assert named in avro_rules.complaint(document)


@pytest.mark.parametrize(
    "document",
    [
        a_record(["null", "string"], default=None),
        a_record(["string", "null"], default="x"),
        a_record("float", default=1),
        a_record("bytes", default="\u00ff"),
        a_record(_ENUM, default="A"),
        a_record({"type": "map", "values": ["null", "int"]}, default={"a": None}),
        a_record([{"type": "fixed", "name": "F", "size": 1}, {"type": "fixed", "name": "G", "size": 1}]),
        a_record({"type": {"type": "int"}}, default=1),
    ],
)
def test_what_the_specification_allows_passes(document: Any):
    """A schema that registries take is not refused."""
    assert avro_rules.complaint(document) == ""


def test_our_own_schemas_pass():
    """The five schemas are loaded, which holds them to the rules."""
    assert len(definitions.load()) == len(definitions.TOPICS)
