"""How fast columns of any schema become bytes, against a loop over fastavro, in turns in one run.

    python benchmarks/encoding.py
    python benchmarks/encoding.py --events 50000 --rounds 9

One record is flat, with ten fields of as many types; the other has a record, an array of records, a map and unions inside.
fastavro gets its records as dicts that are already there; ours starts from columns that are already there. What counts is
CPU time, on one core; the best round of each.
"""

import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import (
    Column,
    Decimals,
    Drawn,
    Flags,
    Ids,
    Integers,
    Pool,
    Reals,
    Texts,
    objects,
)
from lensload.batches.nested import Either, Lists, Maps, Nested
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.avro_types import Schema
from lensload.encoding.encoders import FragmentEncoder, fastavro_serializer

START_NS = 1_795_000_000_000_000_000
CHANCE = np.random.default_rng(7)


def fields(**types: object) -> list[dict[str, object]]:
    """Fields of a record, by name."""
    return [{"name": name, "type": kind} for name, kind in types.items()]


MOMENT = {"type": "long", "logicalType": "timestamp-millis"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
FLAT: Schema = {
    "type": "record",
    "name": "Payment",
    "fields": fields(
        id="string",
        at=MOMENT,
        email="string",
        country="string",
        rate="double",
        count="int",
        express="boolean",
        status={"type": "enum", "name": "Status", "symbols": ["NEW", "PAID", "SENT"]},
        note=["null", "string"],
        amount=MONEY,
    ),
}
LINE = {
    "type": "record",
    "name": "Line",
    "fields": fields(sku="string", count="int", price="double", gift="boolean"),
}
ADDRESS = {"type": "record", "name": "Address", "fields": fields(street="string", city="string", zip="int")}
NESTED: Schema = {
    "type": "record",
    "name": "Order",
    "fields": fields(
        id="string",
        at=MOMENT,
        customer="string",
        address=ADDRESS,
        lines={"type": "array", "items": LINE},
        tags={"type": "map", "values": "string"},
        discount=[
            "null",
            "long",
            {"type": "record", "name": "Coupon", "fields": fields(code="string", amount="int")},
        ],
    ),
}


def drawn(name: str, values: list[Any], count: int) -> Drawn:
    """A field whose values are drawn from these."""
    return Drawn(Pool((name,), tuple((value,) for value in values)), CHANCE.integers(0, len(values), count))


def whole(name: str, below: int, count: int) -> Integers:
    """A field of whole numbers."""
    return Integers(name, CHANCE.integers(0, below, count))


EMAILS = [f"customer.{number}@{'mail.' * (number % 5)}example.com" for number in range(5_000)]
SKUS = [f"SKU-{number}" for number in range(20_000)]


def head(due_ns: NDArray[np.int64]) -> tuple[Column, ...]:
    """The id and the time that both records begin with."""
    serials = np.arange(len(due_ns))
    words = ids.words(due_ns, 1, np.zeros_like(serials), serials)
    return Ids("id", ids.texts(words)), Integers("at", ids.whole_ms(due_ns))


def flat(due_ns: NDArray[np.int64]) -> tuple[Column, ...]:
    """Columns of the flat record."""
    count = len(due_ns)
    return (
        *head(due_ns),
        drawn("email", EMAILS, count),
        drawn("country", ["DE", "FR", "NL", "CH"], count),
        Reals("rate", CHANCE.random(count)),
        whole("count", 1_000, count),
        Flags("express", CHANCE.random(count) < 0.2),
        drawn("status", ["NEW", "PAID", "SENT"], count),
        drawn("note", [None, *EMAILS[:500]], count),
        Decimals("amount", CHANCE.integers(0, 1_000_000, count), 2),
    )


def nested(due_ns: NDArray[np.int64]) -> tuple[Column, ...]:
    """Columns of the record that has others inside."""
    count = len(due_ns)
    lines, tags = CHANCE.integers(1, 6, count), CHANCE.integers(0, 3, count)
    every = int(lines.sum())
    texts = objects(b"v%d" % number for number in range(int(tags.sum())))
    keys = objects(b"tag-%d" % number for most in tags.tolist() for number in range(most))
    branch = CHANCE.integers(0, 3, count)
    longs, coupons = np.bincount(branch, minlength=3)[1:].tolist()
    coupon = (drawn("code", SKUS, coupons), whole("amount", 100, coupons))
    line = (
        drawn("sku", SKUS, every),
        whole("count", 10, every),
        Reals("price", CHANCE.random(every)),
        Flags("gift", CHANCE.random(every) < 0.1),
    )
    address = (drawn("street", EMAILS, count), drawn("city", SKUS, count), whole("zip", 99_999, count))
    return (
        *head(due_ns),
        drawn("customer", EMAILS, count),
        Nested("address", address),
        Lists("lines", lines, Nested("item", line)),
        Maps("tags", tags, Texts("key", keys), Texts("item", texts)),
        Either(
            "discount",
            branch,
            (None, whole("", 5_000, longs), Nested("", coupon)),
            ("null", "long", "Coupon"),
        ),
    )


def cpu_ns(work: Callable[[], object]) -> int:
    """The CPU time of this thread that something takes."""
    start_ns = time.thread_time_ns()
    work()
    return time.thread_time_ns() - start_ns


def compared(name: str, schema: Schema, batch: TopicBatch, rounds: int) -> None:
    """Encode a batch by turns, and print what each took."""
    ours, theirs = FragmentEncoder({"t": schema}, {"t": 1}), fastavro_serializer({"t": schema}, {"t": 1})
    records = list(batch.records())
    values = ours.encode(batch).values
    if values != [theirs("t", record) for record in records]:
        raise SystemExit("The bytes differ: this is a defect.")
    took = [
        (cpu_ns(lambda: ours.encode(batch)), cpu_ns(lambda: [theirs("t", each) for each in records]))
        for _ in range(rounds)
    ]
    fast, loop = (min(each) / len(batch) for each in zip(*took, strict=True))
    print(
        f"{name:18} {sum(map(len, values)) / len(batch):4.0f} bytes   {1e9 / fast:10,.0f}/s of CPU"
        f"   fastavro {1e9 / loop:8,.0f}/s   ratio {loop / fast:.1f}"
    )


@click.command()
@click.option("--events", default=20_000, show_default=True)
@click.option("--rounds", default=7, show_default=True)
def main(events: int, rounds: int) -> None:
    """Encode by turns."""
    due_ns = ids.on_the_grid(START_NS + 50_000 * np.arange(events))
    for name, schema, columns in (("flat, ten fields", FLAT, flat), ("nested", NESTED, nested)):
        compared(name, schema, TopicBatch("t", due_ns, np.arange(events), None, columns(due_ns)), rounds)


if __name__ == "__main__":
    main()
