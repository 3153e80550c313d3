"""A draft of a workload file: its pools and topics as values, and as commented TOML."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lensload.workload.inference.guess_forms import Guess

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_COMMENT_AT: Final = 56
_DOC_LENGTH: Final = 70


@dataclass(frozen=True, slots=True)
class Line:
    """A field of a topic or pool.

    Attributes:
        path: its path.
        guess: its generator; None: its type alone says how it is made, and the line is a comment.
        remark: its type and what its doc says.
    """

    path: str
    guess: Guess | None
    remark: str = ""


@dataclass(slots=True)
class PoolDraft:
    """A pool: `fields` by name."""

    size: int
    zipf: float = 0.0
    fields: dict[str, Guess] = field(default_factory=dict[str, Guess])


@dataclass(slots=True)
class TopicDraft:
    """A topic.

    Attributes:
        name: its name.
        schema: a file, or a table that names a subject.
        schema_remark: what more there is to say of the schema.
        include: files of types that it uses.
        stopwatch: the field of the event's id, or a table that names a header; "" where the topic is left out.
        stopwatch_remark: what that means, or why it is left out.
        key: the field that is the key, or the fields; "" for none.
        key_schema: a file, or a table that names a subject; "" for none.
        plain_key: the key where the key's schema is refused.
        parent: the topic whose events these follow; "" for none.
        children: how many of them follow each of the parent's.
        each: the pool whose rows the events go through; "" for none.
        lines: its fields.
    """

    name: str
    schema: str | Mapping[str, Any]
    schema_remark: str = ""
    include: Sequence[str] = ()
    stopwatch: str | Mapping[str, str] = ""
    stopwatch_remark: str = ""
    key: str | Sequence[str] = ""
    key_schema: str | Mapping[str, Any] = ""
    plain_key: str = ""
    parent: str = ""
    children: int | Sequence[int] = 1
    each: str = ""
    lines: list[Line] = field(default_factory=list[Line])


@dataclass(slots=True)
class Draft:
    """A workload file.

    Attributes:
        locale: Faker's.
        pools: by name.
        topics: in their order.
        notices: what a person should know of it.
    """

    locale: str
    pools: dict[str, PoolDraft] = field(default_factory=dict[str, PoolDraft])
    topics: list[TopicDraft] = field(default_factory=list[TopicDraft])
    notices: list[str] = field(default_factory=list[str])

    def give_up(self, place: Sequence[str], why: str) -> None:
        """Do without what is refused at a place of the file: a field is made by its type, a topic left out."""
        topic = next((each for each in self.topics if place[:2] == ("topics", each.name)), None)
        if topic is None:
            return
        match place[2:]:
            case ("fields", path, *_):
                lines = topic.lines
                topic.lines = [
                    Line(each.path, None, f"made by its type; {why}") if each.path == path else each
                    for each in lines
                ]
            case ("key" | "key_schema", *_) if topic.key_schema:
                topic.key, topic.key_schema = topic.plain_key, ""
                self.notices.append(f"The keys of {topic.name} are text: {why}")
            case _:
                topic.stopwatch, topic.stopwatch_remark = "", why
                self.notices.append(f"{topic.name} is left out: {why}")


def as_toml(draft: Draft, head: Iterable[str]) -> str:
    """The draft as the text of a workload file, which begins with the lines of `head` as comments."""
    lines = [*(f"# {line}".rstrip() for line in head), "", *_top(draft)]
    for name, pool in draft.pools.items():
        lines += ["", *_pool(name, pool)]
    for topic in draft.topics:
        block = list(_topic(topic))
        lines += ["", *(block if topic.stopwatch else _left_out(topic, block))]
    return "\n".join(lines) + "\n"


def inline(value: Any) -> str:  # noqa: ANN401 - any TOML
    """A value in one line of TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(name))} = {inline(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(map(inline, value))}]"


def _top(draft: Draft) -> Iterator[str]:
    yield _said("seed = 7", "the same seed gives the same events")
    yield _said(
        f"locale = {inline(draft.locale)}", "of names, addresses and so on: Faker's locales, such as de_DE"
    )


def _pool(name: str, pool: PoolDraft) -> Iterator[str]:
    yield f"[pools.{_key(name)}]"
    yield _said(f"size = {inline(pool.size)}", "rows that the events of all topics refer to")
    if pool.zipf:
        yield _said(f"skew = {inline({'zipf': pool.zipf})}", "few are popular; without: all alike")
    yield f"[pools.{_key(name)}.fields]"
    yield from (f"{_key(each)} = {inline(guess)}" for each, guess in pool.fields.items())


def _topic(topic: TopicDraft) -> Iterator[str]:
    yield f"[topics.{_key(topic.name)}]"
    yield _said(f"schema = {inline(topic.schema)}", topic.schema_remark)
    if topic.include:
        yield _said(f"include = {inline(topic.include)}", "the files of the types that it uses")
    if topic.parent:
        yield _said(f"parent = {inline(topic.parent)}", "events follow those of this topic")
        yield _said(
            f"children = {inline(topic.children)}", "how many follow each of them; [1, 5]: from one to five"
        )
    else:
        yield _said("share = 1", "of all events, relative to the shares of the other topics")
    if topic.each:
        yield _said(
            f"each = {inline(topic.each)}", "the events go through the rows of this pool, one after another"
        )
    if topic.key:
        yield _said(f"key = {inline(topic.key)}", "the record's key; without: none")
    if topic.key_schema:
        yield _said(f"key_schema = {inline(topic.key_schema)}", "keys are Avro; without: text")
    yield _said(
        f"stopwatch = {inline(topic.stopwatch)}", topic.stopwatch_remark or "holds each event's own id"
    )
    yield f"[topics.{_key(topic.name)}.fields]"
    for line in topic.lines:
        made = "" if line.guess is None else f"{_key(line.path)} = {inline(line.guess)}"
        yield _said(made, line.remark) if made else f"# {line.path}: {line.remark}"


def _left_out(topic: TopicDraft, block: Iterable[str]) -> Iterator[str]:
    yield f"# {topic.name} is left out: {topic.stopwatch_remark}"
    yield from (f"# {line}" for line in block)


def _said(line: str, remark: str) -> str:
    short = remark if len(remark) <= _DOC_LENGTH else f"{remark[: _DOC_LENGTH - 3].rstrip()}..."
    return f"{line:{_COMMENT_AT}} # {_printable(short)}" if short else line


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else inline(name)
