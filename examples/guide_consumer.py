"""The consumer of LENS's guide, unchanged: confluent_kafka.avro's AvroConsumer, from the earliest offset.

    python examples/guide_consumer.py [NUMBER]

It prints a JSON line for each interaction, and ends after NUMBER of them or with Ctrl-C. Addresses: localhost:9092
and http://localhost:8081, or BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL; TOPIC_PREFIX goes before the topic and the
group.

AvroConsumer decodes a message's key as Avro and raises an error for a plain string. So it reads the messages of
`guide_producer.py`, which have no key, but not those of `producer.py` or lensload, which have LENS's plain keys.
It is deprecated; `consumer.py` does the same in today's API and reads all of them.
"""

import json
import os
import sys

from confluent_kafka.avro import AvroConsumer
from confluent_kafka.avro.serializer import SerializerError

prefix = os.environ.get("TOPIC_PREFIX", "")
consumer = AvroConsumer(
    {
        "bootstrap.servers": os.environ.get("BOOTSTRAP_SERVERS", "localhost:9092"),
        "schema.registry.url": os.environ.get("SCHEMA_REGISTRY_URL", "http://localhost:8081"),
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
        print(json.dumps(message.value()), flush=True)
        seen += 1
except SerializerError as error:
    sys.exit(f"{error}\nIf its key is a plain string, as LENS's are, read it with consumer.py.")
except KeyboardInterrupt:
    pass
finally:
    consumer.close()
