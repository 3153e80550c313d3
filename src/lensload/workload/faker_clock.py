"""The clock of Faker: dates that it makes are relative to now, and have to be the same in every process and on every day."""

import datetime as dt
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from types import ModuleType, SimpleNamespace
from typing import Any, Final

_NOW: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - as Faker has it, in whatever zone it asks for


class _Like(type):
    """The type of a class that stands in for the one it is derived from: whatever is one of that is one of it."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__base__ or object)


class _Date(date, metaclass=_Like):
    @classmethod
    def today(cls) -> date:
        return _NOW.date()


class _Datetime(datetime, metaclass=_Like):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return _NOW.replace(tzinfo=tz)

    @classmethod
    def today(cls) -> datetime:
        return _NOW


_MODULE: Final = SimpleNamespace(**{**vars(dt), "date": _Date, "datetime": _Datetime})
_INSTEAD: Final[tuple[tuple[Any, Any], ...]] = ((date, _Date), (datetime, _Datetime), (dt, _MODULE))


@contextmanager
def stopped(providers: Iterable[object]) -> Generator[None]:
    """Inside, it is the first of January 2026 for these providers of Faker."""
    modules: set[ModuleType] = {
        sys.modules[of.__module__] for provider in providers for of in type(provider).__mro__[:-1]
    }
    had = [
        (vars(each), name, value, other)
        for each in modules
        for name, value in vars(each).items()
        for real, other in _INSTEAD
        if value is real
    ]
    for names, name, _, other in had:
        names[name] = other
    try:
        yield
    finally:
        for names, name, value, _ in had:
            names[name] = value
