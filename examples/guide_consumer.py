"""LENS's guide's consumer as it stands: confluent_kafka.avro's AvroConsumer, from the earliest offset.

    python examples/guide_consumer.py [NUMBER]

It prints a JSON line for each interaction, and ends after NUMBER of them, else with Ctrl-C. Addresses: localhost:9092
and http://localhost:8081, or BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL; TOPIC_PREFIX goes before the topic and the
group.

AvroConsumer takes a message's key for Avro, as it does the value, and raises where there is a plain string: so it
reads what `guide_producer.py` writes, without keys, and neither `producer.py`'s events nor a load's, whose keys are
LENS's. It is deprecated; `consumer.py` beside it does the same in today's API, and reads them all.
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
