"""From schemas to the draft of a workload: ids, references, keys, parents, totals."""

import json
import tomllib
from typing import Any

import pytest

from lensload.workload.inference import draft as drafts
from lensload.workload.inference import inference
from lensload.workload.inference.discovery import FoundTopic
from lensload.workload.inference.draft import Draft, TopicDraft
from tests.support.schema_styles import (
    ADDRESS,
    CATEGORY,
    CUSTOMER,
    MILLIS,
    ORDER,
    PAYMENT,
    READING,
    TRANSFER,
    USER_EVENT,
    UUID,
    Schema,
    array,
    field,
    optional,
    record,
)

ORDERS = {
    **ORDER,
    "fields": [
        {**each, "type": ADDRESS} if each["name"] == "shippingAddress" else each for each in ORDER["fields"]
    ],
}
CUSTOMERS = {
    **CUSTOMER,
    "fields": [
        {**each, "type": ADDRESS} if each["name"] == "address" else each for each in CUSTOMER["fields"]
    ],
}


def infer(**schemas: Schema) -> Draft:
    found = [FoundTopic(name, json.dumps(schema), f"{name}.avsc") for name, schema in schemas.items()]
    return inference.infer(found, "en_US", lambda _method: True)


def only(schema: Schema) -> TopicDraft:
    (topic,) = infer(things=schema).topics
    return topic


def made(topic: TopicDraft) -> dict[str, Any]:
    return {line.path: line.guess for line in topic.lines if line.guess is not None}


STOPWATCHES: dict[str, tuple[Schema, str]] = {
    "an id of the event before the record's own": (
        record("Order", field("orderId", "string"), field("eventId", "string")),
        "eventId",
    ),
    "a message id in snake_case": (
        record("Order", field("id", "string"), field("message_id", "string")),
        "message_id",
    ),
    "the id": (record("Order", field("name", "string"), field("id", "string")), "id"),
    "the record's id": (
        record("OrderPlaced", field("note", "string"), field("order_id", "string")),
        "order_id",
    ),
    "a uuid that is no reference": (record("Odd", field("userId", UUID), field("ticket", UUID)), "ticket"),
    "an id in a header": (USER_EVENT, "header.eventId"),
    "sixteen bytes": (READING, "reading_id"),
    "not an id that may be absent with its record": (
        record(
            "Odd", optional("header", record("H", field("eventId", "string"))), field("traceId", "string")
        ),
        "traceId",
    ),
    "not an id in a list": (
        record(
            "Odd", field("parts", array(record("P", field("eventId", "string")))), field("note", "string")
        ),
        "",
    ),
    "no text that is no id": (TRANSFER, ""),
    "the record's own, where that is called as many": (
        record("orders", field("itemid", "string"), field("orderid", "string")),
        "orderid",
    ),
    "no reference": (
        record("Odd", field("userId", "string"), field("n", "int")),
        "",
    ),
}


@pytest.mark.parametrize(("schema", "path"), STOPWATCHES.values(), ids=list(STOPWATCHES))
def test_the_stopwatch_is_in_the_field_that_is_an_id_of_the_event(schema: Schema, path: str):
    """It is one that every event has; where none is, a header holds the id, and every field what its name says."""
    assert only(schema).stopwatch == (path or {"header": "lensload-id"})


def test_a_topic_without_an_id_has_it_in_a_header():
    """A record of numbers alone is measured too: the file names a record header, and is right unedited."""
    numbers = record("Tick", field("bid", "double"), field("ts", MILLIS))
    draft = infer(ticks=numbers, orders=ORDERS)
    topics = tomllib.loads(drafts.as_toml(draft, []))["topics"]
    assert topics["ticks"]["stopwatch"] == {"header": "lensload-id"}
    assert isinstance(topics["orders"]["stopwatch"], str)
    assert draft.notices == []


