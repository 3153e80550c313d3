"""LENS's rule of evolution is kept where it is stricter than Avro's, and says which field, which rule, which fix."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastavro import parse_schema

from lensload.schema import definitions
from lensload.schema.compatibility import ADDED, CHANGED, REMOVED, RENAMED, breaches

Document = dict[str, Any]
INTERACTION = definitions.load()["user-interactions"]
REQUEST = definitions.load()["recommendation-requests"]
OPTIONAL: Document = {"name": "campaign", "type": ["null", "string"], "default": None}


def changed(change: Callable[[Document], object], text: str = INTERACTION.text) -> Document:
    """A schema after `change` has had its way with the JSON document."""
    document = json.loads(text)
    change(document)
    return parse_schema(document)  # type: ignore[return-value]


def named(document: Document, name: str) -> Document:
    return next(field for field in document["fields"] if field["name"] == name)


def without(name: str) -> Callable[[Document], None]:
    return lambda document: document["fields"].remove(named(document, name))


def having(**field: Any) -> Callable[[Document], None]:
    return lambda document: document["fields"].append({"name": "campaign", **field})


def typed(name: str, kind: Any) -> Callable[[Document], None]:
    return lambda document: named(document, name).update(type=kind)


def inner(document: Document) -> Document:
    """The record Filter inside of a request."""
    return named(document, "filters")["type"][1]["items"]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(doc="better words"),
        having(type=["null", "string"], default=None),
        having(type=["int", "null"], default=3),
        having(type=["null", {"type": "array", "items": "string"}], default=None),
        lambda document: document["fields"].reverse(),
        typed("userId", {"type": "string"}),
    ],
)
def test_what_lens_allows_is_allowed(change: Callable[[Document], object]):
    """Optional fields with a default, docs, more symbols and another spelling keep every reader going."""
    assert breaches(INTERACTION.parsed, changed(change)) == ()


@pytest.mark.parametrize(
    ("change", "field", "rule", "fix"),
    [
        (without("duration"), "duration", REMOVED, "[null, int]"),
        (without("itemId"), "itemId", REMOVED, "string"),
        (having(type="string"), "campaign", ADDED, '"type": ["null", "string"], "default": null'),
        (having(type="string", default=""), "campaign", ADDED, '"type": ["null", "string"], "default": null'),
        (having(type=["null", "string"]), "campaign", ADDED, '"type": ["null", "string"], "default": null'),
        (typed("timestamp", "double"), "timestamp", CHANGED, "long"),
        (typed("duration", ["null", "long"]), "duration", CHANGED, "[null, int]"),
        (typed("userId", ["null", "string"]), "userId", CHANGED, "string"),
        (typed("timestamp", {"type": "long", "logicalType": "timestamp-millis"}), "timestamp", CHANGED, "long"),
        (typed("metadata", ["null", {"type": "map", "values": "int"}]), "metadata{}", CHANGED, "string"),
        (lambda document: named(document, "duration").pop("default"), "duration", ADDED, '"default": null'),
        (lambda document: named(document, "interactionType")["type"]["symbols"].append("share"), "interactionType", CHANGED, "new field"),
        (lambda document: named(document, "interactionType")["type"]["symbols"].remove("click"), "interactionType", CHANGED, ""),
        (lambda document: document.update(name="Other"), "com.lens.events.Other", RENAMED, "com.lens.events.UserInteraction"),
    ],
)  # fmt: skip
def test_each_breach_names_field_rule_and_fix(
    change: Callable[[Document], object], field: str, rule: str, fix: str
):
    """Who breaks the rule reads where, which sentence of it, and what to write instead."""
    (breach,) = breaches(INTERACTION.parsed, changed(change))
    assert (breach.field, breach.rule) == (field, rule)
    assert fix in breach.fix


def test_a_removal_is_refused_though_avro_would_allow_it():
    """Avro's BACKWARD lets a reader without the field read on; LENS keeps the field."""
    (breach,) = breaches(INTERACTION.parsed, changed(without("searchQuery")))
    assert (breach.field, breach.rule) == ("searchQuery", REMOVED)


def test_the_rule_holds_inside_nested_records():
    """A record in an array in a union is held to the same rule, and the path says where."""
    older = REQUEST.parsed

    def change(document: Document) -> None:
        filters = inner(document)
        named(filters, "operator")["type"]["symbols"].remove("contains")
        filters["fields"].remove(named(filters, "value"))
        filters["fields"].append({"name": "weight", "type": "int"})

    found = {breach.field: breach.rule for breach in breaches(older, changed(change, REQUEST.text))}
    assert found == {"filters[].operator": CHANGED, "filters[].value": REMOVED, "filters[].weight": ADDED}


def test_a_type_by_name_is_the_type_defined_elsewhere():
    """Whether a type is written out or only named, it is the same type, and recursion ends."""

    def recursive(first: Any, second: Any) -> Document:
        fields = [{"name": "a", "type": ["null", first], "default": None}, {"name": "b", "type": second}]
        fields.append({"name": "next", "type": ["null", "R"], "default": None})
        return parse_schema({"type": "record", "name": "R", "fields": fields})  # type: ignore[return-value]

    enum = {"type": "enum", "name": "E", "symbols": ["X", "Y"]}
    less = {**enum, "symbols": ["X"]}
    assert breaches(recursive(enum, "E"), recursive(copy.deepcopy(enum), "E")) == ()
    assert [breach.field for breach in breaches(recursive(enum, "E"), recursive(less, "E"))] == ["a", "b"]


def test_all_breaches_are_told_at_once():
    """Nobody mends a schema one refusal at a time."""
    found = breaches(
        INTERACTION.parsed,
        changed(lambda document: [without("rating")(document), without("itemId")(document)]),
    )
    assert [breach.field for breach in found] == ["itemId", "rating"]


def test_an_enum_with_a_default_may_gain_symbols():
    """Its older readers read the default in a new symbol's place; without one they fail, so it may not gain any."""
    enum = {"type": "enum", "name": "E", "symbols": ["X", "Y"]}
    more = {**enum, "symbols": ["X", "Y", "Z"]}

    def of(kind: dict[str, Any]) -> dict[str, Any]:
        return {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}

    assert [breach.rule for breach in breaches(of(enum), of(more))] == [CHANGED]
    assert breaches(of({**enum, "default": "X"}), of({**more, "default": "X"})) == ()
