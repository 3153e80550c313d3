"""The guide's producer in today's API: AvroSerializer and the same seven fields.

    python examples/producer.py [NUMBER]

Addresses: localhost:9092 and http://localhost:8081, or BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL; TOPIC_PREFIX goes
before the topic. The four fields that it omits are optional, and their default null is written. Register the schema
first (`lensload schemas register`): a producer should not do it.
"""

import os
import sys
import time
import uuid
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA = Path(__file__).parent.parent / "schemas" / "user_interaction.avsc"
TOPIC = os.environ.get("TOPIC_PREFIX", "") + "user-interactions"

registry = SchemaRegistryClient({"url": os.environ.get("SCHEMA_REGISTRY_URL", "http://localhost:8081")})
serialize = AvroSerializer(
    registry,  # pyright: ignore[reportCallIssue]  # the stubs lose __init__
    SCHEMA.read_text(encoding="utf-8"),
    conf={"auto.register.schemas": False, "subject.name.strategy.type": "TOPIC"},
)
producer = Producer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP_SERVERS", "localhost:9092"),
        "partitioner": "murmur2_random",  # as Java producers do, so that joins stay co-partitioned
    }
)

for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 10):
    user_id = f"user_{number % 3}"
    interaction = {
        "eventId": str(uuid.uuid4()),
        "timestamp": int(time.time() * 1000),
        "userId": user_id,
        "sessionId": f"session_{number}",
        "interactionType": "view",
        "itemId": f"item_{number}",
        "itemCategory": "electronics",
    }
    value = serialize(interaction, SerializationContext(TOPIC, MessageField.VALUE))
    producer.produce(TOPIC, value, key=user_id)
left = producer.flush(30)
sys.exit(f"{left} events were not acknowledged" if left else 0)