def test_topics_refer_to_the_same_rows():
    """CustomerId is one of the customers wherever it is, and what is said of a customer beside it is of the same row."""
    draft = infer(customers=CUSTOMERS, orders=ORDERS)
    customers, orders = map(made, draft.topics)
    assert customers["customerId"] == orders["customerId"] == {"from": "customers.id"}
    assert customers["email"] == orders["customerEmail"] == {"from": "customers.email"}
    assert set(draft.pools["customers"].fields) == {"id", "email", "first_name", "last_name", "phone"}
    assert draft.topics[0].each == "customers"
    assert draft.topics[1].each == ""


def test_there_are_events_of_the_customers_that_orders_draw():
    """A customer's id is the event's own only where nobody refers to it: else the orders' customers would have no event."""
    customer = record("Customer", field("customerId", UUID), field("email", "string"))
    order = record("Order", field("orderId", UUID), field("customerId", UUID))
    assert only(customer).stopwatch == "customerId"
    topics = {topic.name: topic for topic in infer(customers=customer, orders=order).topics}
    assert topics["customers"].stopwatch == {"header": "lensload-id"}
    assert topics["customers"].each == "customers"
    assert made(topics["customers"])["customerId"] == made(topics["orders"])["customerId"]
    assert topics["orders"].stopwatch == "orderId"


def test_payments_follow_their_orders():
    """A topic whose events hold the id of another topic's events follows it, with its references and its currency."""
    draft = infer(payments=PAYMENT, orders=ORDERS)
    payments, orders = draft.topics
    assert payments.parent == "orders"
    assert orders.parent == ""
    assert made(payments)["orderId"] == {"parent": "orderId"}
    assert made(payments)["customerId"] == {"parent": "customerId"}
    assert made(payments)["currency"] == {"parent": "currency"}


def test_no_topic_follows_itself_by_way_of_others():
    """Two topics that hold each other's ids have one order, and not a circle."""
    one = record("Order", field("orderId", "string"), field("paymentId", "string"))
    other = record("Payment", field("paymentId", "string"), field("orderId", "string"))
    draft = infer(orders=one, payments=other)
    assert sorted(bool(topic.parent) for topic in draft.topics) == [False, True]


def test_totals_follow_from_their_lines():
    """An order's total is the sum of its lines, a line's the product of quantity and price, a count their number."""
    orders = made(only(ORDERS))
    assert orders["totalAmount"] == {"sum": "lines[].lineTotal"}
    assert orders["lines[].lineTotal"] == {"product": ["lines[].quantity", "lines[].unitPrice"]}
    assert orders["itemCount"] == {"count": "lines"}


def test_two_references_of_one_record_are_two_rows():
    """From and to are different accounts, and numbers where ids are numbers."""
    transfers = made(only(TRANSFER))
    assert transfers["from_account_id"] == {"from": "accounts.number", "role": "from"}
    assert transfers["to_account_id"] == {"from": "accounts.number", "role": "to"}
    assert transfers["transfer_id"] == {"sequence": {}}


KEYS: dict[str, tuple[Schema, str]] = {
    "what events refer to": (ORDERS, "customerId"),
    "the id, where they refer to nothing": (CATEGORY, "id"),
    "what has no other part in it": (
        record("Odd", field("parentRevId", "string"), field("revId", "string"), field("note", "string")),
        "revId",
    ),
    "not one of few": (record("Odd", field("id", "string"), field("storeId", "string")), "id"),
    "not one that may be null": (record("Odd", field("id", "string"), optional("userId", "string")), "id"),
    "none, where there is no id": (record("Odd", field("note", "string")), ""),
}


@pytest.mark.parametrize(("schema", "key"), KEYS.values(), ids=list(KEYS))
def test_the_key_keeps_together_what_belongs_together(schema: Schema, key: str):
    """Events about one customer are in one partition, and no partition is hot because a key has few values."""
    assert only(schema).key == key


def test_a_record_in_itself_ends():
    """A recursive schema has a finite draft, whose lists of itself are empty."""
    topic = only(CATEGORY)
    assert made(topic)["children"] == {"length": 0}
    assert made(topic)["attributes"] == {"length": 0}
    assert "parent" not in made(topic)


