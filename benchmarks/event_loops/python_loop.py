"""Events as most Python programs make them: a dict for each, Confluent's AvroSerializer, and Faker's values or random ones.

    python python_loop.py faker payment.avsc

`workload_peers.py` starts it, and says how it is told what to do. `random` draws from values that Faker made at its start.
"""

import os
import random
import sys
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from faker import Faker

Event = dict[str, Any]
FAKE = Faker()
STATES = ("NEW", "PAID", "SENT")
TAGS = ("channel", "campaign")


def fake_payment() -> Event:
    """A flat event of Faker."""
    return {
        "id": FAKE.uuid4(),
        "at": int(time.time() * 1000),
        "email": FAKE.email(),
        "country": FAKE.country_code(),
        "rate": FAKE.pyfloat(min_value=0, max_value=1),
        "count": FAKE.random_int(1, 999),
        "express": FAKE.pybool(20),
        "status": FAKE.random_element(STATES),
        "note": FAKE.sentence() if FAKE.pybool() else None,
        "amount": Decimal(FAKE.random_int(0, 999_999)).scaleb(-2),
    }


def fake_order() -> Event:
    """A nested event of Faker."""
    coupon = {"code": FAKE.bothify("????-####"), "amount": FAKE.random_int(1, 99)}
    lines = [
        {
            "sku": FAKE.numerify("SKU-#####"),
            "count": FAKE.random_int(1, 9),
            "price": FAKE.pyfloat(min_value=1, max_value=100),
            "gift": FAKE.pybool(10),
        }
        for _ in range(FAKE.random_int(1, 5))
    ]
    return {
        "id": FAKE.uuid4(),
        "at": int(time.time() * 1000),
        "customer": FAKE.email(),
        "address": {
            "street": FAKE.street_address(),
            "city": FAKE.city(),
            "zip": FAKE.random_int(10_000, 99_999),
        },
        "lines": lines,
        "tags": {key: FAKE.word() for key in TAGS[: FAKE.random_int(0, 2)]},
        "discount": FAKE.random_element((None, FAKE.random_int(1, 4_999), coupon)),
    }


class Values:
    """Values that are made once, to draw from."""

    def __init__(self) -> None:
        self.emails, self.notes, self.streets, self.cities, self.words, self.countries = (
            [make() for _ in range(1_000)]
            for make in (
                FAKE.email,
                FAKE.sentence,
                FAKE.street_address,
                FAKE.city,
                FAKE.word,
                FAKE.country_code,
            )
        )
        self.skus = [FAKE.numerify("SKU-#####") for _ in range(1_000)]
        self.codes = [FAKE.bothify("????-####") for _ in range(1_000)]

    def payment(self) -> Event:
        """A flat event."""
        chance = random.random
        return {
            "id": str(uuid.uuid4()),
            "at": int(time.time() * 1000),
            "email": random.choice(self.emails),
            "country": random.choice(self.countries),
            "rate": chance(),
            "count": int(chance() * 999) + 1,
            "express": chance() < 0.2,
            "status": random.choice(STATES),
            "note": random.choice(self.notes) if chance() < 0.5 else None,
            "amount": Decimal(int(chance() * 1_000_000)).scaleb(-2),
        }

    def order(self) -> Event:
        """A nested event."""
        chance = random.random
        kind = int(chance() * 3)
        lines = [
            {
                "sku": random.choice(self.skus),
                "count": int(chance() * 9) + 1,
                "price": 1 + 99 * chance(),
                "gift": chance() < 0.1,
            }
            for _ in range(int(chance() * 5) + 1)
        ]
        return {
            "id": str(uuid.uuid4()),
            "at": int(time.time() * 1000),
            "customer": random.choice(self.emails),
            "address": {
                "street": random.choice(self.streets),
                "city": random.choice(self.cities),
                "zip": int(chance() * 90_000) + 10_000,
            },
            "lines": lines,
            "tags": {key: random.choice(self.words) for key in TAGS[: int(chance() * 3)]},
            "discount": (
                None
                if kind == 0
                else int(chance() * 4_999) + 1
                if kind == 1
                else {"code": random.choice(self.codes), "amount": int(chance() * 99) + 1}
            ),
        }


def answer(value_of: Callable[[], bytes]) -> None:
    """Make as many events as each line of the input says; answer with their bytes, and the last of them."""
    for line in sys.stdin:
        total, value = 0, b""
        for _ in range(int(line)):
            value = value_of()
            total += len(value)
        print(total, b64encode(value).decode(), flush=True)


def produce(topic: str, make: Callable[[], Event], serialize: Callable[[Event], bytes]) -> None:
    """Write events until somebody ends this."""
    producer = Producer({"bootstrap.servers": os.environ["PEER_BOOTSTRAP"], "linger.ms": 5})
    while True:
        event = make()
        value = serialize(event)
        while True:
            try:
                producer.produce(topic, value, event["id"])
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)


def main(values: str, schema: Path) -> None:
    """Do what the environment asks for."""
    by_faker = {"payment": fake_payment, "order": fake_order}
    make = by_faker[schema.stem] if values == "faker" else getattr(Values(), schema.stem)
    client = SchemaRegistryClient.new_client({"url": os.environ["PEER_REGISTRY"]})
    settings = {"auto.register.schemas": True, "subject.name.strategy.type": "TOPIC"}
    serializer: Any = AvroSerializer(client, schema.read_text(), conf=settings)  # pyright: ignore[reportCallIssue]  # its stubs lose __init__
    topic = os.environ.get("PEER_TOPIC", "")
    subject = SerializationContext(topic or schema.stem, MessageField.VALUE)

    if topic:
        produce(topic, make, lambda event: serializer(event, subject))
    else:
        answer(lambda: serializer(make(), subject))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
