"""Names as words: how people write the names of fields, records and topics, and what they call many of one."""

import re
from collections.abc import Iterator
from typing import Final

from lensload.workload.inference import vocabulary

Words = tuple[str, ...]

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# What follows "IPs", "IDs" or "IPv4" in one piece.
_PLURAL_ACRONYM: Final = re.compile(r"\b([A-Z]{2,})s\b|([A-Z]{2,})s(?=[A-Z_\-.]|$)")
_VERSIONED: Final = re.compile(r"(?i)ip_?v([46])")
_HEADS: Final = vocabulary.ENTITIES.keys() | vocabulary.words(
    "order session payment invoice shipment page view register first last full country created updated event"
)
_TAILS: Final = ("id", "time", "date", "name", "type", "code")
_IRREGULAR: Final = {
    "people": "person",
    "addresses": "address",
    "statuses": "status",
    "children": "child",
    "ids": "id",
    "ips": "ip",
}
_PLURALS: Final = {singular: plural for plural, singular in _IRREGULAR.items()}
_ENDS: Final = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", ""))
_NO_PLURAL: Final = ("ss", "us", "is", "ess", "news")


def words(name: str) -> Words:
    """The words of a name in camelCase, snake_case, kebab-case or with dots, in lower case."""
    plain = _VERSIONED.sub(r"Ip\1", _PLURAL_ACRONYM.sub(lambda m: (m[1] or m[2]).capitalize() + "s", name))
    found = [word.lower() for word in _WORD.findall(plain)]
    return tuple(part for word in _with_digits(found) for part in _apart(word))


def _apart(word: str) -> Words:
    """The words of a name that has no sign between them, where both are known: userid, ordertime."""
    for tail in _TAILS:
        head = word.removesuffix(tail)
        if head != word and (head in _HEADS or (tail == "id" and head in vocabulary.OF_ITS_OWN)):
            return head, tail
    return (word,)


def _with_digits(found: list[str]) -> Iterator[str]:
    """The words, with a number that belongs to the word before it (ip4, md5, sha256, line1) as its end."""
    waiting = ""
    for word in found:
        if word.isdigit() and waiting:
            waiting += word
            continue
        if waiting:
            yield waiting
        waiting = word
    if waiting:
        yield waiting


def phrases(name: Words) -> Iterator[str]:
    """The runs of words within a name: the longest first, and of those of one length the last first."""
    for length in range(len(name), 0, -1):
        for start in range(len(name) - length, -1, -1):
            yield " ".join(name[start : start + length])


def singular(word: str) -> str:
    """One of what the word says."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(_NO_PLURAL) or len(word) < 4:
        return word
    for end, instead in _ENDS:
        if word.endswith(end):
            return word.removesuffix(end) + instead
    return word


def plural(word: str) -> str:
    """Many of what the word says."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def kebab(name: str) -> str:
    """The name as topics are called: its words in lower case, joined by hyphens."""
    return "-".join(words(name))
