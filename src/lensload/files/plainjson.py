"""Avro's values as JSON text."""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

# Legal in JSON as they are, but some readers end a line there, and terminals obey them.
_ESCAPED: Final = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


def as_json(value: object) -> str:
    """A value as JSON in one line that every reader takes, whatever Avro's types hold."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
    except ValueError:
        # JSON has no words for these; Avro's own JSON encoding uses the strings.
        text = json.dumps(_without_nan(value), default=_plain, ensure_ascii=False)
    return text.translate(_ESCAPED)


def _without_nan(value: Any) -> Any:  # noqa: ANN401 - any Avro value
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    return value


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")  # a byte a character, as in Avro's JSON encoding
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    return repr(value)
