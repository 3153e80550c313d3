"""What Avro's specification refuses is refused before a registry does, and what it allows is not."""

from typing import Any

import pytest

from lensload.schema import avro_rules, definitions


def a_record(kind: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind, **more}]}


_ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (a_record(["null", "string"], default="null"), "first type of a union"),
        (a_record(["string", "null"], default=None), "first type of a union"),
        (a_record(["null", "int"], default=0), "first type of a union"),
        (a_record("int", default=2**31), "is no int"),
        (a_record("long", default=1.5), "is no long"),
        (a_record("boolean", default=0), "is no boolean"),
        (a_record("string", default=None), "is no string"),
        (a_record({"type": "fixed", "name": "F", "size": 4}, default="ab"), "does not have 4 bytes"),
        (a_record({"type": "fixed", "name": "F", "size": -1}), "whole number"),
        (a_record({"type": "array", "items": "int"}, default={}), "is no array"),
        (a_record({"type": "map", "values": "int"}, default={"a": "b"}), "is no int"),
        (a_record({"type": "array"}), "nothing of its items"),
        (a_record(_ENUM, default="C"), "not one of its symbols"),
        (a_record({**_ENUM, "default": "C"}), "not one of its symbols"),
        (a_record({**_ENUM, "symbols": ["A", "A"]}), "there twice"),
        (a_record({**_ENUM, "symbols": ["a-b"]}), "is no symbol"),
        (a_record(["null", ["int"]]), "a union in a union"),
        (a_record(["int", "int"]), "has int twice"),
        (a_record([{"type": "array", "items": "int"}, {"type": "array", "items": "string"}]), "array twice"),
        (a_record([]), "no branch"),
        ({"type": "record", "name": "user-agent", "fields": []}, "is no name"),
        ({"type": "record", "name": "R", "namespace": "a.1b", "fields": []}, "is no name"),
        ({"type": "record", "name": "R", "fields": [{"name": "user-agent", "type": "int"}]}, "is no name"),
        (
            {"type": "record", "name": "R", "fields": [{"name": "f", "type": "int", "order": "up"}]},
            "the order must be one of",
        ),
        (a_record(a_record("int"), default={}), "lacks f"),
    ],
)
def test_what_the_specification_refuses_is_named(document: Any, said: str):
    """Whoever writes such a schema reads where and why."""
    assert said in avro_rules.complaint(document)


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
