"""The five schemas are LENS's own, and a broken file is refused in words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastavro.schema import parse_schema

from lensload.errors import SchemaError
from lensload.schema import definitions

MAP = {"type": "map", "values": "string"}
PROMISED: dict[str, list[tuple[str, Any]]] = {
    "user-interactions": [
        ("eventId", "string"),
        ("timestamp", "long"),
        ("userId", "string"),
        ("sessionId", "string"),
        ("interactionType", ("InteractionType", "view click rating purchase search bookmark")),
        ("itemId", "string"),
        ("itemCategory", ["null", "string"]),
        ("duration", ["null", "int"]),
        ("rating", ["null", "float"]),
        ("searchQuery", ["null", "string"]),
        ("metadata", ["null", MAP]),
    ],
    "recommendation-requests": [
        ("requestId", "string"),
        ("timestamp", "long"),
        ("userId", "string"),
        ("modelName", "string"),
        ("numRecommendations", "int"),
        ("context", ["null", MAP]),
        (
            "filters",
            [
                "null",
                [
                    ("field", "string"),
                    ("operator", ("FilterOperator", "eq ne gt lt in contains")),
                    ("value", "string"),
                ],
            ],
        ),
    ],
    "recommendation-responses": [
        ("requestId", "string"),
        ("timestamp", "long"),
        ("userId", "string"),
        ("modelName", "string"),
        ("modelVersion", "string"),
        (
            "recommendations",
            [
                ("itemId", "string"),
                ("score", "float"),
                ("rank", "int"),
                ("explanation", ["null", "string"]),
            ],
        ),
        ("processingTime", "long"),
        ("status", ("ResponseStatus", "success partial error")),
        ("errorMessage", ["null", "string"]),
    ],
    "model-metrics": [
        ("metricId", "string"),
        ("timestamp", "long"),
        ("modelName", "string"),
        ("modelVersion", "string"),
        (
            "metricType",
            ("MetricType", "accuracy precision recall f1_score auc latency throughput error_rate"),
        ),
        ("value", "float"),
        ("windowStart", "long"),
        ("windowEnd", "long"),
        ("tags", ["null", MAP]),
    ],
    "ab-test-events": [
        ("eventId", "string"),
        ("timestamp", "long"),
        ("experimentId", "string"),
        ("userId", "string"),
        ("variant", "string"),
        ("eventType", ("ABEventType", "assignment conversion engagement metric")),
        ("metricName", ["null", "string"]),
        ("metricValue", ["null", "float"]),
        ("metadata", ["null", MAP]),
    ],
}


def shape(avro_type: Any) -> Any:
    """An Avro type in the short form of PROMISED: enums as (name, symbols), arrays as their record's fields."""
    if isinstance(avro_type, list):
        return [shape(branch) for branch in avro_type]
    if isinstance(avro_type, dict):
        match avro_type["type"]:
            case "enum":
                return avro_type["name"].removeprefix("com.lens.events."), " ".join(avro_type["symbols"])
            case "array":
                return [(field["name"], shape(field["type"])) for field in avro_type["items"]["fields"]]
            case _:
                return avro_type
    return avro_type


def raw(name: str) -> dict[str, Any]:
    return json.loads(definitions.load()[name].text)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the five files, free to be spoilt."""
    return Path(shutil.copytree(definitions.default_folder(), tmp_path / "schemas"))


@pytest.mark.parametrize("topic", definitions.TOPIC_NAMES)
def test_names_types_and_order_are_lens_s_own(topic: str):
    """LENS's services already read and write these fields: none may move, change or vanish."""
    fields = [(field["name"], shape(field["type"])) for field in raw(topic)["fields"]]
    assert fields == PROMISED[topic]


@pytest.mark.parametrize("topic", definitions.TOPIC_NAMES)
def test_defaults_are_null_where_optional_and_ten_recommendations(topic: str):
    """A reader of an older or newer version relies on exactly these defaults."""
    expected: dict[str, int | None] = {
        field["name"]: None
        for field in raw(topic)["fields"]
        if isinstance(field["type"], list) and field["type"][0] == "null"
    }
    if topic == "recommendation-requests":
        expected["numRecommendations"] = 10
    defaults = {field["name"]: field["default"] for field in raw(topic)["fields"] if "default" in field}
    assert defaults == expected


def test_an_explanation_may_be_left_out():
    """The one optional field of a nested record has its null default too."""
    fields = {field["name"]: field for field in raw("recommendation-responses")["fields"]}
    nested = {field["name"]: field for field in fields["recommendations"]["type"]["items"]["fields"]}
    assert nested["explanation"]["default"] is None


