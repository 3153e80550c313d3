"""Loading a workload file: what it says, its schemas, and every complaint with file, line and key."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lensload.atomic_file import read_text
from lensload.errors import UsageError
from lensload.parse import nearest
from lensload.workload import named_schema
from lensload.workload.complaint import Complaint
from lensload.workload.field_table import FieldTable, Table
from lensload.workload.file import PoolTable, TopicTable, WorkloadFile
from lensload.workload.model import MOST_TOPICS, Workload, events_a_root, shares_of
from lensload.workload.named_schema import Fetch
from lensload.workload.toml_lines import Lines, Place
from lensload.workload.topic_plan import plans

_FLAG: Final = "Check --workload."
_TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
_LEAST_SHARE: Final = 1e-6
_MOST_FOLLOWERS: Final = 10_000
_FIELD: Final = 4  # keys that lead to a field's table
_SUBJECT: Final = re.compile(r"^(Input|Tuple|List|Dictionary) should")  # what pydantic calls a value


def load(path: Path, fetch: Fetch | None = None) -> Workload:
    """The workload of a file, with its schemas.

    Args:
        path: the workload file.
        fetch: gives schemas of the registry; None: the file may name none.

    Raises:
        UsageError: the file or a schema is missing or broken, or does not fit the other; names the file, the line, the
            key, and the nearest name.
        LensloadError: what `fetch` raises.
    """
    return read(read_text(path, "workload file", _FLAG), path, fetch)


def read(text: str, path: Path, fetch: Fetch | None = None) -> Workload:
    """The workload of a file's text; `path` is what messages call it, and files that it names are beside it.

    Raises:
        UsageError: as `load` does.
    """
    content = content_of(text, path)
    try:
        return of_content(content, path, fetch)
    except Complaint as complaint:
        raise complaint.located(str(path), Lines(text)) from complaint


def content_of(text: str, path: Path) -> dict[str, Any]:
    """What a workload file's text says as TOML, whatever that is.

    Raises:
        UsageError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = 'A line is key = value: share = 3, or key = "id".'
        if text.lstrip()[:1] == "{":  # JSON, and so most likely the schema itself
            hint = f"A workload file is made from a schema: lensload workload init {path}."
        raise UsageError(f"{path} is not TOML: {error}.", hint) from error


def of_content(content: dict[str, Any], path: Path, fetch: Fetch | None = None) -> Workload:
    """The workload of what a file says.

    Raises:
        Complaint: what is wrong, the first of it.
        LensloadError: what `fetch` raises.
    """
    file = _validated(content)
    _check_names(file)
    _check_rows(file)
    schemas = {
        topic: named_schema.of(table.schema_, ("topics", topic, "schema"), table.include, path.parent, fetch)
        for topic, table in file.topics.items()
    }
    keys = {
        topic: named_schema.of_key(
            table.key_schema, ("topics", topic, "key_schema"), table.include, path.parent, fetch
        )
        for topic, table in file.topics.items()
        if table.key_schema is not None
    }
    workload = Workload.of(str(path), file, schemas, keys)
    plans(workload)
    return workload


def _validated(content: dict[str, Any]) -> WorkloadFile:
    try:
        return WorkloadFile.model_validate(content)
    except ValidationError as error:
        raise _complaint(error, content) from error


def _complaint(error: ValidationError, content: dict[str, Any]) -> Complaint:
    """The first of pydantic's complaints, about a key that the file has wherever that can be said."""
    details = error.errors(include_url=False)
    field = _place(details[0]["loc"], content)[:3]
    # Of a union's branches each complains: one that complains least, and got furthest, is the one that was meant.
    near = [each for each in details if _place(each["loc"], content)[:3] == field]
    branches = [_branch(each["loc"], content) for each in near]

    def rank(each: ErrorDetails) -> tuple[bool, int, int, int]:
        weight, others = _weight(each["type"]), branches.count(_branch(each["loc"], content))
        return weight > 0, -others, len(_place(each["loc"], content)), weight

    detail = max(near, key=rank)
    place, kind = _place(detail["loc"], content), detail["type"]
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        if place[-1] in known:
            return Complaint(place, f"{place[-1]} does not go with the keys beside it.")
        return Complaint(
            place,
            f"there is no such key{nearest(place[-1], known)}",
            f"The keys here are {', '.join(known)}." if known else "The table should be empty: {}.",
        )
    if kind == "missing":
        return Complaint(place, f"it lacks the key {detail['loc'][-1]}.")
    if kind in ("model_type", "dict_type"):
        return Complaint(place, f"it should be a table{_example(place)}.")
    text = detail["msg"].removeprefix("Value error, ").replace(" after validation", "")
    return Complaint(place, f"{_SUBJECT.sub('it should', text).removesuffix('.')}.")


def _weight(kind: str) -> int:
    """How much is to be said for a complaint: lensload's own says most; another type altogether was hardly meant."""
    return 2 if kind == "value_error" else 0 if kind.endswith("_type") else 1


