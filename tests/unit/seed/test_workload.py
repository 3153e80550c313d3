"""A workload is seeded as LENS's history is: exactly, in its span, the same for any number of workers, and by its manifest alone."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from lensload.cli import main
from lensload.errors import UsageError
from lensload.seed import manifest as manifests
from lensload.seed.digest import PartitionDigest
from lensload.seed.faults.kinds import FAULTS, HEADER, OF_LENS
from lensload.seed.ground_truth import ground_truth
from lensload.seed.partitioner import murmur2
from lensload.seed.plan import Plan
from tests.support import seeded_shop, shop
from tests.support.seeded_shop import PARTITIONS, SCHEMAS, Partitions, Seeded, decoded, plan, records

# Of `lensload seed --workload` with the tests' shop, 6,000 events, --until 2026-01-31T12:00:00Z, three partitions. Who
# changes what is seeded changes these, and CHANGELOG.
DIGESTS: dict[tuple[str, int], tuple[int, str]] = {
    ("orders", 0): (872, "c5acbec571572a22bca9248115bbc3744f75c575760755158637f1237103a805"),
    ("orders", 1): (898, "df88d3f586c0fb42ceeae8cd3a187165a5752f8dfda4d69952d59a9a20383384"),
    ("orders", 2): (805, "066d418989ec0fcfb32fe6fb73f210983367ffa4ea3652941ac132f062536bd4"),
    ("parcels", 0): (857, "d3f45d0aa3df8d35f999852307ab2e0567a2472c3650228a984d0c7da8f8859d"),
    ("parcels", 1): (853, "40ee656ec8a9684d29ce3f54ae16a7e53eea291c89a177e12d8ad958bfaac7a9"),
    ("parcels", 2): (853, "5a233fe9f3749a25b9de158b125b90f964db76de4cac5692bfc6fe285a3b69da"),
    ("payments", 0): (287, "cb968d868d64f8aa83537d55604bff138a820d607a2e93f334da78d048339e65"),
    ("payments", 1): (298, "31fb20fd0691726e07440c7a9eee6664fb62dbe3795f7aa11707076211585208"),
    ("payments", 2): (277, "f5c34b8d7ac87b9741982a2c238c9f0d4073e7222f2e5906a87311c3177439fb"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return seeded_shop.written(tmp_path)


def digest(topic: str, some: list[Seeded]) -> tuple[int, str]:
    """Count and digest of a partition."""
    found = PartitionDigest(seeded_shop.SCHEMA_IDS[topic])
    keys, values = [each.key for each in some], [each.value for each in some]
    headers = {place: each.headers for place, each in enumerate(some) if each.headers}
    found.add(keys, values, [each.timestamp_ms for each in some], headers)
    return found.count, found.done()


def of_topic(found: Partitions, topic: str) -> list[Seeded]:
    return [each for (name, _), some in found.items() if name == topic for each in some]


def test_a_seed_is_the_same_in_every_version_and_for_any_number_of_workers(path: Path):
    """One worker makes what these options made when they were first used; three together make the same."""
    found = records(plan(path))
    assert {place: digest(place[0], some) for place, some in found.items()} == DIGESTS
    together: Partitions = {}
    for worker in range(3):
        part = records(plan(path), worker, 3)
        assert not together.keys() & part.keys()
        together |= part
    assert together == found


def test_events_are_as_many_as_asked_in_the_span_and_in_order(path: Path):
    """An exact number, ids once each, due when CreateTime says, never going back within a partition, from end to end of the span."""
    asked = plan(path)
    found = records(asked)
    assert sum(map(len, found.values())) == 6_000
    for some in found.values():
        times = [each.timestamp_ms for each in some]
        assert times == sorted(times)
    every = [each.timestamp_ms for some in found.values() for each in some]
    span_ms = asked.until_ms - asked.start_ms
    assert asked.start_ms <= min(every) < asked.start_ms + span_ms / 100
    assert asked.until_ms - span_ms / 100 < max(every) < asked.until_ms
    orders = of_topic(found, "orders")
    ids = [UUID(str(each["orderId"])) for each in decoded(shop.ORDER, [each.value for each in orders])]
    assert [each.int >> 80 for each in ids] == [each.timestamp_ms for each in orders]
    assert len(set(ids)) == len(ids)


def test_references_hold_between_topics(path: Path):
    """Orders and payments are of the same customers; parcels are of orders that were placed before."""
    found = records(plan(path))
    raw = {topic: of_topic(found, topic) for topic in SCHEMAS}
    orders, payments, parcels = (
        decoded(schema, [each.value for each in raw[topic]]) for topic, schema in SCHEMAS.items()
    )
    seeded_shop.check_references(orders, payments, parcels)
    placed_ms = {
        str(order["orderId"]): each.timestamp_ms for order, each in zip(orders, raw["orders"], strict=True)
    }
    for parcel, each in zip(parcels, raw["parcels"], strict=True):
        assert each.timestamp_ms >= placed_ms[str(parcel["orderId"])]


def test_keys_go_where_java_puts_them_and_what_has_none_goes_round(path: Path):
    """A record's partition is that of its key's bytes, by a schema or as text; without keys all partitions have as many."""
    found = records(plan(path))
    for topic in ("orders", "payments"):
        for number in range(PARTITIONS):
            keys = [each.key or b"" for each in found[topic, number]]
            assert set(((murmur2(keys) & 0x7FFFFFFF) % PARTITIONS).tolist()) == {number}
    parcels = [found["parcels", number] for number in range(PARTITIONS)]
    assert {each.key for some in parcels for each in some} == {None}
    assert max(map(len, parcels)) < 1.2 * min(map(len, parcels))


def test_some_topics_alone_are_those_events(path: Path):
    """--topics seeds exactly as many events of the topics that are named, and no others."""
    found = records(plan(path, 500, topics="payments"))
    assert {topic for topic, _ in found} == {"payments"}
    assert sum(map(len, found.values())) == 500


def test_a_manifest_holds_all_that_decides_the_events(path: Path):
    """The plan comes back from JSON, without the file, to the same bytes; and fits the manifest's own schema."""
    asked = plan(path, 300, seed=5)
    text = json.dumps(asked.as_dict())
    assert str(path.parent) not in text
    for file in path.parent.iterdir():
        file.unlink()
    again = Plan.from_dict(json.loads(text))
    assert again.seed == 5
    assert records(again) == records(asked)
    assert records(replace(again, start_ms=again.start_ms - 1000)) != records(asked)
    record = manifests.begin(
        json.loads(text), ground_truth(asked), topics={}, cluster={}, options={"topic_prefix": ""}
    )
    Draft202012Validator(json.loads(manifests.SCHEMA_FILE.read_text())).validate(record)


