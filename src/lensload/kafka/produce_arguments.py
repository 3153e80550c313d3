"""Records with headers as the arguments of rd_kafka_produceva, which takes one record a call: a batch has no headers."""

import ctypes as c
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.encoding.packed import Packed

ARGUMENT: Final = np.dtype(
    {
        "names": ["kind", "first", "second", "third"],
        "formats": ["i4", "u8", "u8", "u8"],
        "offsets": [0, 8, 16, 24],
        "itemsize": 72,
    }
)
"""rd_kafka_vu_t, on machines with addresses of 64 bits: a kind, and up to three words that mean what it says."""

_TOPIC, _VALUE, _KEY, _OPAQUE, _FLAGS, _HEADER = 2, 4, 5, 6, 7, 9  # RD_KAFKA_VTYPE_*
_BEFORE_HEADERS: Final = (_TOPIC, _VALUE, _KEY, _OPAQUE, _FLAGS)
_COPY: Final = 2  # RD_KAFKA_MSG_F_COPY


class Arguments:
    """The arguments of one call for each record; they keep the memory that librdkafka reads.

    Args:
        messages: addresses and lengths of values and keys, and the opaque numbers, by their names in rd_kafka_message_t.
        headers: the values of each header by its name, one a record.

    Attributes:
        count: how many arguments a call has.
    """

    def __init__(self, messages: NDArray[Any], headers: Mapping[str, Packed]) -> None:
        self.count = len(_BEFORE_HEADERS) + len(headers)
        self._table = table = np.zeros((len(messages), self.count), ARGUMENT)
        self._address: int = table.ctypes.data
        self._topic = 0
        table["kind"] = [*_BEFORE_HEADERS, *[_HEADER] * len(headers)]
        for kind, *fields in (
            (_VALUE, "payload", "length"),
            (_KEY, "key", "key_length"),
            (_OPAQUE, "opaque"),
        ):
            for word, field in zip(("first", "second"), fields, strict=False):
                table[word][:, _BEFORE_HEADERS.index(kind)] = messages[field]
        table["first"][:, _BEFORE_HEADERS.index(_FLAGS)] = _COPY
        self._names = [c.create_string_buffer(name.encode()) for name in headers]
        self._memory = dict(headers)
        for place, texts in enumerate(headers.values(), start=len(_BEFORE_HEADERS)):
            table["first"][:, place] = c.addressof(self._names[place - len(_BEFORE_HEADERS)])
            table["second"][:, place] = texts.starts + texts.address
            table["third"][:, place] = np.maximum(texts.lengths, 0)

    def calls(self, topic: int, start: int, stop: int) -> range:
        """The address of the arguments of each of the records `start` to `stop`, which go to this topic (rd_kafka_topic_t)."""
        if topic != self._topic:
            self._topic = topic
            self._table["first"][:, _BEFORE_HEADERS.index(_TOPIC)] = topic
        size = self.count * ARGUMENT.itemsize
        return range(self._address + start * size, self._address + stop * size, size)
