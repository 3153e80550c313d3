"""The conditions of runs beside each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from lensload.config.fields import Outputs
from lensload.report.hand_rate import set_by_hand
from lensload.report.tables import Cell, Table
from lensload.report.units import MISSING
from lensload.results.run import Run


def condition_tables(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Table]:
    """The conditions of all runs, by chapter; of several runs those in which they differ, and which matter to figures."""
    return {
        title: _compared([_conditions(run, key) for run in runs], names)
        for title, key in (
            ("Versions", "versions"),
            ("Machine", "machine"),
            ("Cluster", "cluster"),
            ("Configuration", "configuration"),
        )
    }


def _conditions(run: Run, key: str) -> dict[str, str]:
    found = _flat(run["conditions"].get(key))
    if set_by_hand(run):
        found |= {name: f"{found[name]} (set by hand: see Load)" for name in _RATES if name in found}
    return found


_RATES = ("rate", "user_rate")
"""What a rate that was set by hand stands in place of."""

_OF_NO_MATTER = (*Outputs.model_fields, "repeat")
"""What a run leaves behind changes none of its figures."""


def _compared(facts: Sequence[Mapping[str, str]], names: Sequence[str]) -> Table:
    keys = dict.fromkeys(key for fact in facts for key in fact)
    rows: list[list[Cell]] = []
    for key in keys:
        values = [fact.get(key, MISSING) for fact in facts]
        if len(facts) == 1 or (len(set(values)) > 1 and key not in _OF_NO_MATTER):
            rows.append([Cell(key), *map(Cell, values)])
    return Table(["", *names] if len(names) > 1 else ["", ""], rows)


def _flat(facts: object) -> dict[str, str]:
    return dict(_leaves("", facts)) if isinstance(facts, Mapping) else {}


def _leaves(prefix: str, facts: object) -> Iterator[tuple[str, str]]:
    for key, value in cast("Mapping[str, object]", facts).items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(f"{name}.", value)
        else:
            yield name, _plain(name, value)


def _plain(name: str, value: object) -> str:
    match value:
        case None | "" | []:
            return MISSING
        case bool():
            return "yes" if value else "no"
        case int() | float() if name.endswith("_bytes"):
            return f"{value / 2**30:,.1f} GiB"
        case list():
            return ", ".join(map(str, cast("list[object]", value)))
        case float():
            return f"{value:,.6g}"
        case _:
            return str(value)
