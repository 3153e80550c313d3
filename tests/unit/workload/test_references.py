"""References: what events have of pools, of their parents and of their own other fields."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lensload import ids
from lensload.workload.model import Workload
from lensload.workload.source import WorkloadSource
from tests.support.workloads import DUE_NS, batches, record, values, workload

MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
LINE = record("Line", sku="string", quantity="int", price=MONEY, amount=MONEY, share="double")
ORDER = record(
    "Order",
    id="string",
    customer="string",
    segment="string",
    lines={"type": "array", "items": LINE},
    total=MONEY,
    items="int",
)
PAYMENT = record(
    "Payment",
    id={"type": "string", "logicalType": "uuid"},
    order="string",
    customer="string",
    method="string",
)
REFUND = record("Refund", id="string", payment="string", customer="string")
SHOP: dict[str, Any] = {
    "pools": {
        "customers": {
            "size": 200,
            "skew": {"hot": 5, "share": 0.5},
            "fields": {"id": {"pattern": "C-##########"}, "segment": {"choice": ["gold", "silver"]}},
        },
        "products": {
            "size": 30,
            "fields": {"sku": {"uuid": {}}, "price": {"uniform": [1, 99]}, "maker": {"from": "customers.id"}},
        },
    },
    "topics": {
        "orders": {
            "share": 3,
            "fields": {
                "customer": {"from": "customers.id"},
                "segment": {"from": "customers.segment"},
                "lines": {"length": [0, 4]},
                "lines[].sku": {"from": "products.sku"},
                "lines[].price": {"from": "products.price"},
                "lines[].quantity": {"uniform": [1, 5]},
                "lines[].amount": {"product": ["lines[].quantity", "lines[].price"]},
                "lines[].share": {"product": ["total"]},
                "total": {"sum": "lines[].amount"},
                "items": {"count": "lines"},
            },
        },
        "payments": {
            "parent": "orders",
            "children": [0, 2],
            "fields": {"order": {"parent": "id"}, "customer": {"parent": "customer"}},
        },
        "refunds": {
            "parent": "payments",
            "children": 1,
            "fields": {"payment": {"parent": "id"}, "customer": {"parent": "customer"}},
        },
    },
}


@pytest.fixture(scope="module")
def shop() -> dict[str, list[dict[str, Any]]]:
    """Events of a shop, by topic."""
    of = workload({"orders": ORDER, "payments": PAYMENT, "refunds": REFUND}, **SHOP)
    return {batch.topic: list(batch.records()) for batch in batches(of, 6_000)}


def test_fields_of_one_record_are_of_one_row_of_a_pool(shop: dict[str, list[dict[str, Any]]]):
    """A customer has the same segment in every order, and is one of the pool's."""
    segments: dict[str, set[str]] = defaultdict(set)
    for order in shop["orders"]:
        segments[order["customer"]].add(order["segment"])
    assert 100 < len(segments) <= 200
    assert all(len(each) == 1 for each in segments.values())


def test_items_of_a_list_have_rows_of_their_own(shop: dict[str, list[dict[str, Any]]]):
    """A product has one price wherever it is sold, and an order is of several products."""
    prices: dict[str, set[Decimal]] = defaultdict(set)
    for order in shop["orders"]:
        for line in order["lines"]:
            prices[line["sku"]].add(line["price"])
    assert len(prices) == 30
    assert all(len(each) == 1 for each in prices.values())
    assert any(len({line["sku"] for line in order["lines"]}) > 1 for order in shop["orders"])


def test_sums_products_and_counts_are_those_of_their_fields(shop: dict[str, list[dict[str, Any]]]):
    """A total is exactly the sum of its lines, from whichever side it is looked at."""
    for order in shop["orders"]:
        assert order["total"] == sum(line["amount"] for line in order["lines"])
        assert order["items"] == len(order["lines"])
        for line in order["lines"]:
            assert line["amount"] == line["quantity"] * line["price"]
            assert line["share"] == float(order["total"])


