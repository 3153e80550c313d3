"""Changeovers: a share of a topic's events written by a newer version of its schema, as --evolve says.

    user-interactions=FILE.avsc@0.3         three events in ten, during the whole run
    user-interactions=FILE.avsc@0.1-0.9     one in ten at first, nine in ten at the end: a straight line between

The file is read where the run is started, and its text goes with the configuration, so that workers on other
machines need no file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from lensload.atomic_file import read_text
from lensload.errors import SchemaError, UsageError
from lensload.schema import compatibility, definitions
from lensload.schema.definitions import TOPIC_NAMES, Schema

_FORM = "it should be TOPIC=FILE@SHARE or TOPIC=FILE@FROM-TO with shares from 0 to 1"
_SHARES = re.compile(r"(\d*\.?\d+)(?:-(\d*\.?\d+))?")


@dataclass(frozen=True, slots=True)
class Changeover:
    """One topic's.

    Attributes:
        topic: the topic, by its LENS name.
        file: what the newer schema's file is called.
        text: the newer schema, as in its file; "" until `loaded`.
        first: its share of the events when measuring begins.
        last: its share at the end.
    """

    topic: str
    file: str
    text: str
    first: float
    last: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `TOPIC=FILE@SHARE`, but not the file that it names.

        Raises:
            ValueError: it is not of that form; a sentence that goes on from "it is …:".
        """
        topic, _, rest = text.strip().partition("=")
        file, _, shares = rest.rpartition("@")
        match = _SHARES.fullmatch(shares)
        if not file or not match:
            raise ValueError(f"{_FORM}, such as user-interactions=newer.avsc@0.3")
        if topic not in TOPIC_NAMES:
            raise ValueError(f"there is no topic {topic!r}; there are {', '.join(TOPIC_NAMES)}")
        first, last = float(match[1]), float(match[2] or match[1])
        if max(first, last) > 1:
            raise ValueError(f"{_FORM}, not {shares}")
        return cls(topic, file, "", first, last)

    def loaded(self) -> Self:
        """The same with the text of its file, so that workers on other machines need no file.

        Raises:
            UsageError: the file cannot be read.
        """
        return replace(self, text=self.text or read_text(Path(self.file), "schema file", "Check --evolve."))

    def __str__(self) -> str:
        """What `parse` takes."""
        return f"{self.topic}={self.file}@{self.first:g}-{self.last:g}"

    def public(self) -> str:
        """What may stand in a run file: of the path only the file's name."""
        return f"{self.topic}={Path(self.file).name}@{self.first:g}-{self.last:g}"


def newer_schemas(changes: tuple[Changeover, ...], loaded: Mapping[str, Schema]) -> dict[str, Schema]:
    """The newer schema of each topic that changes over, every one of them held to LENS's rule.

    Args:
        changes: from the configuration.
        loaded: the schemas of the run's topics, by topic name.

    Raises:
        SchemaError: one is no schema of its topic, breaks LENS's rule, is the very schema that there is, or moves
            the two fields that say when an event was due.
        UsageError: a topic is not part of the run.
    """
    newer_by_topic: dict[str, Schema] = {}
    for change in changes:
        if change.topic not in loaded:
            raise UsageError(
                f"--evolve names {change.topic}, but --topics leaves it out.", "Name it in both, or neither."
            )
        older = loaded[change.topic]
        newer = definitions.of_text(older.topic, change.text, Path(change.file))
        if breaches := compatibility.breaches(older.parsed, newer.parsed):
            raise SchemaError(
                f"{change.file} may not follow {older.topic.file}, by LENS's rule:\n"
                f"{compatibility.listed(breaches)}",
                "Nothing was sent.",
            )
        _require_head(change, newer)
        if newer.text == older.text:
            raise SchemaError(f"{change.file} is {older.topic.file} as it is.", "Name a newer version of it.")
        newer_by_topic[change.topic] = newer
    return newer_by_topic


def _require_head(change: Changeover, newer: Schema) -> None:
    """Whoever reads an event's first bytes finds its id and its timestamp there, whichever version wrote it."""
    names = [field["name"] for field in newer.fields[:2]]
    wanted = [newer.topic.id_field, "timestamp"]
    if names != wanted:
        raise SchemaError(
            f"{change.file} begins with {' and '.join(names)}, but lensload measures by {' and '.join(wanted)} there.",
            "Put new fields behind these two; the order of fields is free for everybody else.",
        )
