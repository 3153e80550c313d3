"""Properties as people have them: librdkafka's `key=value`, Java's dialect, and what frameworks put before the keys."""

import re
from dataclasses import dataclass

_PREFIXES = re.compile(
    r"(?:spring\.(?:cloud\.stream\.)?kafka\.|quarkus\.kafka\.|kafka\.|producer\.|consumer\.|admin\.|properties\.|binder\.|configuration\.)+"
)
_PREFIXED = re.compile(r"(?:spring|quarkus)\.|kafka\.")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a file.

    Attributes:
        line: its number in the file, of the first line if it goes over several.
        key: without what a framework puts before it; "" where the line holds no property.
        value: as it is in the file, without blanks around it.
    """

    line: int
    key: str
    value: str


def parse(text: str) -> list[Property]:
    """The properties in a text: comments start with # or !, `=` or `:` separates, a backslash continues a line.

    A line `[section]` says nothing here and is left out.
    """
    found: list[Property] = []
    continued: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not continued and (not stripped or stripped[0] in "#!" or re.fullmatch(r"\[[^\]=]*\]", stripped)):
            continue
        first = first if continued else number
        goes_on = (len(stripped) - len(stripped.rstrip("\\"))) % 2 == 1
        continued.append(stripped[:-1].rstrip() if goes_on else stripped)
        if not goes_on:
            found.append(_property(first, " ".join(continued)))
            continued = []
    if continued:
        found.append(_property(first, " ".join(continued)))
    return found


def _property(line: int, text: str) -> Property:
    match = re.match(r"([^=:]*)[=:](.*)", text)
    if match is None:
        return Property(line, "", text)
    key, value = (part.strip() for part in match.groups())
    if _PREFIXED.match(key) and (bare := _PREFIXES.sub("", key, count=1)):
        key = bare.replace("-", ".")
    return Property(line, key, value)
