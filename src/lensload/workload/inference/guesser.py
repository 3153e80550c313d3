"""A generator for one field, from its type, its name, its doc, its default and the fields beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from lensload.schema.named_types import Node
from lensload.workload.inference import (
    connect_types,
    datagen_hints,
    docs_hints,
    naming,
    number_words,
    text_words,
    vocabulary,
)
from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.places import NONE, Place

TEXT: Final = ("string",)
WHOLE: Final = ("int", "long")
REAL: Final = ("float", "double")
_MOST_WEIGHTS: Final = 12
_INT: Final = 2**31 - 1
_FAR: Final = 10**6  # beyond all that is drawn without a bound
_UNITLESS: Final = frozenset({"sigma", "sequence"})
_PER_S: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SIZES: Final = {"trace": 16, "span": 8, "uuid": 16, "guid": 16, "md5": 16, "sha1": 20, "sha256": 32}
_UNSET: Final = frozenset(["unknown", "none", "null", "n/a", "undefined", "unspecified", "default", "other"])
_YEAR_S: Final = (1_767_225_600, 1_798_761_600)  # 2026


@dataclass(frozen=True, slots=True)
class Guesser:
    """Guesses generators.

    Attributes:
        has_faker: whether the file's locale has this method of Faker.
    """

    has_faker: Callable[[str], bool]

    def of(self, place: Place, beside: frozenset[str]) -> Guess | None:
        """The generator of a place; None where its type alone says enough.

        Args:
            place: where the values go; no id, array, map, record or union.
            beside: the words of the names of all fields of its record.
        """
        return (
            connect_types.of(place)
            or _moment(place, beside)
            or datagen_hints.of(place)
            or self._by_kind(place, beside)
        )

    def _by_kind(self, place: Place, beside: frozenset[str]) -> Guess | None:
        match place.kind, place.logical:
            case "enum", _:
                guess = _symbols(place)
            case "boolean", _:
                guess = _flag(place)
            case "string", "":
                guess = self._available(_text(place, beside))
            case _, "uuid":
                guess = {"uuid": {}}
            case (_, "decimal") | ("int" | "long" | "float" | "double", ""):
                guess = fitted(_number(place), place)
            case "bytes", "":
                guess = {"length": next((_SIZES[word] for word in place.name if word in _SIZES), [8, 64])}
            case _:
                guess = None
        return guess

    def _available(self, guess: Guess) -> Guess:
        method = guess.get("faker")
        return guess if not isinstance(method, str) or self.has_faker(method) else {"faker": "word"}


def is_time(place: Place) -> bool:
    """Whether a place holds points in time, by its type or else by its name and doc."""
    if place.logical:
        return "timestamp" in place.logical or place.logical == "date"
    if place.kind == "double":
        return docs_hints.is_moment(place.doc) or place.name[-1:] in (("timestamp",), ("ts",), ("at",))
    if place.kind not in (*TEXT, *WHOLE):
        return False
    if place.kind == "long" and set(place.name) & vocabulary.BIRTH:
        return not set(place.name) & {"year", "month", "day", "id"}
    if docs_hints.is_moment(place.doc):
        return place.kind in WHOLE or not _known(place, text_words.TEXTS)
    name = [word for word in place.name if word not in vocabulary.UNITS]
    return bool(name) and name[-1] in vocabulary.TIMES and not set(name) & vocabulary.SPENT


def _moment(place: Place, beside: frozenset[str]) -> Guess | None:
    if not is_time(place):
        return None
    name = set(place.name)
    guess: Guess = {"due": {}}
    if name & vocabulary.BIRTH:
        guess = {"before_due": {"uniform": ["6570d", "29200d"]}}
    elif name & vocabulary.LONG_AGO:
        guess = {"before_due": {"exponential": "200d"}}
    elif name & vocabulary.BEGINS and beside & vocabulary.ENDS:
        guess = {"before_due": {"exponential": "1h"}}
    elif name & vocabulary.AHEAD and (place.logical or place.kind in TEXT):
        guess = {"uniform": ["2027-01-01", "2031-12-31"]}
    return _in_unit(place) or guess


def _in_unit(place: Place) -> Guess | None:
    """Moments of 2026 in the unit that the name or the doc says; None where the workload file knows the unit.

    That is a logical type's own, milliseconds of a long, seconds of an int or a double.
    """
    if place.logical or place.kind not in ("long", "double"):
        return None
    known = "ms" if place.kind == "long" else "s"
    named = next((vocabulary.UNITS[word] for word in reversed(place.name) if word in vocabulary.UNITS), "")
    unit = named or docs_hints.unit(place.doc) or known
    return {"uniform": [each * _PER_S[unit] for each in _YEAR_S]} if unit != known else None


def _flag(place: Place) -> Guess:
    seldom = vocabulary.SELDOM & set(place.name) or place.default is False
    return {"choice": [False, False, False, True] if seldom else [True, True, True, False]}


def _symbols(place: Place) -> Guess:
    symbols = [str(each) for each in place.node["symbols"]]
    first = place.default if place.default is not NONE else None
    if len(symbols) > _MOST_WEIGHTS:
        return {"choice": symbols}
    return {"choice": {symbol: 3 if symbol == first else 1 for symbol in symbols}}


def _text(place: Place, beside: frozenset[str]) -> Guess:
    phrase, guess = _known(place, text_words.TEXTS) or ("", None)
    if listed := docs_hints.values(place.doc):
        return {"choice": listed}
    if phrase in ("state", "region") and beside & text_words.ADDRESS:
        return {"faker": "state"}
    of_process = phrase in ("status", "state")
    if guess is not None and (of_process or phrase == "level"):
        guess = _of_noun(place, "level" if phrase == "level" else "status", guess)
    if _contradicted(guess, place.default):
        return {"constant": place.default}
    if guess is not None and (of_process or phrase not in text_words.VAGUE):
        return guess
    return docs_hints.standard(place.doc) or docs_hints.example(place.doc) or guess or _unknown_text(place)


def _contradicted(guess: Guess | None, default: Any) -> bool:  # noqa: ANN401 - any default
    """Whether a text's default says that its values are others than the guessed ones: bronze for a level."""
    said = isinstance(default, str) and default.strip() and default.lower() not in _UNSET
    return bool(said) and guess is not None and "choice" in guess and default not in guess["choice"]


