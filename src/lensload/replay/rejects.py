"""What could not be decoded, kept aside: a JSON line a message, with its bytes, so that nothing is lost by it."""

import base64
import json
from pathlib import Path
from typing import TextIO

import numpy as np

from lensload.errors import UsageError
from lensload.replay.batch import Batch, Kind, origin

DEFAULT_PATH = Path("replay-rejects.jsonl")


class Rejects:
    """Writes rejects to a file, each at once.

    A line holds topic, partition, offset, timestamp_ms, reason, detail, and the bytes of key and value in
    base64 (null for none).

    Args:
        path: where to; a file that is there is written anew.
        eager: have the file even if there turn out to be no rejects.
    """

    def __init__(self, path: Path, *, eager: bool) -> None:
        self.path = path
        self._file: TextIO | None = None
        if eager:
            self._file = self._opened()

    def write(self, batch: Batch, details: dict[int, str]) -> None:
        """Keep aside the rejects of a batch that has been judged.

        Args:
            batch: the batch.
            details: what more is known of the message at a place.

        Raises:
            UsageError: the file cannot be written.
        """
        for place in np.flatnonzero(batch.kind >= Kind.SHORT).tolist():
            self._keep(batch, place, details.get(place, ""))
        if self._file:
            self._file.flush()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file:
            self._file.close()

    def _keep(self, batch: Batch, place: int, detail: str) -> None:
        self._file = self._file or self._opened()
        message = batch.messages[place]
        line = {
            **origin(message),
            "reason": Kind(int(batch.kind[place])).reason,
            "detail": detail or _detail(batch, place),
            "key": _base64(message.key()),
            "value": _base64(batch.values[place]),
        }
        self._file.write(json.dumps(line) + "\n")

    def _opened(self) -> TextIO:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"The rejects file {self.path} cannot be written: {error.strerror}.",
                "Give another place with --rejects.",
            ) from error


def _detail(batch: Batch, place: int) -> str:
    if batch.kind[place] == Kind.UNKNOWN_ID:
        number = int(batch.schema_id[place])
        named = f"id {number}" if number >= 0 else f"GUID {batch.guids[-1 - number]}"
        return f"schema {named} is not in the registry"
    value = batch.values[place] or b""
    if batch.kind[place] == Kind.NO_MAGIC:
        return f"the first byte is 0x{value[0]:02x}, not 0x00"
    return f"{len(value)} bytes"


def _base64(raw: bytes | str | None) -> str | None:
    if raw is None:
        return None
    return base64.b64encode(raw.encode() if isinstance(raw, str) else raw).decode()