def test_a_field_of_two_types_in_a_union_is_left_to_its_types():
    """What cannot be said of all records of a union is not said."""
    topic = only(
        record(
            "Odd",
            field("id", "string"),
            field("of", [record("A", field("n", "int")), record("B", field("n", "string"))]),
        )
    )
    assert "of.n" not in made(topic)
    assert made(topic)["of"] == {"branch": {"A": 1, "B": 1}}


def test_the_file_is_toml_whatever_names_and_docs_hold():
    """Quotes, line ends and odd characters in a doc or a topic's name do not break the file."""
    odd = record(
        "Odd",
        field("id", "string", doc='a "quoted"\n line # with\x00 [all]'),
        field("x", "string", default='\\"'),
    )
    draft = infer(**{"odd.name": odd})
    table = tomllib.loads(drafts.as_toml(draft, ["head"]))["topics"]["odd.name"]
    assert table["fields"]["x"] == {"constant": '\\"'}


PAID = record(
    "Paid", field("id", "string"), field("customerId", "string"), field("shop", "int"), field("till", "int")
)


def keyed(key: Any) -> Draft:
    found = FoundTopic("paid", json.dumps(PAID), "paid.avsc", key_text=json.dumps(key), key_schema="k.avsc")
    return inference.infer([found], "en_US", lambda _method: True)


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (record("K", field("customerId", "string")), "customerId"),
        (record("K", field("customer_id", "string")), "customerId"),
        (record("K", field("till", "int"), field("shop", "int")), ["till", "shop"]),
        (record("K", field("key", "string")), "customerId"),
        ({"type": "string"}, "customerId"),
        ("string", "customerId"),
    ],
)
def test_a_schema_of_keys_says_which_fields_are_the_key(key: Any, fields: Any):
    """Those of its fields' names and types, in its order; a single one of no such name is the usual key."""
    (topic,) = keyed(key).topics
    assert (topic.key, topic.key_schema) == (fields, "k.avsc")


@pytest.mark.parametrize(
    "key",
    [record("K", field("region", "string"), field("shop", "int")), record("K", field("x", "long")), "long"],
)
def test_a_schema_of_keys_that_no_fields_are_of_is_left_out(key: Any):
    """The key is what it is without a schema, and a notice says so."""
    draft = keyed(key)
    assert (draft.topics[0].key, draft.topics[0].key_schema) == ("customerId", "")
    assert len(draft.notices) == 1


def test_a_key_of_a_type_that_only_one_field_has_is_that_field():
    """A schema without names says it by its type."""
    value = record("Stored", field("id", "string"), field("storeId", "int"))
    found = FoundTopic("s", json.dumps(value), "s.avsc", key_text='"int"', key_schema="k.avsc")
    (topic,) = inference.infer([found], "en_US", lambda _method: True).topics
    assert (topic.key, topic.key_schema) == ("storeId", "k.avsc")


def test_the_key_of_a_changed_row_is_in_the_row_that_is_left():
    """An envelope of before, after and op is keyed by the row in after, which is then in every event."""
    row = record("Row", field("id", "int"), field("name", "string"))
    source = record("Source", field("table", "string"), field("row", "int"))
    value = record(
        "Envelope",
        *(field("before", ["null", row]), field("after", ["null", "Row"])),
        *(field("source", source), field("op", "string")),
    )
    key = json.dumps(record("Key", field("id", "int")))
    found = FoundTopic("db.rows", json.dumps(value), "v.avsc", key_text=key, key_schema="k.avsc")
    (topic,) = inference.infer([found], "en_US", lambda _method: True).topics
    guesses = {line.path: line.guess for line in topic.lines}
    assert (topic.key, topic.key_schema) == ("after.id", "k.avsc")
    assert guesses["after"] is None
    assert "d" not in (guesses["op"] or {})["choice"]


def test_a_schema_of_keys_that_is_refused_costs_the_schema_alone():
    """The topic and its key stay."""
    draft = keyed(record("K", field("customerId", "string")))
    draft.give_up(("topics", "paid", "key_schema"), "it is no good")
    assert (draft.topics[0].key, draft.topics[0].key_schema) == ("customerId", "")
    assert draft.topics[0].stopwatch == "id"
