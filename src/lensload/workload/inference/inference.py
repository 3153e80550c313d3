"""A workload file from schemas alone: what each field, key, pool and topic is most likely meant to be."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lensload.workload.inference import guesser, identities, key_fields, text_words, totals, vocabulary
from lensload.workload.inference.discovery import FoundTopic
from lensload.workload.inference.draft import Draft, Line, PoolDraft, TopicDraft
from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.guesser import Guesser
from lensload.workload.inference.identities import NATURAL, Identity
from lensload.workload.inference.naming import singular, words
from lensload.workload.inference.places import Place, of_record, short

_POOL_SIZE: Final = 1_000
_ZIPF: Final = 1.1
_DISTINCT: Final = 1_000
"""Values of Faker in a pool: it takes 20 us to 100 us for each, and a run waits for them when it starts."""
_MAP_KEYS: Final[dict[str, list[str]]] = {
    "header": ["content-type", "trace-id", "user-agent"],
    "tag": ["region", "team", "env"],
    "label": ["region", "team", "env"],
    "metric": ["count", "mean", "max"],
}
_ANY_KEYS: Final = ["source", "campaign", "variant"]
_ID_HEADER: Final = "lensload-id"


def infer(found: Sequence[FoundTopic], locale: str, has_faker: Callable[[str], bool]) -> Draft:
    """The draft of a workload file for topics.

    Args:
        found: the topics with their schemas.
        locale: Faker's locale for the values.
        has_faker: whether Faker has this method in that locale.
    """
    topics = _with_drawn_ids([_Topic.of(each) for each in found])
    draft = Draft(locale)
    parents = _parents(topics)
    made = Guesser(has_faker)
    for topic in topics:
        draft.topics.append(_Drafter(topic, parents.get(topic.found.name), draft, made).drafted())
    return draft


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic with what is known of its fields before any generator is chosen."""

    found: FoundTopic
    places: tuple[Place, ...]
    identities: dict[str, Identity]
    stopwatch: str  # the field that is an id of the event; "" for none
    rank: int

    @classmethod
    def of(cls, found: FoundTopic) -> "_Topic":
        places = of_record(json.loads(found.text))
        known = {place.path: identities.of(place) for place in places}
        ids = {path: identity for path, identity in known.items() if identity is not None}
        return cls(found, places, ids, *identities.stopwatch(places, ids))

    def is_snapshot(self, noun: str) -> bool:
        """Whether each event is the whole of such a thing, as Customer or CustomerUpdated is of a customer."""
        name = set(words(short(str(json.loads(self.found.text)["name"])))) - vocabulary.SNAPSHOT
        return name <= {noun}

    @property
    def own(self) -> Identity | None:
        """What the stopwatch identifies."""
        return self.identities.get(self.stopwatch)


def _with_drawn_ids(topics: Sequence[_Topic]) -> list[_Topic]:
    """The topics; ids of things that other topics draw from a pool are drawn too, so that there are events of these things."""
    drawn = {
        (topic.found.name, identity.pool)
        for topic in topics
        for path, identity in topic.identities.items()
        if identity.is_reference and path != topic.stopwatch
    }

    def is_drawn(topic: _Topic) -> bool:
        pool = topic.own.pool if topic.own and topic.rank == NATURAL else ""
        return any(pool == other and topic.found.name != name for name, other in drawn)

    return [replace(topic, stopwatch="", rank=0) if is_drawn(topic) else topic for topic in topics]


def _parents(topics: Sequence[_Topic]) -> dict[str, _Topic]:
    """The topic that each topic's events follow: the one of whose events they hold the id."""
    found: dict[str, _Topic] = {}
    for topic in topics:
        for other in topics:
            if other is topic or topic.found.name in found or _is_above(topic, other, found):
                continue
            if _reference(topic, other):
                found[topic.found.name] = other
    return found


def _is_above(topic: _Topic, other: _Topic, parents: Mapping[str, _Topic]) -> bool:
    """Whether the other is one of those that follow the topic already."""
    above: _Topic | None = other
    while above is not None:
        if above is topic:
            return True
        above = parents.get(above.found.name)
    return False


def _reference(topic: _Topic, parent: _Topic) -> str:
    """The field of the topic that holds the id of the parent's event; "" for none."""
    own = parent.own
    if (
        own is None
        or parent.rank >= NATURAL
        or own.noun in vocabulary.ENTITIES | dict.fromkeys(vocabulary.EVENT, 0)
    ):
        return ""
    return next(
        (
            path
            for path, identity in topic.identities.items()
            if identity.noun == own.noun
            and path != topic.stopwatch
            and (len(identity.place.name) > 1 or identity.place.within)
            and not identity.role
            and identity.place.kind == own.place.kind
            and identity.place.logical == own.place.logical
        ),
        "",
    )


