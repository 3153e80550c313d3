"""How much memory objects hold."""

import gc
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType

_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType)


def bytes_held(*roots: object, without: object = None) -> int:
    """The bytes of the objects and of all they refer to, directly or not; code and what is in `without` are left out."""
    seen, todo, total = {id(without)}, list(roots), 0
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, _SHARED):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        todo += gc.get_referents(one)
    return total
