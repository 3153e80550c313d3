"""The JSON Schema of the run file, which the package publishes as `run.schema.json`: from the types and their docstrings.

`python -m lensload.results.schema` writes it anew.
"""

import json
import re
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter
from typing_extensions import get_original_bases

from lensload.metrics.cost import ProcessCost
from lensload.metrics.counts import Counts
from lensload.metrics.groups import Group, GroupRow, Lag, TopicLag
from lensload.metrics.responses import Reception, ResponseBreakdown, Responses
from lensload.metrics.slices import Slice
from lensload.results.breakdown import Breakdown
from lensload.results.run import Confidence, ErrorCount, LatencySummary, Load, RateChange, Repeat, Row, Run
from lensload.results.slowest import Slowest
from lensload.verdict.slo import Outcome
from lensload.verdict.verdict import Reason

FILE: Final = Path(__file__).with_name("run.schema.json")

_KINDS: Final[dict[str, type]] = {
    kind.__name__: kind
    for kind in (
        Breakdown, Confidence, Counts, ErrorCount, Group, GroupRow, Lag, LatencySummary, Load, Outcome, ProcessCost, RateChange, Reason, Reception, Repeat, ResponseBreakdown,
        Responses, Row, Slice, Slowest, TopicLag,
    )
}  # fmt: skip


def schema() -> dict[str, Any]:
    """The schema of a run file; its descriptions are the docstrings of the types."""
    content = TypeAdapter(Run).json_schema()
    _describe(content, Run)
    for name, definition in content["$defs"].items():
        _describe(definition, _KINDS[name])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **content}


def text() -> str:
    """The content of the published file."""
    return json.dumps(schema(), indent=1) + "\n"


def _describe(definition: dict[str, Any], kind: type) -> None:
    definition["description"] = cleandoc(kind.__doc__ or "").partition("\n\nAttributes:")[0]
    for name, described in _attributes(kind).items():
        definition["properties"][name]["description"] = described
    for field in definition["properties"].values():
        field.pop("title", None)


def _attributes(kind: type) -> dict[str, str]:
    """The fields that a docstring describes, those that are inherited among them."""
    described: dict[str, str] = {}
    for base in get_original_bases(kind):
        described |= _attributes(base) if hasattr(base, "__annotations__") else {}
    section = cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    for name, told in re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE):
        described[name] = " ".join(told.split())
    return described


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