class _Drafter:
    """Drafts one topic, and what it refers to in the draft's pools."""

    def __init__(self, topic: _Topic, parent: _Topic | None, draft: Draft, guesser: Guesser) -> None:
        self._topic, self._parent, self._draft, self._guesser = topic, parent, draft, guesser
        # Several records of a union may have a field of one name: what is said of it is said of all of them.
        self._names: dict[str, Place] = {}
        self._mixed: set[str] = set()
        for place in topic.places:
            known = self._names.setdefault(place.path, place)
            if (known.kind, known.logical, known.nullable) != (place.kind, place.logical, place.nullable):
                self._mixed.add(place.path)
        self._roles = _roles(topic.identities)
        self._result = TopicDraft(
            topic.found.name, topic.found.schema, topic.found.remark, topic.found.include
        )

    def drafted(self) -> TopicDraft:
        """The draft of the topic."""
        result = self._result
        self._say_stopwatch()
        if self._parent is not None:
            result.parent = self._parent.found.name
            result.children = [1, 5] if _is_part(topic=self._topic) else 1
        for place in self._names.values():
            result.lines.extend(self._line(place))
        result.key = result.plain_key = self._key()
        if topic_key := self._topic.found.key_text:
            self._say_key(topic_key)
        return result

    def _say_key(self, key_text: str) -> None:
        """Make the key by the schema that there is for it, if its fields are those of the event."""
        result = self._result
        paths = key_fields.chosen(key_text, self._topic.places, result.plain_key)
        if not paths:
            self._draft.notices.append(
                f"The keys of {result.name} are text: their schema has other fields than its events."
            )
            return
        result.key_schema = self._topic.found.key_schema
        result.key = paths[0] if len(paths) == 1 else list(paths)
        if any(path.startswith(f"{key_fields.ROW}.") for path in paths):
            result.lines = list(map(_with_row, result.lines))

    def _say_stopwatch(self) -> None:
        topic, result = self._topic, self._result
        if topic.stopwatch:
            result.stopwatch = topic.stopwatch
            return
        result.stopwatch = {"header": _ID_HEADER}
        result.stopwatch_remark = "no field is an id of the event alone, so a record header holds it"

    def _line(self, place: Place) -> Iterator[Line]:
        remark = f"{place.type_name}: {place.doc}" if place.doc else place.type_name
        if place.path == self._topic.stopwatch:
            yield Line(place.path, None, f"the event's own id; {place.type_name}")
        elif place.path in self._mixed:
            yield Line(place.path, None, "of several types, made by each of them")
        elif place.kind == "again":
            yield Line(place.path, None, f"{place.type_name}, in itself: null, or none in a list")
        elif place.kind != "record" or place.nullable:
            guess = guesser.with_nulls(self._guess(place), place)
            yield Line(place.path, guess, remark if guess else f"made by its type; {remark}")

    def _guess(self, place: Place) -> Guess | None:
        match place.kind:
            case "array" | "map":
                return self._several(place)
            case "union":
                return {"branch": dict.fromkeys(place.branches, 1)}
            case "record" | "null":
                return None
            case _:
                return self._value(place)

    def _several(self, place: Place) -> Guess:
        """How many items an array has, or a map, and which keys."""
        inner = self._names[f"{place.path}{'[]' if place.kind == 'array' else '{}'}"].kind
        if inner == "again":
            return {"length": 0}
        if place.kind == "array":
            return {"length": [1, 5] if inner == "record" else [0, 4]}
        keys = next((_MAP_KEYS[word] for word in map(singular, place.name) if word in _MAP_KEYS), _ANY_KEYS)
        return {"length": [0, len(keys)], "keys": keys}

    def _value(self, place: Place) -> Guess | None:
        if identity := self._topic.identities.get(place.path):
            return self._identified(identity)
        if self._has_parents(place):
            return {"parent": place.path}
        guess = totals.of(place, self._topic.places) or self._guesser.of(place, self._beside(place))
        return self._shared(place, guess) if guess and place.kind == "string" else guess

    def _beside(self, place: Place) -> frozenset[str]:
        return frozenset(
            word for each in self._topic.places if each.within == place.within for word in each.name
        )

    def _identified(self, identity: Identity) -> Guess | None:
        place = identity.place
        if parent := self._of_parent(identity):
            return parent
        if identity.is_reference or (
            identities.names_own(place, identity) and identity.noun in vocabulary.ENTITIES
        ):
            name = self._pool_field(identity.noun, "number" if identity.is_number else "id", _id_of(identity))
            if identities.names_own(place, identity) and self._topic.is_snapshot(identity.noun):
                self._result.each = identity.pool
            role = (
                {"role": identity.role}
                if place.within in self._roles.get(identity.noun, ()) and identity.role
                else {}
            )
            return {"from": name, **role}
        return _id_of(identity)

    def _has_parents(self, place: Place) -> bool:
        """Whether the place has what the parent has there: the same currency."""
        if not self._result.parent or self._parent is None or "currency" not in place.name or place.within:
            return False
        kind = (place.path, place.kind, place.logical, place.nullable)
        return any((o.path, o.kind, o.logical, o.nullable) == kind for o in self._parent.places)

    def _of_parent(self, identity: Identity) -> Guess | None:
        """The parent's value, where the parent has the same identity."""
        parent, place = self._parent, identity.place
        if parent is None or not self._result.parent:
            return None
        if place.path == _reference(self._topic, parent):
            return {"parent": parent.stopwatch}
        if identity.role or not identity.is_reference or place.several:
            return None
        same = (
            path
            for path, other in parent.identities.items()
            if (other.noun, other.role, other.place.kind, other.place.logical)
            == (identity.noun, identity.role, place.kind, place.logical)
            and other.is_reference
            and other.place.sure
            and path != parent.stopwatch
        )
        path = next(same, "")
        return {"parent": path} if path else None

    def _pool_field(self, noun: str, field: str, guess: Guess) -> str:
        """The name of a pool's field, which is made where it is not there yet; "" where it is there and is another."""
        name = identities.plural(noun)
        if name not in self._draft.pools:
            size = vocabulary.ENTITIES.get(noun, _POOL_SIZE)
            self._draft.pools[name] = PoolDraft(size, _ZIPF if noun in vocabulary.POPULAR else 0.0)
        pool = self._draft.pools[name]
        if "faker" in guess and pool.size > _DISTINCT:
            guess = {**guess, "distinct": _DISTINCT}
        known = pool.fields.setdefault(field, guess)
        return f"{name}.{field}" if known == guess else ""

    def _shared(self, place: Place, guess: Guess) -> Guess:
        """What is said of something that a pool has, such as customerName beside customerId, from the same row."""
        if not guess.keys() & {"faker", "choice", "pattern"} or place.name == ("user", "agent"):
            return guess
        for identity in self._topic.identities.values():
            if identity.place.within != place.within or identity.place.path == self._topic.stopwatch:
                continue
            is_of = identities.names_own(identity.place, identity) or (
                place.within and identity.noun in place.nouns
            )
            rest = place.name[1:] if place.name[0] == identity.noun else place.name if is_of else ()
            refers = identity.is_reference or (is_of and identity.noun in vocabulary.ENTITIES)
            if not rest or not refers or identity.role or place.several != identity.place.several:
                continue
            renamed = guesser.renamed(place, rest, (identity.noun,))
            made = self._guesser.of(renamed, self._beside(place)) or guess
            if name := self._pool_field(identity.noun, "_".join(rest), made):
                return {"from": name}
        return guess

    def _key(self) -> str:
        """The field by which related events are in one partition: what they refer to, else their own id."""
        topic = self._topic
        usable = [
            identity
            for identity in sorted(
                topic.identities.values(), key=lambda each: (each.place.path.count("."), each.role != "")
            )
            if identity.place.sure
            and not identity.place.nullable
            and vocabulary.ENTITIES.get(identity.noun, _POOL_SIZE) >= _POOL_SIZE
        ]
        own = [
            each
            for each in usable
            if each.noun in vocabulary.ENTITIES and identities.names_own(each.place, each)
        ]
        references = [each for each in usable if each.is_reference and each.place.path != topic.stopwatch]
        chosen = next(iter((*own, *references, *usable)), None)
        if chosen is not None:
            return chosen.place.path
        return topic.stopwatch