def _unknown_text(place: Place) -> Guess:
    """Text of which no word is known: its default, or a number as text, or some word."""
    if isinstance(place.default, str) and place.default:
        return {"constant": place.default}
    found = _known(place, number_words.NUMBERS)
    if found is None or found[1].keys() & {"sequence", "choice"}:
        return found[1] if found else {"faker": "word"}
    return {**found[1], "decimals": 2}


def _of_noun(place: Place, word: str, guess: Guess) -> Guess:
    """The values of what the record is of, where they are known: order status for status of an order."""
    named = (f"{noun} {word}" for noun in place.nouns)
    return next((text_words.TEXTS[each] for each in named if each in text_words.TEXTS), guess)


def _known(place: Place, table: dict[str, Guess]) -> tuple[str, Guess] | None:
    """The entry of a table for the longest phrase of the name, and for "name" by what it is the name of."""
    name = place.name
    while len(name) > 1 and name[-1] in number_words.MEASURES | vocabulary.UNITS.keys() | number_words.CENTS:
        name = name[:-1]
    for phrase in naming.phrases(name):
        if phrase not in table:
            continue
        guess = table[phrase]
        if phrase == "name" and table is text_words.TEXTS:
            nouns = (*reversed(name[:-1]), *place.nouns)
            guess = next((text_words.NAMES[noun] for noun in nouns if noun in text_words.NAMES), guess)
        return phrase, guess
    return None


def _number(place: Place) -> Guess:
    if limits := docs_hints.bounds(place.doc):
        return {"uniform": list(limits)}
    found = _known(place, number_words.NUMBERS)
    if found is None:
        return {"uniform": [0, 1000]}
    phrase, guess = found
    in_cents = place.kind in WHOLE and not place.logical and set(phrase.split()) & number_words.MONEY
    return _scaled(guess, 100) if in_cents else guess


def fitted(guess: Guess, place: Place) -> Guess | None:
    """A generator of numbers for the type of the place: whole where it is whole, within what it can hold.

    None for a decimal without digits before its point.
    """
    if place.kind in REAL:
        uniform = guess.get("uniform")
        fine = uniform is not None and max(map(abs, uniform)) <= 1
        exact = guess.keys() & {"choice", "sequence", "decimals"}
        return guess if exact else {**guess, "decimals": 4 if fine else 2}
    guess = {name: value for name, value in guess.items() if name != "decimals"}
    if place.logical == "decimal":
        return _within(guess, most) if (most := _most(place.node)) > 0 else None
    if guess.get("uniform") == [0.0, 1.0]:
        guess = {"uniform": [0, 100]}
    return _changed(_within(guess, _INT) if place.kind == "int" else guess, round)


def _most(decimal: Node) -> int:
    """The largest whole number that a decimal holds, in 64 bits at most."""
    digits = min(int(decimal.get("precision", 18)), 18)
    if decimal["type"] == "fixed":
        digits = min(digits, len(str(2 ** (8 * decimal["size"] - 1))) - 1)
    return 10 ** (digits - int(decimal.get("scale", 0))) - 1


def _scaled(guess: Guess, factor: int) -> Guess:
    return _changed(guess, lambda number: number * factor)


def _within(guess: Guess, most: int) -> Guess:
    """The generator with no number above the largest that the type holds."""
    cut = _changed(guess, lambda number: max(-most, min(number, most)))
    bounded = guess.keys() & {"uniform", "choice", "max", "sequence"} or most > _FAR
    return cut if bounded else {**cut, "max": most}


def _changed(guess: Guess, change: Callable[[float], float]) -> Guess:
    """The generator with what of it is in the unit of its values changed: no weights, and no widths of logarithms."""
    return {
        name: value if name in _UNITLESS or (name, type(value)) == ("choice", dict) else _each(value, change)
        for name, value in guess.items()
    }


def _each(value: Any, change: Callable[[float], float]) -> Any:  # noqa: ANN401 - a part of a generator
    if isinstance(value, dict):
        return _changed(value, change)
    if isinstance(value, list):
        return [_each(each, change) for each in value]
    return change(value) if isinstance(value, (int, float)) else value


def with_nulls(guess: Guess | None, place: Place) -> Guess | None:
    """The generator with a share of nulls, where the place may be null."""
    if not place.nullable or place.kind == "null":
        return guess
    share = 0.7 if set(place.name) & vocabulary.SELDOM_SET else 0.1
    return {**(guess or {}), "null": share}


def renamed(place: Place, name: naming.Words, nouns: naming.Words) -> Place:
    """The place under another name in another record, as a pool has it."""
    return replace(place, name=name, nouns=nouns, nullable=False)
