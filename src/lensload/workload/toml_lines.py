"""Where the keys of a TOML text are: tomllib says what a text holds, but not in which line."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

Place = tuple[str, ...]

_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'|#[^\n]*|[][{}\n]', re.DOTALL
)
"""What matters for where a statement ends: strings and comments, which may hold anything, brackets and line ends."""


class Lines:
    """The line of each key of a text that tomllib has read, and of each table in a list.

    Args:
        text: the text.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        self._tables: Counter[Place] = Counter()
        table: Place = ()
        for number, statement, items in _statements(text):
            content = tomllib.loads(statement)
            if statement.startswith("["):
                table = self._header(_header(content), number, of_list=statement.startswith("[["))
                continue
            for place, below in _places(content, items):
                self._add((*table, *place), number + below)

    def of(self, place: Place) -> int:
        """The line in which the key, or else the nearest table around it, is first mentioned; 1 if none is.

        In a list of tables they have the numbers from 1.
        """
        for length in range(len(place), 0, -1):
            if place[:length] in self._lines:
                return self._lines[place[:length]]
        return 1

    def _add(self, place: Place, number: int) -> None:
        for length in range(1, len(place) + 1):
            self._lines.setdefault(place[:length], number)

    def _header(self, place: Place, number: int, *, of_list: bool) -> Place:
        if of_list:
            self._tables[place] += 1
            place = (*place, str(self._tables[place]))
        self._add(place, number)
        return place


def _statements(text: str) -> Iterator[tuple[int, str, list[int]]]:
    """Each statement with the number of its first line, and how far below that the tables of a list in it begin."""
    lines = text.replace("\r\n", "\n").split("\n")
    number, first, depth = 0, 0, 0
    items: list[int] = []
    for token in _TOKEN.finditer("\n".join((*lines, ""))):
        found = token[0]
        depth += (found in "[{") - (found in "]}")
        if found == "{" and depth == 2:
            items.append(number - first)
        number += found.count("\n")
        if found == "\n" and not depth:
            statement = "\n".join(lines[first:number]).strip()
            if statement and not statement.startswith("#"):
                yield first + 1, statement, items
            first, items = number, []


def _header(content: Any) -> Place:  # noqa: ANN401 - what tomllib gives
    place: list[str] = []
    while content:
        if isinstance(content, list):
            content = content[0]
            continue
        ((key, content),) = content.items()
        place.append(key)
    return tuple(place)


def _places(content: dict[str, Any], items: list[int]) -> Iterator[tuple[Place, int]]:
    """Each key of a statement, and each item of its list of tables, with how far below its first line it is."""
    for key, value in content.items():
        yield (key,), 0
        if isinstance(value, dict):
            yield from (((key, *place), below) for place, below in _places(value, items))
        elif isinstance(value, list) and len(value) == len(items):
            yield from (((key, str(item)), below) for item, below in enumerate(items, start=1))
