"""What a field's doc says of its values: the values themselves, a range, a standard, an example."""

import re
from typing import Final

from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.text_words import TEXTS

_LISTED: Final = re.compile(
    r"(?i)\b(?:one of|either|values? (?:are|is)|possible values|allowed values|allowed|valid values)\b\W*(?P<rest>[^.;()]+)"
)
_CAPITALS: Final = re.compile(r"\b[A-Z][A-Z0-9_]+(?:\s*[|/,]\s*(?:or\s+)?[A-Z][A-Z0-9_]+)+\b")
_SPLIT: Final = re.compile(r"\s*(?:[|/,]|\bor\b|\band\b)\s*")
_TOKEN: Final = re.compile(r"[\"'`]?([\w+\-]{1,40})[\"'`]?")
_NUMBER: Final = r"(-?\d+(?:\.\d+)?)"
_RANGE: Final = re.compile(
    rf"(?i)(?:between\s+{_NUMBER}\s+and\s+{_NUMBER}|from\s+{_NUMBER}\s+to\s+{_NUMBER}|[\[(]{_NUMBER}\s*(?:-|\.\.|to|,)\s*{_NUMBER}[\])])"
)
_EXAMPLE: Final = re.compile(
    r"(?i)\b(?:e\.?g\.?|for example|example|such as)[:,]?\s*[\"'`]?([A-Za-z0-9][\w\-/]{2,40})"
)
_STANDARDS: Final[tuple[tuple[str, Guess], ...]] = (
    (r"ISO[ -]?4217|\bcurrency code", TEXTS["currency"]),
    (r"ISO[ -]?3166|\bcountry code", TEXTS["country code"]),
    (r"ISO[ -]?639|\blanguage code", TEXTS["language"]),
    (r"RFC ?4122|\bUUID\b|\bGUID\b", {"uuid": {}}),
    (r"\bE\.?164\b|\bphone number", TEXTS["phone"]),
    (r"\be-?mail\b", TEXTS["email"]),
    (r"\bIBAN\b", TEXTS["iban"]),
    (r"\bIPv6\b", TEXTS["ip6"]),
    (r"\bIPv4\b|\bIP address", TEXTS["ip"]),
    (r"\bURLs?\b|\bURI\b", TEXTS["url"]),
    (r"\bJSON\b(?![ -](?:schema|spec|file|config|definition))", TEXTS["json"]),
)
_MOMENT: Final = re.compile(r"(?i)ISO[ -]?8601|RFC ?3339|\btimestamp\b|\bepoch\b|\bunix time")
_UNITS: Final = (("us", "micro"), ("ns", "nano"), ("ms", "milli"), ("s", "second"))
_UNIT: Final = re.compile(r"[(\[](us|ns|ms|s)[)\]]")


def values(doc: str) -> list[str]:
    """The values that a doc lists as the only ones; [] where it lists none."""
    found = _LISTED.search(doc)
    text = found["rest"] if found else (_CAPITALS.search(doc) or [""])[0]
    tokens = [_TOKEN.fullmatch(each.strip()) for each in _SPLIT.split(text) if each.strip()]
    named = list(dict.fromkeys(each[1] for each in tokens if each))
    return named if len(named) > 1 and all(tokens) else []


def bounds(doc: str) -> tuple[float, float] | None:
    """The range that a doc gives for numbers, as whole numbers where it does; None where it gives none."""
    if not (found := _RANGE.search(doc)):
        return None
    low, high = (float(each) if "." in each else int(each) for each in found.groups() if each is not None)
    return (low, high) if low < high else None


def standard(doc: str) -> Guess | None:
    """What a doc says of a text's form by naming a standard; None where it names none."""
    return next((guess for pattern, guess in _STANDARDS if re.search(f"(?i){pattern}", doc)), None)


def example(doc: str) -> Guess | None:
    """A pattern like the example that a doc gives, if it has digits."""
    found = _EXAMPLE.search(doc)
    if not found or not any(map(str.isdigit, found[1])):
        return None
    return {"pattern": re.sub(r"\d", "#", found[1])}


def is_moment(doc: str) -> bool:
    """Whether a doc says that the value is a point in time."""
    return _MOMENT.search(doc) is not None


def unit(doc: str) -> str:
    """The unit of time that a doc names, such as ms; "" for none."""
    if found := _UNIT.search(doc):
        return found[1]
    return next((name for name, word in _UNITS if word in doc.lower()), "")
