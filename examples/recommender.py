"""A recommender to start from: it reads recommendation-requests, in a consumer group, and writes recommendation-responses.

    python examples/recommender.py [--delay 50ms] [--drop 0.001] [--double 0.001] [--misdirect 0.001] [--short 0.001]
                                   [--slow-after 10000]

All that an answer owes to its request is the requestId, the userId and the modelName. The options plant faults, so that
`lensload bench --recommender external` can be seen to find them (docs/service.md); on SIGTERM or Ctrl-C it prints, as one
line of JSON, what it did.
Addresses: localhost:9092 and http://localhost:8081, or BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL; TOPIC_PREFIX goes
before the topics and the group. Register the schemas first (`lensload schemas register`).
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

PREFIX = os.environ.get("TOPIC_PREFIX", "")
REQUESTS, RESPONSES = PREFIX + "recommendation-requests", PREFIX + "recommendation-responses"
SCHEMA = Path(__file__).parent.parent / "schemas" / "recommendation_response.avsc"
SERVERS = os.environ.get("BOOTSTRAP_SERVERS", "localhost:9092")
SLOW_S = 0.2  # what an answer takes longer after --slow-after requests


def seconds(text: str) -> float:
    """50ms and 0.05s alike."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


parser = argparse.ArgumentParser(description="A reference recommender with planted faults.")
parser.add_argument("--delay", type=seconds, default=0.0, help="what every answer takes, such as 50ms")
parser.add_argument("--drop", type=float, default=0.0, help="share of the requests without an answer")
parser.add_argument("--double", type=float, default=0.0, help="share that is answered twice")
parser.add_argument("--misdirect", type=float, default=0.0, help="share that goes to another user")
parser.add_argument("--short", type=float, default=0.0, help="share that lacks its last item")
parser.add_argument("--slow-after", type=int, default=sys.maxsize, help="requests until it takes 200 ms more")
parser.add_argument("--items", type=int, default=2000, help="how many items the catalogue has")
parser.add_argument("--group", default=PREFIX + "recommendation-service", help="its consumer group")
asked = parser.parse_args()

registry = SchemaRegistryClient({"url": os.environ.get("SCHEMA_REGISTRY_URL", "http://localhost:8081")})
read = AvroDeserializer(registry)  # pyright: ignore[reportCallIssue]  # the stubs lose __init__
write = AvroSerializer(
    registry,  # pyright: ignore[reportCallIssue]
    SCHEMA.read_text(encoding="utf-8"),
    conf={"auto.register.schemas": False},
)
consumer = Consumer(
    {
        "bootstrap.servers": SERVERS,
        "group.id": asked.group,
        "auto.offset.reset": "latest",
        "auto.commit.interval.ms": 500,
        "fetch.queue.backoff.ms": 5,
    }
)
producer = Producer(
    {
        "bootstrap.servers": SERVERS,
        "partitioner": "murmur2_random",  # as Java producers do, so that joins stay co-partitioned
        "linger.ms": 1,
    }
)
chance = random.Random(1)
width = max(5, len(str(asked.items - 1)))
did: Counter[str] = Counter()


def recommend(request: dict[str, Any], came_s: float) -> dict[str, Any]:
    """Items by lot: this is where your model goes."""
    items = chance.sample(range(asked.items), request["numRecommendations"])
    return {
        "requestId": request["requestId"],
        "timestamp": int(time.time() * 1000),
        "userId": request["userId"],
        "modelName": request["modelName"],
        "modelVersion": "1.0.0",
        "recommendations": [
            {"itemId": f"item-{item:0{width}d}", "score": 1 / rank, "rank": rank, "explanation": None}
            for rank, item in enumerate(items, 1)
        ],
        "processingTime": int((time.time() - came_s) * 1000),
        "status": "success",
        "errorMessage": None,
    }


def strikes(fault: str) -> bool:
    """Whether a fault befalls this answer; counted, so that what is found can be held against it."""
    struck = chance.random() < getattr(asked, fault)
    did[fault] += struck
    return struck


def answer(request: dict[str, Any], came_s: float) -> None:
    """Write the answer, with the faults that were asked for."""
    response = recommend(request, came_s)
    if strikes("drop"):
        return
    if strikes("misdirect"):
        response["userId"] = "somebody-else"
    if strikes("short"):
        response["recommendations"].pop()
    value = write(response, SerializationContext(RESPONSES, MessageField.VALUE))
    for _ in range(2 if strikes("double") else 1):
        producer.produce(RESPONSES, value, key=request["userId"])
    did["answered"] += 1


def stop(_number: int, _frame: object) -> None:
    """End the loop below."""
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
consumer.subscribe([REQUESTS], on_assign=lambda *_: print("assigned", file=sys.stderr, flush=True))
waiting: deque[tuple[float, float, dict[str, Any]]] = deque()  # when to answer, when it came, the request
try:
    while True:
        first = consumer.poll(max(0.0, min(0.05, waiting[0][0] - time.time())) if waiting else 0.05)
        came_s = time.time()
        for message in [] if first is None else [first, *consumer.consume(100, 0)]:
            if message.error() is None:
                request: Any = read(message.value(), SerializationContext(REQUESTS, MessageField.VALUE))
                did["requests"] += 1
                slow_s = SLOW_S if did["requests"] > asked.slow_after else 0.0
                waiting.append((came_s + asked.delay + slow_s, came_s, request))
        while waiting and waiting[0][0] <= time.time():
            _, came_s, request = waiting.popleft()
            answer(request, came_s)
        producer.poll(0)
except KeyboardInterrupt:
    consumer.close()
    left = producer.flush(30)
    print(json.dumps(did), flush=True)
    sys.exit(f"{left} answers were not acknowledged" if left else 0)
