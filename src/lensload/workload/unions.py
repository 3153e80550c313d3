"""Unions: which branches a field uses, how often, and what of the file is meant for which of them."""

from lensload.parse import nearest
from lensload.workload.avro_type import AvroType
from lensload.workload.composite_makers import UnionMaker
from lensload.workload.field_table import FieldTable
from lensload.workload.maker import Maker
from lensload.workload.paths import Wanted, step
from lensload.workload.position import Position
from lensload.world import rng


def chosen(type_: AvroType, table: FieldTable, at: Position) -> dict[int, float]:
    """The numbers of a union's branches that may be used, with their weights.

    Raises:
        Complaint: the table names a branch that there is not.
    """
    numbers = [number for number, branch in enumerate(type_.branches) if branch.kind != "null"]
    if table.branch is None:
        return dict.fromkeys(numbers, 1.0)
    full = {type_.branches[number].branch_name: number for number in numbers}
    names = {name.rpartition(".")[2]: number for name, number in full.items()} | full
    weights = table.branch if isinstance(table.branch, dict) else dict.fromkeys(map(str, table.branch), 1.0)
    for name in weights:
        if name not in names:
            near = nearest(name, names).removesuffix(".")
            raise at.complaint("branch", f"the union has no type {name!r}{near}")
    return {names[name]: weight for name, weight in weights.items() if weight}


def within(branch: AvroType, union: AvroType, wanted: Wanted | None) -> Wanted | None:
    """What is wanted of a branch: of the parts that it has, and of those that no branch has."""
    if wanted is None:
        return None
    inner = {
        token: each
        for token, each in wanted.inner.items()
        if step(branch, token) is not None or all(step(other, token) is None for other in union.branches)
    }
    return Wanted(wanted.table, wanted.written, inner)


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
