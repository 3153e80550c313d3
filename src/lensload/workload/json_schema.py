"""The JSON Schema of workload files, which the package publishes as `workload.schema.json`: from the model.

`python -m lensload.workload.json_schema` writes it anew.
"""

import json
from pathlib import Path
from typing import Any, Final

from lensload.workload.file import WorkloadFile

FILE: Final = Path(__file__).with_name("workload.schema.json")


def schema() -> dict[str, Any]:
    """The schema of a workload file, as JSON would have its tables; every key is described."""
    content = WorkloadFile.model_json_schema(by_alias=True)
    for table in (content, *content["$defs"].values()):
        del table["title"]
        for key in table.get("properties", {}).values():
            key.pop("title", None)
            if "default" in key and key["default"] is None:
                _without_null(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lensload workload",
        **content,
    }


def text() -> str:
    """The content of the published file."""
    return json.dumps(schema(), indent=1) + "\n"


def _without_null(key: dict[str, Any]) -> None:
    """A key that may be left out is not null where it is there: TOML has no null."""
    del key["default"]
    branches = [branch for branch in key.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) == 1:
        del key["anyOf"]
        key.update(branches[0])
    elif branches:
        key["anyOf"] = branches


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
