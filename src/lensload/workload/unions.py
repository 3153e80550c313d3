"""Unions: which branches a field uses, how often, and what of the file is meant for which of them."""

from typing import Final

from lensload.parse import nearest
from lensload.workload.avro_type import AvroType
from lensload.workload.composite_makers import UnionMaker
from lensload.workload.field_table import FieldTable
from lensload.workload.maker import Maker
from lensload.workload.paths import Wanted, step
from lensload.workload.position import Position
from lensload.world import rng

_OF_NUMBERS: Final = ("min", "max", "decimals")
_KINDS: Final = {"length": ("array", "map", "string", "bytes"), "keys": ("map",)}


def chosen(type_: AvroType, table: FieldTable, wanted: Wanted | None, at: Position) -> dict[int, float]:
    """The numbers of a union's branches that may be used, with their weights.

    Raises:
        Complaint: the table names a branch that there is not, or none where both all and a part of the value are said.
    """
    numbers = [number for number, branch in enumerate(type_.branches) if branch.kind != "null"]
    if table.branch is None:
        part = next(wanted.parts(at.path), "") if wanted is not None else ""
        if table.generator and part and len(numbers) > 1:
            raise at.complaint(
                "",
                f"it makes all of the field, and {part} is a part of it: name types of the union in branch, and it makes"
                " those of which no part is named",
            )
        return dict.fromkeys(numbers, 1.0)
    full = {type_.branches[number].branch_name: number for number in numbers}
    names = {name.rpartition(".")[2]: number for name, number in full.items()} | full
    weights = table.branch if isinstance(table.branch, dict) else dict.fromkeys(map(str, table.branch), 1.0)
    for name in weights:
        if name not in names:
            near = nearest(name, names).removesuffix(".")
            raise at.complaint("branch", f"the union has no type {name!r}{near}")
    return {names[name]: weight for name, weight in weights.items() if weight}


def within(branch: AvroType, union: AvroType, wanted: Wanted | None, used: list[AvroType]) -> Wanted | None:
    """What is wanted of a branch: of the parts that it has, and of those that no branch has.

    Of the field's own keys it has those that mean something for it, or for no branch that is used.
    """
    if wanted is None:
        return None
    inner = {
        token: each
        for token, each in wanted.inner.items()
        if step(branch, token) is not None or all(step(other, token) is None for other in union.branches)
    }
    return Wanted(wanted.table and _own(wanted.table, branch, wanted, used), wanted.written, inner)


def _own(table: FieldTable, branch: AvroType, wanted: Wanted, used: list[AvroType]) -> FieldTable:
    given = table.model_fields_set
    kept = {
        key
        for key in given
        if _means(key, table, branch, wanted) or not any(_means(key, table, other, wanted) for other in used)
    }
    return (
        table if kept == given else table.model_construct(kept, **{key: getattr(table, key) for key in kept})
    )


def _means(key: str, table: FieldTable, branch: AvroType, wanted: Wanted) -> bool:
    """Whether a key of a union's field means something for a branch: its generator does where no parts are wanted."""
    if key == table.generator or (table.generator and key in _OF_NUMBERS):
        return all(step(branch, token) is None for token in wanted.inner)
    if key in _OF_NUMBERS:
        return branch.numeric
    return branch.kind in _KINDS.get(key, (branch.kind,))


def maker(
    type_: AvroType, makers: dict[int, Maker], weights: list[float], null: float, path_key: rng.Keys
) -> UnionMaker:
    """The maker of a union: a share of nulls, of the others each branch by its weight."""
    names = tuple(branch.branch_name for branch in type_.branches)
    parts: dict[int, Maker | None] = dict(makers)
    shares = [weight / sum(weights) * (1 - null) for weight in weights]
    if null:
        parts[names.index("null")] = None
        shares.append(null)
    return UnionMaker(names, parts, shares, path_key)
