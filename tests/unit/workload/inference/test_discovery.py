"""Topics are found in files, folders and registries, each with its name and its schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference

from lensload.errors import UsageError
from lensload.schema.registry import Registry, connect
from lensload.workload import schema_source
from lensload.workload.inference import discovery
from tests.support.schema_styles import ADDRESS, CUSTOMER, ORDER, PUSH, SHOP, field, record


def put(folder: Path, schemas: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas.items():
        (folder / f"{name}.avsc").write_text(json.dumps(schema))
    return folder


@pytest.fixture
def registry():
    with connect("mock://discovery") as made:
        yield made


def register(registry: Registry, subject: str, schema: Any, *references: tuple[str, str, int]) -> None:
    named = [SchemaReference(*each) for each in references]
    registry.client.register_schema(subject, Schema(json.dumps(schema), "AVRO", named))


def test_a_folder_has_a_topic_for_each_record_that_no_other_uses(tmp_path: Path):
    """Types that others use are no topics; each topic names the files of the types that it needs, and no more."""
    folder = put(tmp_path / "schemas", SHOP)
    found = discovery.in_files([folder], tmp_path)
    assert [topic.name for topic in found.topics] == ["customer", "order", "payment"]
    assert [topic.include for topic in found.topics] == [("schemas/address.avsc",)] * 2 + [()]
    for topic in found.topics:
        assert isinstance(topic.schema, str)
        include = [tmp_path / each for each in topic.include]
        assert schema_source.of_files(tmp_path / topic.schema, include) == topic.text


@pytest.mark.parametrize(
    ("file", "topic"),
    [
        ("OrderPlaced", "order-placed"),
        ("user_interaction", "user_interaction"),
        ("com.acme.shop.OrderPlaced", "order-placed"),
        ("srv.inventory.customers-value", "srv.inventory.customers"),
        ("orders", "orders"),
    ],
)
def test_a_topic_is_called_as_its_file(tmp_path: Path, file: str, topic: str):
    """The name of a file becomes that of its topic, in the way that topics are called."""
    put(tmp_path, {file: {**CUSTOMER, "fields": CUSTOMER["fields"][:2]}})
    assert [each.name for each in discovery.in_files([tmp_path], tmp_path).topics] == [topic]


def test_a_schema_in_an_avro_file_is_a_topic_and_data_is_none(tmp_path: Path):
    """Datagen's schemas are called .avro, as Avro's files of data are."""
    (tmp_path / "orders.avro").write_text(json.dumps(record("Order", field("id", "string"))))
    (tmp_path / "rows.avro").write_bytes(b"Obj\x01\x04\xff")
    assert [each.name for each in discovery.in_files([tmp_path], tmp_path).topics] == ["orders"]


def test_a_broken_schema_leaves_the_others_of_a_folder(tmp_path: Path):
    """A file that cannot be a topic is named, and the others become topics; alone it is an error."""
    broken = record(
        "Odd", field("id", "string"), field("x", "double", default="NaN"), field("y", "com.acme.None")
    )
    put(tmp_path, {"odd": broken, "order": record("Order", field("id", "string"))})
    (tmp_path / "worse.avsc").write_text("none")
    found = discovery.in_files([tmp_path], tmp_path)
    assert [each.name for each in found.topics] == ["order"]
    for name, said in zip(("worse.avsc", "odd.avsc"), found.left_out, strict=True):
        assert str(tmp_path / name) in said
        with pytest.raises(UsageError):
            discovery.in_files([tmp_path / name], tmp_path)


def test_files_of_one_name_in_two_folders_are_two_topics(tmp_path: Path):
    """No topic hides another."""
    for folder in ("a", "b"):
        put(tmp_path / folder, {"order": record(f"{folder}.Order", field("id", "string"))})
    assert [each.name for each in discovery.in_files([tmp_path], tmp_path).topics] == ["order", "order-2"]


def test_a_list_of_types_is_one_topic_or_is_told(tmp_path: Path):
    """A file with several records that do not use each other is left out, and the others are kept."""
    put(tmp_path, {"push": PUSH, "two": [record("A", field("a", "int")), record("B", field("b", "int"))]})
    found = discovery.in_files([tmp_path], tmp_path)
    assert [each.name for each in found.topics] == ["push"]
    (told,) = found.left_out
    assert "A, B" in told


def test_nothing_to_find_is_told(tmp_path: Path):
    """A folder without Avro, a path that is not there, and a file of types alone are refused with what to do."""
    with pytest.raises(UsageError, match=r"no \.avsc file"):
        discovery.in_files([tmp_path], tmp_path)
    with pytest.raises(UsageError, match="no file or folder"):
        discovery.in_files([tmp_path / "none"], tmp_path)
    put(tmp_path, {"kind": {"type": "enum", "name": "Kind", "symbols": ["A"]}})
    with pytest.raises(UsageError, match="No topic"):
        discovery.in_files([tmp_path], tmp_path)


def test_a_registry_has_a_topic_for_each_subject_of_values(registry: Registry):
    """Subjects of values are topics; those of keys and of shared types are not; other kinds are told."""
    register(registry, "com.acme.shop.Address", ADDRESS)
    register(registry, "customers-value", CUSTOMER, ("com.acme.shop.Address", "com.acme.shop.Address", 1))
    register(registry, "customers-key", {"type": "string"})
    register(registry, "orders-value", ORDER, ("com.acme.shop.Address", "com.acme.shop.Address", 1))
    registry.client.register_schema("other-value", Schema("{}", "JSON"))
    register(registry, "text-value", {"type": "string"})
    found = discovery.in_registry(registry)
    assert [topic.name for topic in found.topics] == ["customers", "orders"]
    assert [topic.schema for topic in found.topics] == [
        {"subject": "customers-value"},
        {"subject": "orders-value"},
    ]
    assert '"com.acme.shop.Address"' in found.topics[0].text
    assert ["other-value" in told and "JSON Schema" in told for told in found.left_out] == [True, False]
    assert "text-value" in found.left_out[1]


def test_subjects_can_be_chosen(registry: Registry):
    """Names with * choose subjects; one that fits none is refused with the nearest."""
    for name in ("orders-value", "order-lines-value", "users-value"):
        register(registry, name, record("R", field("id", "string")))
    found = discovery.in_registry(registry, ["order*"])
    assert [topic.name for topic in found.topics] == ["order-lines", "orders"]
    with pytest.raises(UsageError, match="did you mean users-value"):
        discovery.in_registry(registry, ["user-value"])


def test_subjects_that_are_called_as_records_are_topics_of_those_names(registry: Registry):
    """Where no subject is called after a topic, each record is a topic."""
    register(registry, "com.acme.OrderPlaced", record("com.acme.OrderPlaced", field("id", "string")))
    assert [topic.name for topic in discovery.in_registry(registry).topics] == ["order-placed"]


def test_more_topics_than_a_workload_may_have_are_refused(registry: Registry):
    """A registry of hundreds of subjects is not turned into one file without asking."""
    for number in range(discovery.MOST_TOPICS + 1):
        register(registry, f"t{number}-value", record("R", field("id", "string")))
    with pytest.raises(UsageError, match="65 subjects"):
        discovery.in_registry(registry)
    assert len(discovery.in_registry(registry, ["t1*"]).topics) == 11


def test_an_empty_registry_is_told(registry: Registry):
    """A registry without subjects makes no workload."""
    with pytest.raises(UsageError, match="No topic"):
        discovery.in_registry(registry)


KEY = record("OrderKey", field("orderId", "string"))


def test_the_schema_of_keys_is_found_beside_that_of_values(tmp_path: Path):
    """A *-key.avsc is of the keys of its *-value.avsc, and no topic; alone it is what it was."""
    put(tmp_path, {"orders-value": CUSTOMER | {"fields": CUSTOMER["fields"][:2]}, "orders-key": KEY})
    (topic,) = discovery.in_files([tmp_path], tmp_path).topics
    assert (topic.name, topic.key_schema, json.loads(topic.key_text)) == ("orders", "orders-key.avsc", KEY)
    (alone,) = discovery.in_files([tmp_path / "orders-key.avsc"], tmp_path).topics
    assert (alone.name, alone.key_schema) == ("orders-key", "")
    (tmp_path / "orders-key.avsc").write_text("none")
    (topic,) = discovery.in_files([tmp_path / "orders-value.avsc"], tmp_path).topics
    assert (topic.name, topic.key_schema, topic.key_text) == ("orders", "", "")


def test_the_subject_of_keys_is_found_with_that_of_values(registry: Registry):
    """TOPIC-key is the schema of the keys of TOPIC, also where only the values' subject was asked for."""
    register(registry, "orders-value", record("Order", field("orderId", "string")))
    register(registry, "orders-key", KEY)
    register(registry, "visits-value", record("Visit", field("visitId", "string")))
    topics = {topic.name: topic for topic in discovery.in_registry(registry, ["*-value"]).topics}
    assert topics["orders"].key_schema == {"subject": "orders-key"}
    assert json.loads(topics["orders"].key_text)["name"] == "OrderKey"
    assert topics["visits"].key_schema == ""
