"""The locustfile that most people would write first: Faker, AvroSerializer, produce, one fire an event.

It is what `side_by_side.py` and `peers.py` compare lensload against; it is not part of lensload. It knows the same schema,
serializer, producer settings and cluster, and makes user-interactions alone.
"""

import os
import time
import uuid
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from faker import Faker
from locust import User, constant, task

from lensload.schema import definitions

TOPIC = os.environ.get("PEER_TOPIC", "user-interactions")
TEXT = definitions.load()["user-interactions"].text
TYPES = ("view", "click", "rating", "purchase", "search", "bookmark")


class PlainUser(User):
    """Makes one event after another, as fast as it can."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Set up what a plain locustfile sets up."""
        self.fake = Faker()
        client = SchemaRegistryClient.new_client({"url": "mock://plain"})
        client.register_schema(f"{TOPIC}-value", Schema(TEXT, schema_type="AVRO"))
        settings = {"auto.register.schemas": False, "subject.name.strategy.type": "TOPIC"}
        self.serializer: Any = AvroSerializer(client, TEXT, conf=settings)  # pyright: ignore[reportCallIssue]  # its stubs lose __init__
        self.subject = SerializationContext(TOPIC, MessageField.VALUE)
        self.producer = Producer({"bootstrap.servers": os.environ["PEER_BOOTSTRAP"], "linger.ms": 5})

    def on_stop(self) -> None:
        """Deliver what is under way."""
        self.producer.flush(10)

    @task
    def interact(self) -> None:
        """One event: made, serialized, produced, fired."""
        started = time.perf_counter()
        fake = self.fake
        event = {
            "eventId": str(uuid.uuid4()),
            "timestamp": int(time.time() * 1000),
            "userId": fake.user_name(),
            "sessionId": fake.uuid4(),
            "interactionType": fake.random_element(TYPES),
            "itemId": f"item-{fake.random_int(0, 5000):05d}",
            "itemCategory": fake.word(),
            "duration": fake.random_int(1, 300),
            "rating": None,
            "searchQuery": None,
            "metadata": {"requestId": str(uuid.uuid4()), "position": str(fake.random_int(1, 10))},
        }
        value = self.serializer(event, self.subject)
        self.producer.produce(TOPIC, value=value, key=str(event["userId"]))
        self.producer.poll(0)
        self.environment.events.request.fire(
            request_type="produce",
            name=TOPIC,
            response_time=(time.perf_counter() - started) * 1000,
            response_length=len(value or b""),
            exception=None,
        )
