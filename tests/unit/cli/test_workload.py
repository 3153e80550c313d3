"""`lensload workload`: from schemas to a file that is right unedited, events of it, and everything that is wrong with one."""

import json
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from lensload.cli.main import main
from tests.support.pages import ROOT
from tests.support.schema_styles import (
    CHANGE_CAPTURE,
    SHOP,
    STYLES,
    decimal,
    field,
    record,
)

SMALL = record(
    "Order",
    field("orderId", "string"),
    field("customerId", "string"),
    field("amount", decimal(10, 2)),
    namespace="a",
)
HEADERS = '[topics.ticks.headers]\nsource = "web"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where no lensload.toml names a registry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LENSLOAD_REGISTRY_URL", raising=False)
    return tmp_path


def put(folder: Path, **schemas: Any) -> None:
    for name, schema in schemas.items():
        (folder / f"{name}.avsc").write_text(json.dumps(schema))


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["workload", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def events(*arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("sample", *arguments).stdout.splitlines()]


@pytest.mark.parametrize("name", ["iot", "shop"])
@pytest.mark.usefixtures("folder")
def test_the_examples_are_right(name: str):
    """A reader who takes a workload of examples/ can run it: nothing of it is refused, from whatever folder."""
    file = ROOT / "examples" / "workloads" / name / "workload.toml"
    topics = tomllib.loads(file.read_text())["topics"]
    shown = [line.split()[0] for line in run("check", file).stdout.splitlines()]
    assert shown == ["topic", *topics]
    assert {event["topic"] for event in events(file, "--count", 2)} == set(topics)


@pytest.mark.parametrize("schema", STYLES.values(), ids=list(STYLES))
def test_schemas_of_every_style_become_events_without_an_edit(folder: Path, schema: Any):
    """Whatever style a schema is in, the file that init writes is accepted as it is, and makes events of it."""
    put(folder, thing=schema)
    run("init", folder / "thing.avsc")
    run("check")
    made = events("--count", 3)
    assert [event["topic"] for event in made] == ["thing"] * 3
    assert len({json.dumps(event) for event in made}) == 3


def test_topics_of_a_folder_refer_to_each_other(folder: Path):
    """Customers, orders and payments of one folder: references are to rows that are there, and sums are right."""
    put(folder, **SHOP)
    run("init", ".")
    made = events("workload.toml", "--count", 20)
    by_topic = {
        name: [each["value"] for each in made if each["topic"] == name] for name in ("order", "payment")
    }
    orders = {order["orderId"]: order for order in by_topic["order"]}
    assert len(by_topic["payment"]) == len(orders) == 20
    for payment in by_topic["payment"]:
        if order := orders.get(payment["orderId"]):
            assert payment["customerId"] == order["customerId"]
            assert payment["currency"] == order["currency"]
    assert {payment["orderId"] for payment in by_topic["payment"]} & orders.keys()
    for order in orders.values():
        total = sum(round(100 * float(line["lineTotal"])) for line in order["lines"])
        assert abs(round(100 * float(order["totalAmount"])) - total) <= len(order["lines"])
        assert order["itemCount"] == len(order["lines"])


def test_the_stopwatch_holds_the_ids_of_events(folder: Path):
    """What a consumer reads in the stopwatch's field is a UUID of version 7, another in each event."""
    put(folder, order=SMALL)
    run("init", "order.avsc")
    ids = [UUID(event["value"]["orderId"]) for event in events("--count", 50)]
    assert {each.version for each in ids} == {7}
    assert len(set(ids)) == 50


def test_a_sample_of_some_topics_has_no_other(folder: Path):
    """--topic chooses, and a name that is none is refused with the nearest."""
    put(folder, orders=SMALL, users=record("User", field("userId", "string")))
    run("init", ".")
    assert {event["topic"] for event in events("--topic", "users")} == {"users"}
    assert "did you mean users" in run("sample", "--topic", "user", code=2).stderr


def test_a_file_that_is_there_is_not_replaced(folder: Path):
    """What somebody has edited stays, unless they say --force."""
    put(folder, order=SMALL)
    (folder / "workload.toml").write_text("mine")
    assert "--force" in run("init", "order.avsc", code=2).stderr
    assert (folder / "workload.toml").read_text() == "mine"
    run("init", "order.avsc", "--force")
    assert tomllib.loads((folder / "workload.toml").read_text())["topics"]


def test_the_file_may_be_elsewhere_than_its_schemas(folder: Path):
    """Paths in the file are relative to it, wherever the command was given."""
    (folder / "schemas").mkdir()
    put(folder / "schemas", order=SMALL)
    run("init", "schemas", "--output", "files/own.toml")
    assert (
        tomllib.loads((folder / "files/own.toml").read_text())["topics"]["order"]["schema"]
        == "../schemas/order.avsc"
    )
    run("check", "files/own.toml")


def test_a_record_without_an_id_is_measured_by_a_header(folder: Path):
    """A record that refers and one of numbers alone: each field has what its name says, and events show their header."""
    # Named as the topic of every style above is: its names and e-mail addresses take seconds to make, and are remembered.
    put(folder, thing=CHANGE_CAPTURE, ticks=record("Tick", field("bid", "double")))
    assert "lensload-id" not in run("init", ".").stderr
    assert "header lensload-id" in run("check").stdout
    shown = events("--count", 20)
    ids = [UUID(each["headers"]["lensload-id"]) for each in shown]
    assert len(set(ids)) == 40
    assert {each.version for each in ids} == {7}
    (folder / "workload.toml").write_text((folder / "workload.toml").read_text() + HEADERS)
    assert {each["headers"]["source"] for each in events("--topic", "ticks")} == {"web"}


def test_check_finds_everything_at_once(folder: Path):
    """Three mistakes in one file are three findings, each with its line; and the right topic is no finding."""
    put(folder, order=SMALL, user=record("User", field("userId", "string"), field("age", "int")))
    (folder / "own.toml").write_text(
        """[topics.orders]
schema = "order.avsc"
stopwatch = "orderId"
[topics.orders.fields]
ammount = { uniform = [1, 2] }
customerId = { from = "customers.id" }
[topics.users]
schema = "user.avsc"
stopwatch = "userId"
[topics.users.fields]
age = { faker = "email" }
"""
    )
    told = run("check", "own.toml", code=2).stderr
    for said in ("own.toml:5", "amount", "own.toml:6", "customers", "own.toml:11"):
        assert said in told
    assert "own.toml:3" not in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("init",), "--registry-url"),
        (("init", "none"), "none"),
        (("init", ".", "--subject", "orders-value"), "--subject"),
        (("init", ".", "--locale", "de_XY"), "de_"),
        (("check", "none.toml"), "none.toml"),
        (("sample", "none.toml"), "none.toml"),
    ],
)
def test_wrong_use_is_refused(folder: Path, arguments: tuple[str, ...], said: str):
    """Each mistake is told with what to do, and ends with exit code 2."""
    put(folder, order=SMALL)
    assert said in run(*arguments, code=2).stderr
    assert not (folder / "workload.toml").exists()


def test_a_subject_without_a_registry_is_refused(folder: Path):
    """A file that names subjects needs the registry's address, and says so."""
    (folder / "own.toml").write_text('[topics.a]\nschema = { subject = "a-value" }\nstopwatch = "id"\n')
    told = run("check", "own.toml", code=2).stderr
    assert "own.toml:2" in told
    assert "--registry-url" in told