def test_what_is_drawn_or_a_moment_can_be_computed_with():
    """Constants, choices, Faker's values, defaults and moments have numbers and items like everything else."""
    moment = {"type": "long", "logicalType": "timestamp-millis"}
    inner = {"type": "array", "items": record("Line", price="double")}
    schema = record(
        "Event", id="string", a="int", b="double", c=["null", MONEY], at=moment, lines=inner, none={"type": "array", "items": "Line"},
        sum="double", end="long", count="int", total="double",
    )  # fmt: skip
    fields = {
        "a": {"constant": 5},
        "b": {"choice": [1.5, 2.5]},
        "c": {"choice": [1, 2], "null": 0.5},
        "lines[].price": {"choice": [1.0, 2.0]},
        "none": {"constant": [{"price": 1}]},
        "sum": {"sum": ["a", "b", "c"]},
        "end": {"sum": ["at", "a"]},
        "count": {"count": "none"},
        "total": {"sum": "lines[].price"},
    }
    (batch,) = batches(workload({"events": schema}, topics={"events": {"fields": fields}}), 500)
    for event in batch.records():
        money = event["c"] if not isinstance(event["c"], tuple) else event["c"][1]
        assert event["sum"] == event["a"] + event["b"] + float(money or 0)
        assert event["end"] == event["at"] + 5
        assert event["count"] == 1
        assert event["total"] == sum(line["price"] for line in event["lines"])


def test_children_follow_their_parent_with_its_values(shop: dict[str, list[dict[str, Any]]]):
    """What a child says of its parent is true, to the third generation."""
    orders = {order["id"]: order for order in shop["orders"]}
    payments = {payment["id"]: payment for payment in shop["payments"]}
    assert shop["refunds"]
    for payment in shop["payments"]:
        assert payment["customer"] == orders[payment["order"]]["customer"]
    for refund in shop["refunds"]:
        assert refund["customer"] == payments[refund["payment"]]["customer"]


def test_a_child_is_of_its_parents_lane_and_never_due_before_it(shop: dict[str, list[dict[str, Any]]]):
    """Who reads a parent's lane in order has read it before the child."""
    read = {
        topic: ids.read(np.array([list(each[field].encode()) for each in events], dtype=np.uint8))
        for topic, field, events in (
            ("child", "id", shop["payments"]),
            ("parent", "order", shop["payments"]),
        )
    }
    assert (read["child"].lane == read["parent"].lane).all()
    assert (read["child"].due_ns >= read["parent"].due_ns).all()


def test_each_parent_has_as_many_children_as_the_file_says(shop: dict[str, list[dict[str, Any]]]):
    """From none to two, each about a third of the time."""
    children = Counter(payment["order"] for payment in shop["payments"])
    counts = Counter(children[order["id"]] for order in shop["orders"][:-50])
    assert set(counts) == {0, 1, 2}
    assert all(count / counts.total() == pytest.approx(1 / 3, abs=0.05) for count in counts.values())


def test_shares_of_topics_are_met():
    """Topics with shares 3 and 1 have events 3 to 1 at any time, in every lane."""
    of = workload(
        {"a": record(id="string"), "b": record(id="string")}, topics={"a": {"share": 3}, "b": {"share": 1}}
    )
    counts = {batch.topic: len(batch) for batch in batches(of, 400, lanes=(3,))}
    assert counts["a"] == pytest.approx(300, abs=3)
    assert [topic.share for topic in of.topics] == [0.75, 0.25]