def _id_of(identity: Identity) -> Guess:
    """An id of its own: a number that grows, or a UUID."""
    return {"sequence": {}} if identity.is_number else {"uuid": {}}


def _with_row(line: Line) -> Line:
    """The line of a change whose row in `after` is in every event, since it has the key: nothing is deleted."""
    if line.path == key_fields.ROW and line.guess:
        return Line(line.path, None, f"in every event, for the key is in it; {line.remark}")
    if line.path == "op" and line.guess == text_words.TEXTS["op"]:
        return Line(line.path, {"choice": {"c": 6, "u": 3}}, line.remark)
    return line


def _is_part(topic: _Topic) -> bool:
    """Whether an event has several of the topic's, as an order has lines."""
    return bool(
        set(words(topic.found.name))
        & {"line", "lines", "item", "items", "position", "entry", "step", "event"}
    )


def _roles(found: Mapping[str, Identity]) -> dict[str, set[str]]:
    """The records that refer to one pool several times, by noun."""
    counted: dict[tuple[str, str], int] = {}
    for identity in found.values():
        place = (identity.noun, identity.place.within)
        counted[place] = counted.get(place, 0) + 1
    result: dict[str, set[str]] = {}
    for (noun, within), count in counted.items():
        if count > 1:
            result.setdefault(noun, set()).add(within)
    return result
