"""Where the keys of a TOML text are: tomllib says what a text holds, but not in which line."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

Place = tuple[str, ...]

_HEADER: Final = re.compile(r"\s*\[")


class Lines:
    """The line of each key of a text that tomllib has read.

    Args:
        text: the text.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        table: Place = ()
        for number, statement in _statements(text):
            content = tomllib.loads(statement)
            if _HEADER.match(statement):
                table = _header(content)
                self._add(table, number)
                continue
            for place in _places(content):
                self._add((*table, *place), number)

    def of(self, place: Place) -> int:
        """The line in which the key, or else the nearest table around it, is first mentioned; 1 if none is."""
        for length in range(len(place), 0, -1):
            if place[:length] in self._lines:
                return self._lines[place[:length]]
        return 1

    def _add(self, place: Place, number: int) -> None:
        for length in range(1, len(place) + 1):
            self._lines.setdefault(place[:length], number)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement with the number of its first line; one goes on until it can be read."""
    waiting: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not waiting and (not line.strip() or line.lstrip().startswith("#")):
            continue
        waiting.append(line)
        statement = "\n".join(waiting)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield number - len(waiting) + 1, statement
        waiting = []


def _header(content: Any) -> Place:  # noqa: ANN401 - what tomllib gives
    place: list[str] = []
    while content:
        if isinstance(content, list):
            content = content[0]
            continue
        ((key, content),) = content.items()
        place.append(key)
    return tuple(place)


def _places(content: dict[str, Any]) -> Iterator[Place]:
    for key, value in content.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *place) for place in _places(value))
