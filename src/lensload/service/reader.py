"""Reading requests and answers in the observer: what each says, as rows for the ledger.

To decode a record costs some 10 us, and a thousand of them would keep those that come meanwhile waiting for their time
stamp. So records wait in a backlog, which is worked off in slices while nothing comes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import lt
from typing import Any, Final, NamedTuple

import numpy as np
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message
from numpy.typing import NDArray

from lensload import ids
from lensload.config.model import REQUESTS, RESPONSES
from lensload.encoding import wire
from lensload.schema.writer_schemas import WriterSchemas
from lensload.service import records
from lensload.service.answers import Answers, SchemaId
from lensload.service.decoding import RecordReader
from lensload.service.records import ANSWER, REQUEST

_SLICE: Final = 16  # records: a quarter of a millisecond
_PART: Final = 8  # of the backlog, if that is more


class _Waiting(NamedTuple):
    """A request (`message` None) or an answer to be decoded."""

    value: bytes
    schema_id: SchemaId
    serial: int
    due_ns: int
    came_ns: int
    message: Message | None


class ReplyReader:
    """Takes in records of the requests' and the answers' topic, and gives rows of what they say.

    Args:
        run_tag: the run's tag, as its ids carry it.
        writers: the schemas by id.
        item_ids: the items that there are.

    Attributes:
        met: an answer to a request of this run has come.
    """

    def __init__(self, run_tag: int, writers: WriterSchemas, item_ids: Iterable[str]) -> None:
        self.met = False
        self._run_tag = run_tag
        self._records = RecordReader(writers)
        self._items = frozenset(item_ids)
        self._backlog: deque[_Waiting] = deque()
        self._requests: list[tuple[Any, ...]] = []
        self._answers: list[tuple[Any, ...]] = []
        self._totals: dict[str, int] = {}
        self._digest = lru_cache(1 << 20)(records.digest)

    @property
    def behind(self) -> int:
        """How many records wait to be decoded."""
        return len(self._backlog)

    def take_requests(
        self, values: Sequence[bytes], heads: wire.Heads, which: NDArray[np.int64], came_ns: NDArray[np.int64]
    ) -> None:
        """Take in requests of this run: the values at `which`, whose heads are known."""
        serials = ids.serials(heads.readings.lane[which], heads.readings.sequence[which])
        schema_ids = heads.schema_id[which].tolist()
        self._put(which, values, schema_ids, (serials, heads.readings.due_ns[which], came_ns[which]), None)

    def take_answers(self, messages: Sequence[Message], came_ns: NDArray[np.int64]) -> None:
        """Take in whatever came on the topic of the answers."""
        values, schema_ids, valid, readings = Answers.of(messages)
        ours = valid & (readings.run_tag == self._run_tag)
        self._count("corrupt", int(np.count_nonzero(~valid)))
        self._count("foreign", int(np.count_nonzero(valid & ~ours)))
        self.met |= bool(ours.any())
        which = np.flatnonzero(ours)
        serials = ids.serials(readings.lane[which], readings.sequence[which])
        columns = serials, readings.due_ns[which], came_ns[which]
        self._put(which, values, [schema_ids[place] for place in which.tolist()], columns, messages)

    def _put(
        self,
        which: NDArray[np.int64],
        values: Sequence[bytes],
        schema_ids: Sequence[SchemaId],
        columns: tuple[NDArray[np.int64], ...],
        messages: Sequence[Message] | None,
    ) -> None:
        """Let records wait to be decoded: answers, if there are messages, else requests."""
        rows = zip(which.tolist(), schema_ids, *(column.tolist() for column in columns), strict=True)
        for place, schema_id, serial, due_ns, came_ns in rows:
            message = messages[place] if messages else None
            self._backlog.append(_Waiting(values[place], schema_id, serial, due_ns, came_ns, message))

    def work(self, *, everything: bool = False) -> None:
        """Decode a slice of the backlog, or all of it.

        Raises:
            RegistryError: the registry does not answer.
        """
        count = len(self._backlog) if everything else max(_SLICE, len(self._backlog) // _PART)
        for _ in range(min(count, len(self._backlog))):
            waiting = self._backlog.popleft()
            if waiting.message is None:
                self._note_request(waiting)
            else:
                self._answers.append(self._answer(waiting, waiting.message))

    def take(self) -> tuple[bytes, bytes, dict[str, int]]:
        """What has been decoded since the last call: rows of requests, rows of answers, and what else was met."""
        taken = (
            np.array(self._requests, dtype=REQUEST).tobytes(),
            np.array(self._answers, dtype=ANSWER).tobytes(),
            self._totals,
        )
        self._requests, self._answers, self._totals = [], [], {}
        return taken

    def _note_request(self, waiting: _Waiting) -> None:
        record = self._records.read(REQUESTS, waiting.value, waiting.schema_id)
        if record is not None:
            user, model = self._digest(record["userId"]), self._digest(record["modelName"])
            row = waiting.serial, waiting.due_ns, user, model, record["numRecommendations"]
            self._requests.append(row)

    def _answer(self, waiting: _Waiting, message: Message) -> tuple[Any, ...]:
        kind, stamp_ms = message.timestamp()
        marks = records.BY_THE_BROKER if kind == TIMESTAMP_LOG_APPEND_TIME else 0
        head = waiting.serial, waiting.due_ns, waiting.came_ns, stamp_ms * ids.NS_PER_MS
        record = self._records.read(RESPONSES, waiting.value, waiting.schema_id)
        if record is None:
            return *head, 0, 0, 0, 0, marks | records.UNREADABLE
        shown = record["recommendations"]
        marks |= self._marks(shown, record["status"])
        user, model = self._digest(record["userId"]), self._digest(record["modelName"])
        return *head, record["processingTime"], user, model, len(shown), marks

    def _marks(self, shown: list[dict[str, Any]], status: str) -> int:
        marks = {"partial": records.PARTIAL, "error": records.ERROR}.get(status, 0)
        ranks, scores = [each["rank"] for each in shown], [each["score"] for each in shown]
        if ranks != list(range(1, len(shown) + 1)) or any(map(lt, scores, scores[1:])):
            marks |= records.DISORDERED
        if not self._items.issuperset([each["itemId"] for each in shown]):
            marks |= records.UNKNOWN_ITEMS
        return marks

    def _count(self, name: str, n: int) -> None:
        if n:
            self._totals[name] = self._totals.get(name, 0) + n
