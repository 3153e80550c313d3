"""The project's pages, and the shell commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "schemas" / "README.md"], key=str
)

_BLOCK = re.compile(r"^```sh *(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"^\|.*?`((?:lensload|locust|make) [^`]+)`", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of shell commands of a page.

    Attributes:
        mark: the word after "sh": "run" where a test runs it, "kafka" where it also needs servers, else "".
        text: the commands.
    """

    mark: str
    text: str

    @property
    def commands(self) -> Iterator[list[str]]:
        """Each command as words, without comments."""
        text = re.sub(r"(^|\s)#.*", r"\1", self.text.replace("\\\n", " "))
        lexer = shlex.shlex(text, posix=True, punctuation_chars="&|;\n")
        lexer.whitespace_split, lexer.whitespace, lexer.commenters = True, " \t", ""
        words: list[str] = []
        for word in (*lexer, "\n"):
            if set(word) <= set("&|;\n"):
                if words:
                    yield words
                words = []
            else:
                words.append(word)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, and the commands in the cells of its tables."""
    text = page.read_text(encoding="utf-8")
    fenced = [Block(mark, body) for mark, body in _BLOCK.findall(text)]
    return fenced + [Block("", command.replace("\\|", "|")) for command in _INLINE.findall(text)]


def anchors(page: Path) -> set[str]:
    """The names that a link to a heading of the page may have, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
