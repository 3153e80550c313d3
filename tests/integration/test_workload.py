"""From a real registry's subjects to events, by the commands alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.schema_registry import Schema, SchemaReference

from lensload.cli.main import main
from lensload.schema.registry import connect
from tests.harness.registry import Registry
from tests.support.schema_styles import ADDRESS, CUSTOMER, ORDER, READING

pytestmark = pytest.mark.native


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["workload", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def test_the_subjects_of_a_registry_become_events_in_two_commands(
    registry: Registry, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Subjects with references are followed, other kinds are told, and events are of the schemas that the registry has."""
    monkeypatch.chdir(tmp_path)
    own = topic_prefix
    with connect(registry.url) as books:
        client: Any = books.client
        client.register_schema(f"{own}address", Schema(json.dumps(ADDRESS), "AVRO"))
        address = [SchemaReference("com.acme.shop.Address", f"{own}address", 1)]
        for topic, schema in (("customers", CUSTOMER), ("orders", ORDER)):
            client.register_schema(f"{own}{topic}-value", Schema(json.dumps(schema), "AVRO", address))
        client.register_schema(f"{own}readings-value", Schema(json.dumps(READING), "AVRO"))
        client.register_schema(
            f"{own}pages-value",
            Schema(
                json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}), "JSON"
            ),
        )
    told = run("init", "--registry-url", registry.url, "--subject", f"{own}*-value")
    assert f"{own}pages-value" in told.stderr
    assert "JSON Schema" in told.stderr
    lines = run("sample", "--registry-url", registry.url, "--count", 10).stdout.splitlines()
    made = [json.loads(line) for line in lines]
    assert {each["topic"] for each in made} == {f"{own}customers", f"{own}orders", f"{own}readings"}
    order = next(each["value"] for each in made if each["topic"] == f"{own}orders")
    assert order["shippingAddress"].keys() == {each["name"] for each in ADDRESS["fields"]}
