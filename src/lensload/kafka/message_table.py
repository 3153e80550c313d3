"""Records as librdkafka's batch interface takes them: a table of addresses, lengths and opaque numbers."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.encoding.packed import NONE, Packed
from lensload.kafka.produce_arguments import Arguments

MESSAGE: Final = np.dtype(
    {
        "names": ["error", "partition", "payload", "length", "key", "key_length", "opaque"],
        "formats": ["i4", "i4", "u8", "u8", "u8", "u8", "u8"],
        "offsets": [0, 16, 24, 32, 40, 48, 64],
        "itemsize": 72,
    }
)
"""The fields of rd_kafka_message_t that are used here, on machines with addresses of 64 bits."""


class Messages:
    """Records of one topic, ready to be handed over; they keep the memory that librdkafka reads.

    Args:
        values: of the records.
        keys: of the records; None for no key.
        opaques: a number for each record, which its delivery report gives back.
        headers: the values of each header of the records, by its name; None for no headers.

    Attributes:
        sizes: the bytes of keys and values of the first 0, 1, 2, ... n records.
        arguments: of records with headers, which are handed over one a call; None for those without.
    """

    def __init__(
        self,
        values: Packed,
        keys: Packed,
        opaques: NDArray[np.uint64],
        headers: Mapping[str, Packed] | None = None,
    ) -> None:
        self._memory = values, keys
        self.table = np.zeros(len(values), MESSAGE)
        self.table["payload"] = values.starts + values.address
        self.table["length"] = values.lengths
        keyed = keys.lengths != NONE
        self.table["key"] = np.where(keyed, keys.starts + keys.address, 0)
        key_lengths = np.where(keyed, keys.lengths, 0)
        self.table["key_length"] = key_lengths
        self.table["opaque"] = opaques
        self.sizes: list[int] = [0, *np.cumsum(values.lengths + key_lengths).tolist()]
        self.address: int = self.table.ctypes.data
        self.arguments = Arguments(self.table, headers) if headers else None
