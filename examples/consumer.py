"""The guide's consumer in today's API: AvroDeserializer, from the earliest offset.

    python examples/consumer.py [NUMBER]

Each interaction is decoded by the schema version that wrote it and resolved to our version: a field that an older version
lacks gets its default, a field that a newer version adds is dropped. It prints a JSON line for each interaction, and
ends after NUMBER of them or with Ctrl-C.
Addresses: localhost:9092 and http://localhost:8081, or BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL; TOPIC_PREFIX goes
before the topic and the group.
"""

import json
import os
import sys
from pathlib import Path

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA = Path(__file__).parent.parent / "schemas" / "user_interaction.avsc"

prefix = os.environ.get("TOPIC_PREFIX", "")
registry = SchemaRegistryClient({"url": os.environ.get("SCHEMA_REGISTRY_URL", "http://localhost:8081")})
deserialize = AvroDeserializer(
    registry,  # pyright: ignore[reportCallIssue]  # the stubs lose __init__
    SCHEMA.read_text(encoding="utf-8"),
)
consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP_SERVERS", "localhost:9092"),
        "group.id": prefix + "recommendation-service",
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([prefix + "user-interactions"])

wanted = int(sys.argv[1]) if len(sys.argv) > 1 else None
seen = 0
try:
    while wanted is None or seen < wanted:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            sys.exit(str(message.error()))
        context = SerializationContext(str(message.topic()), MessageField.VALUE)
        print(json.dumps(deserialize(message.value(), context)), flush=True)
        seen += 1
except KeyboardInterrupt:
    pass
finally:
    consumer.close()