@pytest.mark.parametrize("topic", definitions.TOPIC_NAMES)
def test_everything_has_a_doc(topic: str):
    """Whoever meets a record, an enum or a field in the registry finds out what it means."""
    undocumented: list[str] = []

    def walk(node: Any, path: str) -> None:
        if isinstance(node, list):
            for branch in node:
                walk(branch, path)
        elif isinstance(node, dict):
            if node.get("type") in {"record", "enum"} and len(node.get("doc", "")) < 20:
                undocumented.append(path)
            for field in node.get("fields", []):
                if len(field.get("doc", "")) < 10:
                    undocumented.append(f"{path}.{field['name']}")
                walk(field["type"], f"{path}.{field['name']}")
            walk(node.get("items"), path)
            if isinstance(node.get("type"), dict):
                walk(node["type"], path)

    walk(raw(topic), topic)
    assert undocumented == []


def test_load_gives_all_topics_in_causal_order():
    """Requests come before responses, and those before what people do with them."""
    loaded = definitions.load()
    assert tuple(loaded) == definitions.TOPIC_NAMES
    assert [schema.topic for schema in loaded.values()] == list(definitions.TOPICS)
    assert all(schema.fields[0]["name"] == schema.topic.id_field for schema in loaded.values())


def test_text_is_the_file_and_parsed_writes_it():
    """What is registered is the file as it stands, and the parsed form is of that same schema."""
    for schema in definitions.load().values():
        file = definitions.default_folder() / schema.topic.file
        assert schema.text == file.read_text(encoding="utf-8").strip()
        reparsed = parse_schema(json.loads(schema.text))
        assert schema.parsed == reparsed
        assert schema.parsed["name"] == f"com.lens.events.{schema.topic.record}"


def test_fingerprint_ignores_docs_but_not_fields(copy: Path):
    """Two runs had the same wire format exactly when their fingerprints are equal."""
    before = definitions.load()["ab-test-events"].fingerprint
    path = copy / "ab_test_event.avsc"
    path.write_text(path.read_text().replace("What happened.", "Whatever happened."))
    assert definitions.load(copy)["ab-test-events"].fingerprint == before
    path.write_text(path.read_text().replace('"metricName"', '"metricTitle"'))
    assert definitions.load(copy)["ab-test-events"].fingerprint != before


def test_a_missing_file_is_named(copy: Path):
    """Who lost a file reads which one and how to get it back."""
    (copy / "model_metrics.avsc").unlink()
    with pytest.raises(SchemaError, match=r"model_metrics\.avsc"):
        definitions.load(copy)


@pytest.mark.parametrize(
    ("found", "replaced", "message"),
    [
        ('"name": "userId", ', '"name": "userId" ', r"ab_test_event\.avsc:10:"),
        (
            '"type": ["null", "float"]',
            '"type": ["null", "flaot"]',
            r"avsc:23: 'flaot'",
        ),
        ('"name": "ABTestEvent"', '"name": "Other"', r"avsc:3:.*com\.lens\.events\.Other"),
        ('"name": "userId"', '"name": "user"', r"'userId'"),
        ('"name": "variant"', '"name": "userId"', r"avsc:10:.*'userId'"),
        ('"symbols": [', '"symbols": ["a b", ', r"avsc:1:"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(copy: Path, found: str, replaced: str, message: str):
    """Who broke a schema reads file, line and what is wrong, never a traceback."""
    path = copy / "ab_test_event.avsc"
    text = path.read_text()
    assert found in text
    path.write_text(text.replace(found, replaced, 1))
    with pytest.raises(SchemaError, match=message) as refusal:
        definitions.load(copy)
    assert refusal.value.exit_code == 2
    assert refusal.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"5", b'"string"', b"{}", b"\xff\xfe", b'{"type":"record","name":"A"}']
)
def test_any_other_content_is_refused(copy: Path, content: bytes):
    """Nothing that stands in for a schema file gets past loading, or out of it as another exception."""
    (copy / "ab_test_event.avsc").write_bytes(content)
    with pytest.raises(SchemaError, match=r"ab_test_event\.avsc"):
        definitions.load(copy)


def test_subjects_are_named_as_every_confluent_client_names_them():
    """Whoever reads the topic with a plain deserializer finds the schema."""
    assert definitions.subject("user-interactions") == "user-interactions-value"
    assert definitions.subject("user-interactions", "dev.") == "dev.user-interactions-value"