def test_hot_rows_have_their_share():
    """The first five customers make half of the orders."""
    pools = {"p": {"size": 1_000, "skew": {"hot": 5, "share": 0.5}, "fields": {"n": {"sequence": {}}}}}
    numbers = values("int", {"from": "p.n"}, 20_000, pools=pools)
    assert sum(number <= 5 for number in numbers) / 20_000 == pytest.approx(0.5, abs=0.015)
    assert max(numbers) <= 1_000


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.3])
def test_zipf_makes_the_first_rows_popular_by_its_law(exponent: float):
    """The first row, the first ten and the first ten thousand have the shares that Zipf's law gives them."""
    size = 1_000_000
    pools = {"p": {"size": size, "skew": {"zipf": exponent}, "fields": {"n": {"sequence": {}}}}}
    numbers = np.array(values("int", {"from": "p.n"}, 20_000, pools=pools))
    law = np.cumsum(np.arange(1, size + 1) ** -exponent)
    for first in (1, 10, 10_000):
        assert (numbers <= first).mean() == pytest.approx(law[first - 1] / law[-1], abs=0.015)
    assert numbers.min() >= 1
    assert numbers.max() <= size


def test_a_pool_may_be_larger_than_any_memory():
    """A billion customers cost nothing until one of them buys, and each is always the same one."""
    pools = {"p": {"size": 10**12, "skew": {"zipf": 0.5}, "fields": {"id": {"uuid": {}}}}}
    assert len(set(values("string", {"from": "p.id"}, 1_000, pools=pools))) > 990


def test_roles_are_other_rows_of_a_pool():
    """Who sends a transfer does not always receive it; fields of one role are of one account."""
    fields = {
        "sender": {"from": "accounts.id"},
        "receiver": {"from": "accounts.id", "role": "receiver"},
        "bank": {"from": "accounts.bank", "role": "receiver"},
    }
    pools = {"accounts": {"size": 50, "fields": {"id": {"sequence": {}}, "bank": {"pattern": "####"}}}}
    of = workload(
        {"transfers": record(id="string", sender="long", receiver="long", bank="string")},
        topics={"transfers": {"fields": fields}},
        pools=pools,
    )
    transfers = [each for batch in batches(of, 2_000) for each in batch.records()]
    assert sum(each["sender"] != each["receiver"] for each in transfers) > 1_900
    assert len({(each["receiver"], each["bank"]) for each in transfers}) == 50


def test_events_go_through_each_row_of_a_pool():
    """A topic of customers has every customer once before any a second time."""
    pools = {"p": {"size": 64 * 5, "fields": {"n": {"sequence": {}}}}}
    of = workload(
        {"customers": record(id="string", n="int")},
        topics={"customers": {"each": "p", "fields": {"n": {"from": "p.n"}}}},
        pools=pools,
    )
    (batch,) = batches(of, 640, lanes=range(64))
    counts = Counter(each["n"] for each in batch.records())
    assert sorted(counts) == list(range(1, 321))
    assert set(counts.values()) == {2}


def test_a_pool_may_refer_to_another():
    """An account has the same owner in every event."""
    pools = {
        "owners": {"size": 10, "fields": {"name": {"uuid": {}}}},
        "accounts": {"size": 100, "fields": {"id": {"sequence": {}}, "owner": {"from": "owners.name"}}},
    }
    of = workload(
        {"e": record(id="string", account="int", owner="string")},
        topics={"e": {"fields": {"account": {"from": "accounts.id"}, "owner": {"from": "accounts.owner"}}}},
        pools=pools,
    )
    pairs = {(each["account"], each["owner"]) for batch in batches(of, 2_000) for each in batch.records()}
    assert len(pairs) == 100
    assert len({owner for _, owner in pairs}) == 10


