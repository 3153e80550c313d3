"""Everything that is wrong with a workload file, not only what is met first."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lensload.errors import LensloadError
from lensload.workload import loading
from lensload.workload.complaint import Complaint
from lensload.workload.loading import Fetch
from lensload.workload.model import Workload
from lensload.workload.toml_lines import Lines, Place

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong.

    Attributes:
        place: the keys that lead to it, from the top of the file.
        error: what to tell a person, with file and line.
    """

    place: Place
    error: LensloadError


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was checked.

    Attributes:
        workload: what it says; None where anything is wrong.
        findings: what is wrong, 100 at most.
    """

    workload: Workload | None
    findings: tuple[Finding, ...]


def of(text: str, path: Path, fetch: Fetch | None = None) -> Checked:
    """Check a workload file's text: what is wrong is left out, and the rest checked again.

    Args:
        text: the file's.
        path: what messages call it, and whose folder has the files that it names.
        fetch: gives schemas of the registry; None: the file may name none.

    Raises:
        UsageError: it is not TOML.
        RegistryError: the registry does not answer, or refuses.
    """
    content = loading.content_of(text, path)
    found: dict[Place, Finding] = {}
    while len(found) < _MOST:
        try:
            workload = loading.of_content(content, path, fetch)
        except Complaint as complaint:
            lines = Lines(text)
            found.setdefault(complaint.place, Finding(complaint.place, complaint.located(str(path), lines)))
            smaller = without(content, complaint.place)
            if smaller is None:
                break
            content = smaller
        else:
            return Checked(None if found else workload, tuple(found.values()))
    return Checked(None, tuple(found.values()))


def without(content: dict[str, Any], place: Place) -> dict[str, Any] | None:
    """What a file says but for what is wrong with it; None where nothing could be left out, or nothing is left.

    A field, a header or a column of a pool is left out alone. For anything else of a topic that is the topic, with those that follow it.
    """
    result = copy.deepcopy(content)
    match place:
        case (("topics" | "pools") as kind, name, ("fields" | "headers") as part, field, *_):
            fields = _tables(result, kind).get(name, {}).get(part, {})
            if field not in fields:
                return None
            if kind == "topics":
                del fields[field]
            elif fields[field]:
                fields[field] = {}  # what refers to it is not wrong for that
            else:
                return None
        case ("pools", name, "rows", _, column):
            _leave_rows_open(_tables(result, "pools")[name], column)
        case ("topics", name, *_) if name in _tables(result, "topics"):
            topics = _tables(result, "topics")
            gone = [name]
            for each in gone:
                gone += [
                    other
                    for other, table in topics.items()
                    if table.get("parent") == each and other not in gone
                ]
            result["topics"] = {other: table for other, table in topics.items() if other not in gone}
            return result if result["topics"] else None
        case (("seed" | "locale") as key, *_) if key in result:
            del result[key]
        case _:
            return None
    return result


def _leave_rows_open(pool: dict[str, Any], column: str) -> None:
    """Rows of a pool that may have anything in a column; in each column, where not all rows have this one."""
    rows: list[dict[str, Any]] = pool["rows"]
    gone = {column} if all(column in row for row in rows) else {key for row in rows for key in row}
    pool["fields"] = {**{key: {} for key in gone}, **pool.get("fields", {})}
    pool["rows"] = [{key: value for key, value in row.items() if key not in gone} for row in rows]
    if not pool["rows"][0]:
        pool["size"] = len(pool.pop("rows"))


def _tables(content: dict[str, Any], kind: str) -> dict[str, Any]:
    tables = content.get(kind)
    return tables if isinstance(tables, dict) else {}
