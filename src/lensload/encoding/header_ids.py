"""Schema ids in record headers, where serializers of 2025 on may put them: nothing is before the value's data then.

Confluent's header holds what would stand before the value (a zero byte and the id), or a byte 1 and the schema's GUID.
Apicurio's holds the content's id in eight bytes.
"""

import struct
from collections.abc import Sequence
from typing import Final
from uuid import UUID

_CONFLUENT: Final = "__value_schema_id"
_APICURIO: Final = "apicurio.value.contentId"
_OTHERS: Final = ("apicurio.value.globalId",)
"""Ids that a Confluent-compatible registry is not asked by."""

Headers = Sequence[tuple[str, bytes | str | None]]


def read(headers: Headers) -> int | UUID | None:
    """The schema's id or GUID in a record's headers, the last one counting; None where there is no such header.

    Raises:
        ValueError: there is one, and it holds neither.
    """
    found = {name: value for name, value in headers if name in (_CONFLUENT, _APICURIO, *_OTHERS)}
    if not found:
        return None
    for name in (_CONFLUENT, _APICURIO):
        raw = found.get(name)
        if isinstance(raw, bytes) and (number := _READERS[name](raw)) is not None:
            return number
    raise ValueError("the header holds no schema id that a registry could be asked by")


def _confluent(raw: bytes) -> int | UUID | None:
    match raw[:1], len(raw):
        case b"\0", 5:
            return int(struct.unpack(">xI", raw)[0])
        case b"\1", 17:
            return UUID(bytes=raw[1:])
        case _:
            return None


def _apicurio(raw: bytes) -> int | None:
    number = int.from_bytes(raw, "big") if len(raw) == 8 else -1
    return number if 0 <= number < 1 << 31 else None


_READERS: Final = {_CONFLUENT: _confluent, _APICURIO: _apicurio}
