"""Fields that identify: an event's own id, or a reference to what lives longer than an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lensload.workload.inference import guesser, text_words, vocabulary
from lensload.workload.inference.naming import plural
from lensload.workload.inference.places import Place

_SIZED: Final = 16
_LATER: Final = frozenset({"ref", "key", "reference"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a field identifies.

    Attributes:
        place: the field.
        noun: what it is an id of: customer for customerId, and for the id of a nested customer.
        role: the words before the noun, which tell two references of one record apart: from, to.
        is_reference: whether it is the id of something that many events refer to.
    """

    place: Place
    noun: str
    role: str
    is_reference: bool

    @property
    def pool(self) -> str:
        """The name of the pool that it refers to."""
        return plural(self.noun)

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.place.kind in guesser.WHOLE


def of(place: Place) -> Identity | None:
    """What the field identifies, by its name and type; None where it is no id."""
    if not _can_identify(place) or " ".join(place.name) in text_words.TEXTS:
        return None
    last = place.name[-1] if place.name else ""
    before = place.name[:-1]
    if last not in vocabulary.ID:
        is_entity = last in vocabulary.ENTITIES and place.logical == "uuid"
        named = last in _LATER and before and before[-1] in vocabulary.ENTITIES
        if not (is_entity or named):
            return None
        before = place.name if is_entity else before
    if not before:
        return _own(place)
    *role, noun = before
    of_the_event = not place.within and noun in place.nouns and noun not in vocabulary.ENTITIES
    is_reference = noun not in vocabulary.OF_ITS_OWN and not of_the_event
    return Identity(place, noun, "_".join(role), is_reference)


def _own(place: Place) -> Identity:
    """The id of the record that the field is in: of a nested customer a reference, of an event its own."""
    noun = next((each for each in place.nouns if each in vocabulary.ENTITIES), "")
    if not noun:
        return Identity(place, place.nouns[0] if place.nouns else "", "", is_reference=False)
    return Identity(place, noun, "", is_reference=bool(place.within))


def _can_identify(place: Place) -> bool:
    if place.kind == "fixed":
        return place.node["size"] == _SIZED and place.logical in ("", "uuid")
    return place.kind in (*guesser.TEXT, *guesser.WHOLE) and place.logical in ("", "uuid")


def can_be_stopwatch(place: Place) -> bool:
    """Whether the id of an event fits into the field, in every event."""
    if not place.sure:
        return False
    if place.kind == "fixed":
        return place.node["size"] == _SIZED and place.logical in ("", "uuid")
    return place.kind in ("string", "bytes") and place.logical in ("", "uuid")


def stopwatch(places: Sequence[Place], found: Mapping[str, Identity]) -> tuple[str, int]:
    """The field that is an id of the event, and how natural that is; ("", 0) where none is.

    Args:
        places: of one topic.
        found: what its ids identify, by path.

    Returns:
        the path, and a rank, `NATURAL` at most: the less, the better it is for an id.
    """
    ranked = [
        (rank, place.path.count("."), order, place.path)
        for order, place in enumerate(places)
        if can_be_stopwatch(place) and (rank := _rank(place, found.get(place.path)))
    ]
    if not ranked:
        return "", 0
    rank, _, _, path = min(ranked)
    return path, rank


NATURAL: Final = 6
"""The last rank of fields that are ids of events."""


def _rank(place: Place, identity: Identity | None) -> int:
    """How natural it is that a field holds the id of an event, the less the better; 0 where it is no id of it."""
    if identity is None:
        return NATURAL - 1 if place.logical == "uuid" else 0
    alone, own = len(place.name) == 1, names_own(place, identity)
    if identity.noun in vocabulary.EVENT and not alone:
        return 1
    if own and identity.noun in vocabulary.ENTITIES:
        return NATURAL
    if identity.is_reference:
        return 3 if own else 0
    if alone:
        return 4 if place.within else 2
    return 3 if own else 5


def names_own(place: Place, identity: Identity) -> bool:
    """Whether the field is the id of what the topic's events are of: id, or <record>Id, at the top of the record."""
    return not place.within and identity.noun in place.nouns
