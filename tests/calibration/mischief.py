"""What may happen to records, done to captured ones on purpose, so that it is known how often it was done."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.calibration.witness import Sighting

LOST, DOUBLED, SWAPPED, SPOILT = 40, 30, 20, 10
SPOILERS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda value: value[: len(value) * 3 // 4],
    "longer": lambda value: value + b"\0",
    "a bit turned over": lambda value: value[:-1] + bytes([value[-1] ^ 1]),
}


@dataclass
class Mischief:
    """Records to be written in the place of others, and how often what was done to them.

    Attributes:
        records: where each goes, in order, and its bytes.
        done: by what was done, and by topic: "lost", "duplicated", "reordered", "corrupt".
    """

    records: list[tuple[Sighting, bytes]] = field(default_factory=list[tuple[Sighting, bytes]])
    done: defaultdict[str, Counter[str]] = field(
        default_factory=lambda: defaultdict[str, Counter[str]](Counter)
    )


def done_to(captured: list[Sighting]) -> Mischief:
    """Leave some out, write some twice, swap some neighbours of one writer, spoil some; no event gets two of these."""
    made, chance = Mischief(), random.Random(1)
    order, free = list(captured), set(range(len(captured)))
    for first, second in swaps(captured, chance):
        order[first], order[second] = order[second], order[first]
        free -= {first, second}
        made.done["reordered"][captured[first].topic] += 1
    spoilt = chance.sample(sorted(free), SPOILT * len(SPOILERS))
    rest = chance.sample(sorted(free - set(spoilt)), LOST + SPOILT + DOUBLED)
    lost, headless, doubled = rest[:LOST], rest[LOST : LOST + SPOILT], rest[LOST + SPOILT :]
    spoilers = dict(zip(spoilt, [each for each in SPOILERS.values() for _ in range(SPOILT)], strict=True))
    for place, each in enumerate(order):
        value = each.value
        if place in lost or place in headless:  # what has no head is of no event
            made.done["lost"][each.topic] += 1
        if place in headless or place in spoilers:
            made.done["corrupt"][each.topic] += 1
            value = spoilers.get(place, lambda value: b"\1" + value[1:])(value)
        if place not in lost:
            made.records.append((each, value))
        if place in doubled:
            made.done["duplicated"][each.topic] += 1
            made.records.append((each, value))
    return made


def swaps(captured: list[Sighting], chance: random.Random) -> list[tuple[int, int]]:
    """Pairs of places that follow each other within a lane, topic and partition; no place in two of them."""
    latest: dict[tuple[str, int, int], int] = {}
    found: list[tuple[int, int]] = []
    for place, each in enumerate(captured):
        writer = (each.topic, each.partition, each.lane)
        before = latest.pop(writer, None)
        if before is None or captured[before].due_ms == each.due_ms:
            latest[writer] = place
        else:
            found.append((before, place))
    return chance.sample(found, SWAPPED)
