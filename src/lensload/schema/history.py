"""The history of the schemas: every version there has been, as files.

    schemas/history/user-interactions-value/v1.avsc
    schemas/history/user-interactions-value/v2.avsc

The newest of them is what the schema's own file was when it was last recorded; a file that differs from it is a
version in the making. Files rather than git's history, because a file says what was *released*, which a commit does
not; because a CI job's shallow clone and an installed wheel have no history; and because any version can be read,
diffed and sent (`--evolve`) by its name.
"""

import re
from pathlib import Path

from lensload.errors import SchemaError
from lensload.schema.definitions import Schema, Topic, read, subject

_VERSION = re.compile(r"v([1-9]\d*)\.avsc")


def folder_of(topic: Topic, schemas: Path) -> Path:
    """Where the versions of a topic's schema are, in the folder of the schema files."""
    return schemas / "history" / subject(topic.name)


def versions(topic: Topic, schemas: Path) -> dict[int, Schema]:
    """Every recorded version of a topic's schema by its number, in order; empty if none is recorded.

    Raises:
        SchemaError: a number is missing, or a file is none of the topic's schema.
    """
    folder = folder_of(topic, schemas)
    paths = {int(match[1]): path for path in folder.glob("*") if (match := _VERSION.fullmatch(path.name))}
    numbers = sorted(paths)
    if numbers != list(range(1, len(numbers) + 1)):
        gone = next(number for number in range(1, numbers[-1]) if number not in paths)
        raise SchemaError(f"{folder} has no v{gone}.avsc, but later versions.", "Restore it: git checkout.")
    return {number: read(topic, paths[number]) for number in numbers}


def record(schema: Schema, schemas: Path) -> Path | None:
    """Keep a schema as its topic's next version, unless it is the newest one already; gives the new file."""
    known = versions(schema.topic, schemas)
    if known and known[len(known)].text == schema.text:
        return None
    path = folder_of(schema.topic, schemas) / f"v{len(known) + 1}.avsc"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema.text + "\n", encoding="utf-8")
    return path
