"""Values as people and Faker give them, turned into what fastavro takes for a type."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from lensload.parse import nearest
from lensload.workload.avro_type import AvroField, AvroType

_RANGES: Final = {"int": 1 << 31, "long": 1 << 63}
_LONGEST: Final = 19  # digits of a long
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PER_S: Final = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}


def coerced(value: Any, to: AvroType) -> Any:
    """The value as one of the type.

    Raises:
        ValueError: it cannot be one; a sentence's end, such as "'x' is no int".
    """
    return _BY_KIND.get(to.kind, _scalar)(value, to)


def default_value(field: AvroField) -> Any:
    """The field's default as fastavro takes it: of the first branch of a union, bytes by their code points."""
    return _of_json(field.default, field.type)


def moment_ns(value: object) -> int:
    """Unix ns of a date, a moment or its ISO 8601 text; in UTC where it says no zone.

    Raises:
        ValueError: it is not one.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(
                f"{value!r} is no date or moment, such as 2026-01-31 or 2026-01-31T12:00:00Z"
            ) from error
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise _no(value, "date or moment")
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def time_ns(value: object) -> int:
    """Ns since midnight of a time of day or its ISO 8601 text.

    Raises:
        ValueError: it is not one.
    """
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is no time of day, such as 09:30 or 09:30:15.250") from error
    if not isinstance(value, time):
        raise _no(value, "time of day")
    return (((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond) * 1000


def _no(value: object, what: object) -> ValueError:
    return ValueError(f"{value!r} is no {what}")


def _null(value: Any, _to: AvroType) -> None:
    if value is not None:
        raise ValueError(f"{value!r} is not null")


def _array(value: Any, to: AvroType) -> list[Any]:
    if not isinstance(value, (list, tuple, set)):
        raise _no(value, "array")
    # The order of a set differs from process to process.
    ordered = sorted(value, key=repr) if isinstance(value, set) else value
    return [coerced(each, to.items) for each in ordered]


def _map(value: Any, to: AvroType) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _no(value, "map")
    return {str(key): coerced(each, to.items) for key, each in value.items()}


def _enum(value: Any, to: AvroType) -> str:
    if value not in to.symbols:
        raise ValueError(f"{value!r} is no symbol of {to.name}{nearest(str(value), to.symbols)}".rstrip("."))
    return value


def _in_union(value: Any, to: AvroType) -> Any:
    wrong = ""
    for branch in to.branches:
        try:
            return coerced(value, branch)
        except ValueError as error:
            wrong = wrong if branch.kind == "null" else wrong or str(error)
    raise ValueError(wrong or f"{value!r} is not null")


def _record(value: Any, to: AvroType) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _no(value, f"record {to.name}")
    fields = {field.name: field for field in to.fields}
    for name in value:
        if name not in fields:
            raise ValueError(f"{to.name} has no field {name!r}{nearest(str(name), fields)}".rstrip("."))
    result: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            result[name] = coerced(value[name], field.type)
        elif field.has_default:
            result[name] = default_value(field)
        else:
            raise ValueError(f"it lacks the field {name} of {to.name}")
    return result


def _scalar(value: Any, to: AvroType) -> Any:
    if to.logical == "decimal":
        return _decimal(value, to)
    match to.kind:
        case "boolean":
            words = {"true": True, "false": False}
            value = words.get(value.lower(), value) if isinstance(value, str) else value
            if isinstance(value, bool):
                return value
        case "int" | "long":
            return _integer(value, to)
        case "float" | "double":
            return _real(value, to)
        case "string":
            if not isinstance(value, (bytes, bool, dict, list, tuple, set)) and value is not None:
                return value.isoformat() if isinstance(value, (date, time)) else str(value)
        case _:
            return _bytes(value, to)
    raise _no(value, to)


def _integer(value: Any, to: AvroType) -> int:
    result = _logical_integer(value, to) if to.logical else None
    if result is None and not isinstance(value, bool):
        try:
            number = Decimal(value) if isinstance(value, (int, float, str, Decimal)) else Decimal("nan")
        except InvalidOperation:
            number = Decimal("nan")
        # No number of so many digits is turned into an integer, which could take hours.
        small = number.is_finite() and number.adjusted() < 2 * _LONGEST
        result = int(number) if small and number == int(number) else None
    if result is None:
        raise _no(value, to)
    if not -_RANGES[to.kind] <= result < _RANGES[to.kind]:
        raise ValueError(f"{value!r} is too large for {to}")
    return result


def _logical_integer(value: Any, to: AvroType) -> int | None:
    """The number of a date, time or timestamp; None where the value is a number."""
    if to.logical.startswith("time-"):
        if not isinstance(value, time) and not (isinstance(value, str) and ":" in value):
            return None
        return time_ns(value) * _PER_S[to.logical.rpartition("-")[2]] // 10**9
    if not isinstance(value, (str, date)) or (isinstance(value, str) and value.lstrip("+-").isdigit()):
        return None
    ns = moment_ns(value)
    return (
        ns // (86_400 * 10**9)
        if to.logical == "date"
        else ns * _PER_S[to.logical.rpartition("-")[2]] // 10**9
    )


def _real(value: Any, to: AvroType) -> float:
    if isinstance(value, (int, float, str, Decimal)) and not isinstance(value, bool):
        try:
            result = float(value)
        except (ValueError, OverflowError):
            result = math.nan
        if math.isfinite(result):
            return result
    raise _no(value, to)


def _decimal(value: Any, to: AvroType) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, (bool, bytes)) else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise _no(value, to)
    try:
        result = number.quantize(Decimal(1).scaleb(-to.scale))
    except InvalidOperation:
        result = Decimal(10) ** to.digits
    if abs(result.scaleb(to.scale)) >= Decimal(10) ** to.digits:
        raise ValueError(f"{value!r} has more than the {to.digits} digits of {to}")
    return result


def _bytes(value: Any, to: AvroType) -> bytes:
    if isinstance(value, UUID) or (to.logical == "uuid" and isinstance(value, str)):
        try:
            value = value.bytes if isinstance(value, UUID) else UUID(value).bytes
        except ValueError:
            raise ValueError(f"{value!r} is no UUID") from None
    data = value.encode() if isinstance(value, str) else value
    if not isinstance(data, bytes):
        raise _no(value, to)
    if to.kind == "fixed" and len(data) != to.size:
        raise ValueError(f"{value!r} has {len(data)} bytes, and {to} has {to.size}")
    return data


def _of_json(value: Any, to: AvroType) -> Any:
    if to.kind in _JSON:
        return _JSON[to.kind](value, to)
    return value


def _json_bytes(value: Any, to: AvroType) -> bytes | Decimal:
    data = str(value).encode("latin-1")
    if to.logical == "decimal":
        return Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-to.scale)
    return data


def _json_record(value: Any, to: AvroType) -> dict[str, Any]:
    return {
        field.name: _of_json(value[field.name], field.type) if field.name in value else default_value(field)
        for field in to.fields
    }


_BY_KIND: Final[dict[str, Callable[[Any, AvroType], Any]]] = {
    "null": _null,
    "union": _in_union,
    "array": _array,
    "map": _map,
    "record": _record,
    "enum": _enum,
}
_JSON: Final[dict[str, Callable[[Any, AvroType], Any]]] = {
    "union": lambda value, to: _of_json(value, to.branches[0]),
    "bytes": _json_bytes,
    "fixed": _json_bytes,
    "array": lambda value, to: [_of_json(each, to.items) for each in value],
    "map": lambda value, to: {key: _of_json(each, to.items) for key, each in value.items()},
    "record": _json_record,
}
