"""A small workload of nobody's but the tests': orders with lines in them, and payments of the same customers."""

import json
from pathlib import Path
from typing import Any, Final

LINE: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "quantity", "type": "int"}],
}
ORDER: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "customerId", "type": "string"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "lines", "type": {"type": "array", "items": LINE}},
        {"name": "orderId", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "createdAt", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}
PAYMENT: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Payment",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": {"type": "fixed", "name": "Id", "size": 16}},
        {"name": "customerId", "type": "string"},
        {"name": "paid", "type": "boolean"},
    ],
}
KEY: Final[dict[str, Any]] = {
    "type": "record",
    "name": "PaymentKey",
    "namespace": "shop",
    "fields": [{"name": "customerId", "type": "string"}],
}
TEXT: Final = """
seed = 7
[pools.customers]
size = 50
[pools.customers.fields]
id = { uuid = {} }

[topics.orders]
schema = "order.avsc"
share = 3
key = "customerId"
stopwatch = "orderId"
[topics.orders.fields]
customerId = { from = "customers.id" }
note = { choice = ["a gift", "leave it at the door"], null = 0.3 }
createdAt = { due = {} }

[topics.payments]
schema = "payment.avsc"
key = "customerId"
stopwatch = "id"
[topics.payments.fields]
customerId = { from = "customers.id" }
"""


def written(folder: Path, text: str = TEXT) -> Path:
    """The workload file, with its schemas beside it."""
    for name, schema in (("order", ORDER), ("payment", PAYMENT), ("key", KEY)):
        (folder / f"{name}.avsc").write_text(json.dumps(schema))
    path = folder / "shop.toml"
    path.write_text(text)
    return path