def _example(place: Place) -> str:
    if len(place) == _FIELD:
        return ", such as { uuid = {} }"
    if len(place) < _FIELD:
        return ""
    known = _known_keys(place)
    return f" of {', '.join(known)}" if known else ": {}"


def _place(location: Iterable[int | str], content: Any) -> Place:  # noqa: ANN401 - any TOML
    """The keys of a location that the file has; what pydantic calls the branches of a union is left out."""
    place: list[str] = []
    for part in location:
        if isinstance(content, Mapping) and part in content:
            place.append(str(part))
            content = content[part]
    return tuple(place)


def _branch(location: tuple[int | str, ...], content: Any) -> tuple[int | str, ...]:  # noqa: ANN401 - any TOML
    """The location up to the branch of a union in it: to the first part that the file has not."""
    for place, part in enumerate(location):
        if not isinstance(content, Mapping) or part not in content:
            return location[: place + 1]
        content = content[part]
    return location


def _known_keys(place: Place) -> tuple[str, ...]:
    """The keys that a table at that place may have."""
    model: type[Table] = WorkloadFile
    if len(place) >= 2:
        model = {"pools": PoolTable, "topics": TopicTable}.get(place[0], WorkloadFile)
    if len(place) >= 4 and place[2] in ("fields", "headers"):
        model = FieldTable
    models = [model]
    for part in place[4:] if model is FieldTable else place[2:]:
        models = [inner for each in models for inner in _inner(each, part)]
    return tuple(field.alias or name for each in models for name, field in each.model_fields.items())


def _inner(model: type[Table], key: str) -> list[type[Table]]:
    """The tables, one or another, that a key of a table may hold."""
    field = next((each for name, each in model.model_fields.items() if (each.alias or name) == key), None)
    choices = getattr(field and field.annotation, "__args__", ())
    return [each for each in choices if isinstance(each, type) and issubclass(each, Table)]


def _check_names(file: WorkloadFile) -> None:
    """Topics have names that can be, every topic and pool that the file refers to is in it, and none is its own ancestor."""
    if len(file.topics) > MOST_TOPICS:
        raise Complaint((), f"there are {len(file.topics)} topics, and a workload has {MOST_TOPICS} at most.")
    for topic, table in file.topics.items():
        here = ("topics", topic)
        if not _TOPIC_NAME.fullmatch(topic) or topic in (".", ".."):
            raise Complaint(
                here, "a topic's name has letters, digits, '.', '_' and '-', as Kafka's topic names do."
            )
        if topic == "all":
            raise Complaint(here, "figures call all topics together so: give the topic another name.")
        if table.parent is not None and table.parent not in file.topics:
            raise Complaint(
                (*here, "parent"), f"there is no topic {table.parent!r}{nearest(table.parent, file.topics)}"
            )
        if table.each is not None and table.each not in file.pools:
            raise Complaint(
                (*here, "each"), f"there is no pool {table.each!r}{nearest(table.each, file.pools)}"
            )
        _check_ancestors(file, topic)
    if all(table.parent is not None for table in file.topics.values()):
        raise Complaint(("topics",), "every topic has a parent: at least one should have none.")
    _check_shares(file)


def _check_rows(file: WorkloadFile) -> None:
    """All written rows of a pool have the columns of its first one, none of which is made too."""
    for pool, table in file.pools.items():
        columns = dict.fromkeys(table.rows[0]) if table.rows else {}
        for number, row in enumerate(table.rows or (), start=1):
            for column in [*row, *columns]:
                here = ("pools", pool, "rows", str(number), column)
                if column not in columns:
                    raise Complaint(here, f"the first row has no {column!r}{nearest(column, columns)}")
                if column not in row:
                    raise Complaint(here, f"the row has no {column!r}, and the first one has.")
                if column in table.fields:
                    raise Complaint(
                        here, f"{column} is one of the pool's fields too: leave it out there or here."
                    )


def _check_shares(file: WorkloadFile) -> None:
    """Each topic has events, and an event is followed by no more than there is memory for."""
    many = events_a_root(file) > _MOST_FOLLOWERS
    shares = shares_of(file)
    for topic in sorted(shares, key=lambda each: file.topics[each].parent is None):  # what follows first
        table = file.topics[topic]
        here = ("topics", topic, "share" if table.parent is None else "children")
        if not shares[topic]:
            raise Complaint(here, f"no event of {topic} would ever follow one of {table.parent}.")
        if many and table.parent is not None:
            raise Complaint(
                here, f"an event without a parent would have more than {_MOST_FOLLOWERS:,} that follow it."
            )
        if shares[topic] < _LEAST_SHARE:
            raise Complaint(
                here, f"of a million events not one would be of {topic}: the shares are too far apart."
            )


def _check_ancestors(file: WorkloadFile, topic: str) -> None:
    line = [topic]
    while (parent := file.topics[line[-1]].parent) is not None and parent in file.topics:
        if parent in line:
            circle = " of ".join([*line, parent])
            raise Complaint(("topics", topic, "parent"), f"a topic cannot be its own ancestor: {circle}.")
        line.append(parent)
