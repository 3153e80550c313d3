"""Values that may be None by their type, where the caller knows that they are not."""

from typing import TypeVar

Value = TypeVar("Value")


def known(value: Value | None) -> Value:
    """The value, which is there."""
    if value is None:
        raise TypeError("a value is missing that was there when the workload was checked")
    return value
