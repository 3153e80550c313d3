"""The producer of LENS's guide, unchanged: confluent_kafka.avro's AvroProducer and the seven fields.

    python examples/guide_producer.py [NUMBER]

Addresses: localhost:9092 and http://localhost:8081, or BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL; TOPIC_PREFIX goes
before the topic. The four fields that it omits are optional, and their default null is written. The messages
have no key, because AvroProducer writes Avro keys only, and LENS's keys are plain strings.

AvroProducer is deprecated; `producer.py` does the same in today's API, with keys.
"""

import os
import sys
import time
import uuid
from pathlib import Path

from confluent_kafka import avro
from confluent_kafka.avro import AvroProducer

SCHEMA = Path(__file__).parent.parent / "schemas" / "user_interaction.avsc"

producer = AvroProducer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP_SERVERS", "localhost:9092"),
        "schema.registry.url": os.environ.get("SCHEMA_REGISTRY_URL", "http://localhost:8081"),
        "partitioner": "murmur2_random",  # as Java producers do, so that joins stay co-partitioned
    },
    default_key_schema=None,
    default_value_schema=avro.load(str(SCHEMA)),  # pyright: ignore[reportPrivateImportUsage]  # public all the same
)

for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 10):
    user_id = f"user_{number % 3}"
    producer.produce(
        topic=os.environ.get("TOPIC_PREFIX", "") + "user-interactions",
        value={
            "eventId": str(uuid.uuid4()),
            "timestamp": int(time.time() * 1000),
            "userId": user_id,
            "sessionId": f"session_{number}",
            "interactionType": "view",
            "itemId": f"item_{number}",
            "itemCategory": "electronics",
        },
    )
left = producer.flush(30)
sys.exit(f"{left} events were not acknowledged" if left else 0)