def test_a_sequence_counts_what_follows_one_event():
    """The attempts to pay an order have the numbers from 1, in the order in which they are due; other children count apart."""
    schemas = {
        "a": record(id="string"),
        "b": record(id="string", a="string", n="int"),
        "c": record(id="string"),
    }
    schemas["d"] = record(id="string", n="int", l={"type": "array", "items": "int"})
    counted = {"sequence": {"per": "parent"}}
    topics = {
        "b": {"parent": "a", "children": [0, 4], "fields": {"a": {"parent": "id"}, "n": counted}},
        "c": {"parent": "a", "children": 3},
        "d": {"parent": "c", "children": 2, "fields": {"n": counted, "l[]": counted}},
    }
    of = workload(schemas, topics=topics)
    made = {batch.topic: list(batch.records()) for batch in batches(of, 3_000)}
    numbers: dict[str, list[int]] = defaultdict(list)
    for each in made["b"]:
        numbers[each["a"]].append(each["n"])
    assert {len(each) for each in numbers.values()} == {1, 2, 3, 4}
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
    assert [each["n"] for each in made["d"]] == [1, 2] * (len(made["d"]) // 2)
    assert all(set(each["l"]) == {each["n"]} for each in made["d"])


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sequence_counts_the_events_of_each_row(workers: int):
    """A customer's changes have the numbers from 1, each once and in order, however many workers make them."""
    size, count = 1_000, 24_000
    schemas = {"customers": record(id="string", n="int", version="int"), "orders": record(id="string")}
    fields = {"n": {"from": "p.n"}, "version": {"sequence": {"per": "row"}}}
    topics = {"customers": {"each": "p", "fields": fields}, "orders": {"share": 2}}
    of = workload(schemas, topics=topics, pools={"p": {"size": size, "fields": {"n": {"sequence": {}}}}})
    changes: list[tuple[int, int, int]] = []
    for worker in range(workers):
        source = WorkloadSource(of, tuple(range(worker, 64, workers)))
        for batch in source.events_at(DUE_NS + np.arange(worker, count, workers) * 1_000_000):
            if batch.topic == "customers":
                made = zip(batch.due_ns.tolist(), batch.records(), strict=True)
                changes += [(due_ns, each["n"], each["version"]) for due_ns, each in made]
    versions: dict[int, list[int]] = defaultdict(list)
    for _, customer, version in sorted(changes):
        versions[customer].append(version)
    assert len(versions) == size
    assert all(each == list(range(1, len(each) + 1)) for each in versions.values())
    assert min(map(len, versions.values())) > 4


def test_written_rows_agree_in_all_their_fields():
    """A city is of its own country, at its own latitude, wherever an event has it; skew and made fields are as of any pool."""
    rows: list[dict[str, Any]] = [
        {"city": "Berlin", "country": "DE", "latitude": 52.5, "opened": date(2020, 1, 31), "tags": ["a"]},
        {"city": "Paris", "country": "FR", "latitude": 48, "opened": "2021-12-24", "tags": []},
        {"city": "Rome", "country": "IT", "latitude": 41.9, "opened": date(2022, 5, 1), "tags": ["b", "c"]},
    ]
    schema = record(
        id="string", city="string", country=["null", "string"], latitude="double", code="string", tagged="int",
        opened={"type": "int", "logicalType": "date"}, tags={"type": "array", "items": "string"}, till="string",
    )  # fmt: skip
    names = ("city", "country", "latitude", "opened", "tags", "code")
    fields = {name: {"from": f"shops.{name}"} for name in names}
    fields |= {"tagged": {"count": "tags"}, "till": {"from": "tills.city"}}
    pools = {
        "shops": {"rows": rows, "skew": {"hot": 1, "share": 0.5}, "fields": {"code": {"pattern": "???"}}},
        "tills": {"size": 50, "fields": {"city": {"from": "shops.city"}}},
    }
    of = workload({"e": schema}, topics={"e": {"fields": fields}}, pools=pools)
    events = [each for batch in batches(Workload.unpacked(of.packed()), 2_000) for each in batch.records()]
    cities = Counter(each["city"] for each in events)
    assert cities["Berlin"] / 2_000 == pytest.approx(0.5, abs=0.04)
    known = {row["city"]: row for row in rows}
    for each in events:
        row = known[each["city"]]
        assert each["latitude"] == row["latitude"]
        assert each["country"] == ("string", row["country"]) or each["country"] == row["country"]
        assert each["tags"] == row["tags"]
        assert each["tagged"] == len(row["tags"])
        assert str(date(1970, 1, 1) + timedelta(days=each["opened"])) == str(row["opened"])
    assert len({(each["city"], each["code"]) for each in events}) == 3
    assert {each["till"] for each in events} == {"Berlin", "Paris", "Rome"}


def test_events_go_through_written_rows_one_after_another():
    """A topic of the shops has each of them equally often."""
    pools = {"p": {"rows": [{"n": number} for number in range(4)]}}
    of = workload(
        {"shops": record(id="string", n="int")},
        topics={"shops": {"each": "p", "fields": {"n": {"from": "p.n"}}}},
        pools=pools,
    )
    (batch,) = batches(of, 640, lanes=range(64))
    assert Counter(each["n"] for each in batch.records()) == dict.fromkeys(range(4), 160)


def test_a_copy_is_the_field_that_it_is_a_copy_of():
    """Also of an event's field in the items of its list, and of its id."""
    schema = record(
        id="string", n="int", m="int", same="string", l={"type": "array", "items": record("I", n="int")}
    )
    fields = {"m": {"copy": "n"}, "l[].n": {"copy": "m"}, "same": {"copy": "id"}}
    of = workload({"e": schema}, topics={"e": {"fields": fields}})
    for batch in batches(of, 100):
        for each in batch.records():
            assert each["m"] == each["n"]
            assert all(item["n"] == each["n"] for item in each["l"])
            assert each["same"] == each["id"]


def test_derived_fields_reach_through_lists_maps_and_unions():
    """A sum takes in all items of lists of lists, values of maps, and no nulls; each list has the sum of its own."""
    parcel = record("Parcel", weights={"type": "array", "items": "double"}, weight="double", tag="string")
    schema = record(
        id="string",
        parcels={"type": "array", "items": parcel},
        extras={"type": "map", "values": "int"},
        discount=["null", "double"],
        box=["null", record("Box", weight="double")],
        weight="double",
        entries="int",
        left="double",
        boxed="double",
    )
    fields = {
        "parcels[].weight": {"sum": "parcels[].weights[]"},
        "parcels[].tag": {"copy": "id"},
        "weight": {"sum": ["parcels[].weights[]", "extras{}"]},
        "entries": {"count": "extras"},
        "discount": {"uniform": [1, 2], "null": 0.5},
        "left": {"sum": ["discount"]},
        "box": {"null": 0.5},
        "box.weight": {"uniform": [1, 2]},
        "boxed": {"sum": "box.weight"},
    }
    made = [
        each
        for batch in batches(workload({"e": schema}, topics={"e": {"fields": fields}}), 300)
        for each in batch.records()
    ]
    assert {each["discount"] is None for each in made} == {True, False}
    for each in made:
        inside = [weight for parcel in each["parcels"] for weight in parcel["weights"]]
        assert all(parcel["weight"] == pytest.approx(sum(parcel["weights"])) for parcel in each["parcels"])
        assert all(parcel["tag"] == each["id"] for parcel in each["parcels"])
        assert each["weight"] == pytest.approx(sum(inside) + sum(each["extras"].values()))
        assert each["entries"] == len(each["extras"])
        discount, box = each["discount"], each["box"]
        assert each["left"] == (0 if discount is None else discount[1])
        assert each["boxed"] == (0 if box is None else box[1]["weight"])


def test_an_item_may_have_its_parents_values():
    """What is deep in a child knows what it follows."""
    child = record("Child", id="string", l={"type": "array", "items": record("I", of="string")})
    topics = {
        "a": {},
        "b": {"parent": "a", "children": 2, "fields": {"l[].of": {"parent": "id"}, "l": {"length": 2}}},
    }
    first, second = batches(workload({"a": record(id="string"), "b": child}, topics=topics), 90)
    ids_of = [each["id"] for each in first.records()]
    named = [item["of"] for each in second.records() for item in each["l"]]
    assert named == [each for each in ids_of for _ in range(4)][: len(named)]
    assert len(named) == 120


@pytest.mark.parametrize("parent_first", [True, False])
def test_a_child_may_have_what_its_parent_is_computed_to_be(parent_first: bool):
    """A payment is over the sum of its order's lines, whichever topic the file names first."""
    schemas = {
        "a": record("Order", id="string", l={"type": "array", "items": "int"}, total="int", count="int"),
        "b": record("Payment", id="string", order="string", amount="int", count="int", twice="int"),
    }
    fields = {
        "order": {"parent": "id"},
        "amount": {"parent": "total"},
        "count": {"parent": "count"},
        "twice": {"sum": ["amount", "amount"]},
    }
    topics: dict[str, Any] = {
        "a": {"fields": {"total": {"sum": "l[]"}, "count": {"count": "l"}}},
        "b": {"parent": "a", "fields": fields},
    }
    names = sorted(schemas, reverse=not parent_first)
    made = {
        batch.topic: batch.records()
        for batch in batches(workload({name: schemas[name] for name in names}, topics=topics), 400)
    }
    orders = {each["id"]: each for each in made["a"]}
    for each in made["b"]:
        parent = orders[each["order"]]
        assert each["amount"] == parent["total"] == sum(parent["l"])
        assert each["count"] == parent["count"] == len(parent["l"])
        assert each["twice"] == 2 * each["amount"]


def test_a_field_that_others_take_over_keeps_its_default():
    """Where the file does not name a field with a default, it has that, also if a child or a copy refers to it."""
    order = record("Order", id="string", copied="string")
    order["fields"].append({"name": "currency", "type": "string", "default": "EUR"})
    payment = record("Payment", id="string", currency=["null", "string"])
    topics = {
        "a": {"fields": {"copied": {"copy": "currency"}}},
        "b": {"parent": "a", "fields": {"currency": {"parent": "currency"}}},
    }
    first, second = batches(workload({"a": order, "b": payment}, topics=topics), 20)
    assert {(each["currency"], each["copied"]) for each in first.records()} == {("EUR", "EUR")}
    assert {each["currency"] for each in second.records()} == {"EUR"}


def test_keys_are_the_fields_that_the_file_names():
    """One field, a field of a record in it, or several."""
    schema = record(id="string", a="string", r=record("R", b="long"))
    for key, columns in (("a", ("a",)), ("r.b", ("r.b",)), (["a", "r.b"], ("key",))):
        (batch,) = batches(workload({"e": schema}, topics={"e": {"key": key}}), 50)
        assert batch.key is not None
        assert batch.key.fields == columns
        for (made,), event in zip(batch.key.values(), batch.records(), strict=True):
            wanted = {"a": event["a"], "r.b": event["r"]["b"]}
            assert made == (wanted if isinstance(key, list) else wanted[key])


def test_without_a_key_records_have_none():
    """A topic that names no key is spread over its partitions."""
    (batch,) = batches(workload({"e": record(id="string")}), 10)
    assert batch.key is None


def test_numbers_of_children_and_items_may_have_weights():
    """A table of numbers and weights: shares follow from the mean, and no other number comes."""
    of = workload(
        {"orders": record(id="string", tags={"type": "array", "items": "int"}), "lines": record(id="string")},
        topics={
            "orders": {"fields": {"tags": {"length": {"0": 1, "6": 3}}}},
            "lines": {"parent": "orders", "children": {"1": 6, "2": 3, "8": 1}},
        },
    )
    assert [topic.share for topic in of.topics] == pytest.approx([1 / 3, 2 / 3])
    orders, lines = batches(Workload.unpacked(of.packed()), 30_000, lanes=(0,))
    assert len(lines) / len(orders) == pytest.approx(2.0, rel=0.05)
    sizes = Counter(len(each["tags"]) for each in orders.records())
    assert set(sizes) == {0, 6}
    assert sizes[6] / len(orders) == pytest.approx(0.75, abs=0.02)
    followers = Counter(np.diff(np.searchsorted(lines.due_ns, orders.due_ns)).tolist())
    assert set(followers) == {1, 2, 8}
    assert followers[8] / len(orders) == pytest.approx(0.1, abs=0.02)