def test_a_manifest_whose_workload_was_changed_is_refused(path: Path):
    """Nothing is written by a workload that is not the one whose digest the manifest has."""
    content: dict[str, Any] = json.loads(json.dumps(plan(path, 300).as_dict()))
    content["workload"]["whole"]["file"]["seed"] = 8
    with pytest.raises(UsageError, match="digest"):
        Plan.from_dict(content)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--days", "7"], "--events"),
        (["--events", "10", "--experiment", "none"], "--experiment"),
        (["--events", "10", "--lift", "0.3"], "--lift"),
        *((["--events=10", f"--fault={name}=0.1"], name) for name in OF_LENS),
    ],
)
def test_what_only_lens_world_has_is_refused_by_name(path: Path, flags: list[str], named: str):
    """Experiments, planted truth and faults in LENS's fields end with exit code 2 before any server is asked."""
    where = ["--bootstrap-servers", "127.0.0.1:1", "--registry-url", "http://127.0.0.1:1"]
    result = CliRunner().invoke(main.main, ["seed", "--workload", str(path), *where, *flags])
    assert result.exit_code == 2, result.output
    assert named in result.output
    assert "Traceback" not in result.output


def test_faults_are_labelled_and_befall_any_events(path: Path):
    """Every fault that needs no field of LENS's happens, with a label; all other records are as without faults, in order."""
    names = [name for name in FAULTS if name not in OF_LENS]
    clean = records(plan(path))
    faulty = records(plan(path, fault=tuple(f"{name}=0.02" for name in names)))
    labels: Counter[str] = Counter()
    for place, some in faulty.items():
        labels.update(value.decode() for each in some for name, value in each.headers if name == HEADER)
        whole = [each for each in some if not each.headers]
        left = iter(clean[place])
        assert all(each in left for each in whole)  # in their order, none of them changed
        copies = [each for each in some if each.headers == [(HEADER, b"duplicate")]]
        assert all(replace(each, headers=[]) in clean[place] for each in copies)
        assert len(some) == len(clean[place]) + len(copies)
    assert set(labels) == set(names)
    moved = labels.pop("late") + labels.pop(
        "out-of-order"
    )  # where little happens, what is out of order is late
    assert 160 < moved < 320
    assert all(70 < count < 170 for count in labels.values()), labels
    assert all(
        each.value is None
        for some in faulty.values()
        for each in some
        if each.headers == [(HEADER, b"tombstone")]
    )


def test_records_have_the_headers_of_the_workload_and_keep_them_beside_a_fault(path: Path):
    """What the file says of headers is seeded too; the label of a fault comes behind them, however a record was moved."""
    path.write_text(
        path.read_text() + '[topics.parcels.headers]\nsource = "web"\norder = { parent = "orderId" }\n'
    )
    found = records(plan(path, fault=("duplicate=0.05", "late=0.05", "tombstone=0.05")))
    assert {name for each in of_topic(found, "orders") for name, _ in each.headers} == {HEADER}
    labels: Counter[str] = Counter()
    for each in of_topic(found, "parcels"):
        source, order, *label = each.headers
        assert source == ("source", b"web")
        labels.update(value.decode() for name, value in label if name == HEADER)
        if each.value is not None:
            (parcel,) = decoded(SCHEMAS["parcels"], [each.value])
            assert order == ("order", str(parcel["orderId"]).encode())
    assert set(labels) >= {"duplicate", "late", "tombstone"}
