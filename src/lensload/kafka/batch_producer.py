"""librdkafka's batch interface: many records handed over in one call, and many delivery reports taken in one.

confluent-kafka's Producer makes a Python call for every record and another for its report. This is the one place where
lensload calls C: the wheel's own librdkafka, through ctypes, as its header rdkafka.h declares it (`rd_kafka_produce_batch`,
`rd_kafka_event_message_array`). A batch has no timestamps of its own: CreateTime is when it was handed over. It has no
headers either: records that have some are handed over one a call, by `rd_kafka_produceva`, and reported on like the others.
"""

import ctypes as c
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import count, repeat
from typing import Any, Final, NamedTuple

import numpy as np
from confluent_kafka import KafkaError, KafkaException, cimpl
from numpy.typing import NDArray

from lensload.errors import LensloadError
from lensload.kafka.connection import LOGGER
from lensload.kafka.message_table import MESSAGE, Messages
from lensload.kafka.produce_arguments import Arguments

_PRODUCER, _COPY, _ANY_PARTITION = 0, 2, -1
_REPORTS, _LOG, _ERROR, _STATISTICS = 0x1, 0x4, 0x8, 0x40  # RD_KAFKA_EVENT_*
_PURGE_ALL = 0x1 | 0x2  # RD_KAFKA_PURGE_F_QUEUE and _INFLIGHT
_CLOSE_S: Final = 5.0
_STEP_S: Final = 0.1
ROOM: Final = 10_000
"""How many reports may gather before more room is made for them."""
_LEVELS: Final = (50, 50, 50, 40, 30, 20, 20, 10)  # syslog's, as logging has them
_OFFSETS: Final = {name: field[1] for name, field in (MESSAGE.fields or {}).items()}
# All memory as words, from which fields of scattered messages are gathered; nothing is read but what is asked for.
_ADDRESS_SPACE_START: Final = 8
_ADDRESS_SPACE: Final = np.ctypeslib.as_array((c.c_uint64 * (1 << 44)).from_address(_ADDRESS_SPACE_START))


class _Library:
    """The functions that are called, with the types of their arguments."""

    def __init__(self) -> None:
        self._library = c.CDLL(cimpl.__file__)  # finds what the extension is linked to, nothing else
        pointer, text, size = c.c_void_p, c.c_char_p, c.c_size_t
        self.conf_new = self._function("conf_new", pointer)
        self.conf_set = self._function("conf_set", c.c_int, pointer, text, text, text, size)
        self.conf_set_events = self._function("conf_set_events", None, pointer, c.c_int)
        self.new = self._function("new", pointer, c.c_int, pointer, text, size)
        self.set_log_queue = self._function("set_log_queue", c.c_int, pointer, pointer)
        self.topic_new = self._function("topic_new", pointer, pointer, text, pointer)
        self.produce_batch = self._function(
            "produce_batch", c.c_int, pointer, c.c_int32, c.c_int, pointer, c.c_int
        )
        self.produceva = self._function("produceva", pointer, pointer, pointer, size)
        self.error_code = self._function("error_code", c.c_int, pointer)
        self.error_destroy = self._function("error_destroy", None, pointer)
        self.message_headers = self._function("message_headers", c.c_int, pointer, c.POINTER(pointer))
        self.header_get_all = self._function(
            *("header_get_all", c.c_int, pointer, size),
            *(c.POINTER(text), c.POINTER(pointer), c.POINTER(size)),
        )
        self.queue_get_main = self._function("queue_get_main", pointer, pointer)
        self.queue_poll = self._function("queue_poll", pointer, pointer, c.c_int)
        self.event_type = self._function("event_type", c.c_int, pointer)
        self.event_message_array = self._function("event_message_array", size, pointer, pointer, size)
        self.event_error = self._function("event_error", c.c_int, pointer)
        self.event_error_string = self._function("event_error_string", text, pointer)
        self.event_stats = self._function("event_stats", text, pointer)
        self.event_log = self._function(
            "event_log", c.c_int, pointer, c.POINTER(text), c.POINTER(text), c.POINTER(c.c_int)
        )
        self.event_destroy = self._function("event_destroy", None, pointer)
        self.purge = self._function("purge", c.c_int, pointer, c.c_int)
        self.topic_destroy = self._function("topic_destroy", None, pointer)
        self.queue_destroy = self._function("queue_destroy", None, pointer)
        self.destroy = self._function("destroy", None, pointer)

    def _function(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:  # noqa: ANN401 - ctypes' own
        try:
            found = getattr(self._library, f"rd_kafka_{name}")
        except AttributeError as error:
            raise LensloadError(
                f"This build of confluent-kafka hides librdkafka's function rd_kafka_{name}.",
                "Install confluent-kafka as its published wheel (pip install --force-reinstall confluent-kafka).",
            ) from error
        found.restype, found.argtypes = result, arguments
        return found


class Reports(NamedTuple):
    """What became of records; all have one entry a record, in the order in which the reports came.

    Attributes:
        opaques: the number that each was handed over with.
        errors: librdkafka's error code; 0: acknowledged.
        came_ns: when its report was taken, Unix ns.
        partitions: where each was sent to; empty unless it was asked for.
        failed: value and headers of those that failed, in the same order.
    """

    opaques: NDArray[np.uint64]
    errors: NDArray[np.int32]
    came_ns: NDArray[np.int64]
    partitions: NDArray[np.int32]
    failed: list[tuple[bytes, dict[str, bytes]]]


class BatchProducer:
    """A producer that is handed tables of records, and reports on them in bulk.

    Delivery reports gather until `take_reports`; taking them costs most, so take many at once.

    Args:
        settings: librdkafka's properties, as a confluent-kafka Producer takes them, without callbacks.
        on_error: is told of what the client complains of.
        on_statistics: is given librdkafka's statistics as JSON, where `statistics.interval.ms` asks for them.

    Attributes:
        held: how many records have a place in the client's queue: those under way, and those whose reports were not taken.
        reported: how many reports were served and not taken.

    Raises:
        KafkaException: a property is wrong.
        LensloadError: librdkafka's functions cannot be reached.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        on_error: Callable[[KafkaError], object],
        on_statistics: Callable[[str], object],
    ) -> None:
        self._library = library = _Library()
        self._on_error, self._on_statistics = on_error, on_statistics
        self._topics: dict[str, int] = {}
        self._most_messages = int(settings.get("queue.buffering.max.messages", 100_000))
        self._most_bytes = int(settings.get("queue.buffering.max.kbytes", 1_048_576)) * 1024
        # What has a place in the client's queue, counted here: its own count has logs and errors in it, and costs a call.
        self.held = self._held_bytes = 0
        self._with_headers = False
        self._gathered: list[tuple[int, int, int]] = []  # (event, how many messages it has, when it came)
        self._pointers = np.zeros(ROOM, np.int64)  # addresses of the messages of all these events
        self._pointers_address: int = self._pointers.ctypes.data  # NumPy takes 2 us to tell
        self.reported = 0
        error = c.create_string_buffer(512)
        conf = self._configured(settings, error)
        self._client: int = library.new(_PRODUCER, conf, error, len(error))
        if not self._client:
            raise KafkaException(KafkaError(KafkaError._INVALID_ARG, error.value.decode()))  # noqa: SLF001
        self._queue: int = library.queue_get_main(self._client)
        library.set_log_queue(self._client, self._queue)

    def __len__(self) -> int:
        """How many records are under way: no report of them was served."""
        return self.held - self.reported

    def produce(
        self, topic: str, messages: Messages, start: int, stop: int
    ) -> tuple[int, list[tuple[int, KafkaError]]]:
        """Hand over records `start` to `stop`, as many as there is room for; it never waits.

        Returns:
            How many are dealt with, from the first, and which of these the client refused, with what it says: no
            report comes for them.
        """
        # Records whose reports were not taken yet need room too.
        stop = min(stop, start + self._most_messages - self.held)
        sizes, most_bytes = messages.sizes, self._most_bytes - self._held_bytes + messages.sizes[start]
        if stop > start and sizes[stop] > most_bytes:
            stop = bisect_right(sizes, most_bytes, start, stop) - 1
        if stop <= start:
            return 0, []
        handle = self._topics.get(topic) or self._topics.setdefault(
            topic, self._library.topic_new(self._client, topic.encode(), None)
        )
        if messages.arguments:
            stop, refused = self._produce_each(messages.arguments, handle, start, stop)
        else:
            address = messages.address + start * MESSAGE.itemsize
            taken = self._library.produce_batch(handle, _ANY_PARTITION, _COPY, address, stop - start)
            refused = [] if taken == stop - start else _refused(messages, start, stop)
        self.held += stop - start - len(refused)
        self._held_bytes += sizes[stop] - sizes[start]
        if refused:
            self._held_bytes -= sum(sizes[place + 1] - sizes[place] for place, _ in refused)
        return stop - start, refused

    def serve(self, timeout_s: float) -> None:
        """Take what has come: reports, complaints, statistics; wait for the first of them at most so long."""
        library, wait_ms = self._library, int(timeout_s * 1000)
        while event := library.queue_poll(self._queue, wait_ms):
            wait_ms = 0
            kind = library.event_type(event)
            if kind == _REPORTS:
                self._gather(event)
                continue
            if kind == _STATISTICS:
                self._on_statistics(library.event_stats(event).decode())
            elif kind == _ERROR:
                text = library.event_error_string(event).decode()
                self._on_error(KafkaError(library.event_error(event), text))
            elif kind == _LOG:
                self._log(event)
            library.event_destroy(event)

    def take_reports(self, *, with_partitions: bool = False) -> Reports:
        """The reports that were served since the last call."""
        gathered, self._gathered = self._gathered, []
        events, counts, came_ns = np.array(gathered, np.int64).reshape(-1, 3).T
        pointers = self._pointers[: self.reported]
        places = (pointers - _ADDRESS_SPACE_START) >> 3
        errors = _numbers(places, "error")
        partitions = _numbers(places if with_partitions else places[:0], "partition")
        lengths, key_lengths = _words(places, "length"), _words(places, "key_length")
        self.held -= self.reported
        self._held_bytes -= int(lengths.sum() + key_lengths.sum())
        self.reported = 0
        failed = np.flatnonzero(errors)
        addresses = _words(places[failed], "payload").tolist()
        values = [c.string_at(*each) for each in zip(addresses, lengths[failed].tolist(), strict=True)]
        headers = map(self._headers, pointers[failed].tolist())
        contents = list(zip(values, headers, strict=True))
        reports = Reports(_words(places, "opaque"), errors, np.repeat(came_ns, counts), partitions, contents)
        for event in events.tolist():
            self._library.event_destroy(event)
        return reports

    def flush(self, timeout_s: float) -> int:
        """Serve until nothing is under way any more, at most so long; returns how many records still are."""
        deadline_s = time.monotonic() + timeout_s
        while len(self) and (left_s := deadline_s - time.monotonic()) > 0:
            self.serve(min(left_s, _STEP_S))
        return len(self)

    def purge(self) -> None:
        """Drop what is under way; each record gets a report that says so."""
        self._library.purge(self._client, _PURGE_ALL)

    def close(self) -> None:
        """Drop what is under way, and end the client. Closing twice is once."""
        if not self._client:
            return
        self.purge()
        self.flush(_CLOSE_S)
        self.take_reports()
        for handle in self._topics.values():
            self._library.topic_destroy(handle)
        self._library.queue_destroy(self._queue)
        self._library.destroy(self._client)
        self._client = 0

    def _configured(self, settings: Mapping[str, Any], error: "c.Array[c.c_char]") -> int:
        conf: int = self._library.conf_new()
        for name, value in {**settings, "log.queue": True}.items():
            if name == "logger":
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if self._library.conf_set(conf, name.encode(), text.encode(), error, len(error)):
                raise KafkaException(KafkaError(KafkaError._INVALID_ARG, error.value.decode()))  # noqa: SLF001
        self._library.conf_set_events(conf, _REPORTS | _LOG | _ERROR | _STATISTICS)
        return conf

    def _produce_each(
        self, arguments: Arguments, topic: int, start: int, stop: int
    ) -> tuple[int, list[tuple[int, KafkaError]]]:
        """Hand over records one a call, until the queue is full; up to which, and which of them were refused."""
        self._with_headers = True
        refused: list[tuple[int, KafkaError]] = []
        # map() calls librdkafka from C, one record after another, without a Python frame.
        calls = map(
            self._library.produceva,
            repeat(self._client),
            arguments.calls(topic, start, stop),
            repeat(arguments.count),
        )
        for place, error in zip(count(start), calls):  # the count has no end
            if error:
                code = self._library.error_code(error)
                self._library.error_destroy(error)
                if code == KafkaError._QUEUE_FULL:  # noqa: SLF001  # public, whatever its name
                    return place, refused
                refused.append((place, KafkaError(code)))
        return stop, refused

    def _headers(self, message: int) -> dict[str, bytes]:
        """The headers of a record that was handed over, by name."""
        headers, found = c.c_void_p(), dict[str, bytes]()
        if not self._with_headers or self._library.message_headers(message, c.byref(headers)):
            return found
        name, value, size = c.c_char_p(), c.c_void_p(), c.c_size_t()
        into = tuple(map(c.byref, (name, value, size)))
        for place in count():
            if self._library.header_get_all(headers, place, *into):
                break
            found[(name.value or b"").decode()] = c.string_at(value.value or 0, size.value)
        return found

    def _gather(self, event: int) -> None:
        before = self.reported
        while True:
            room = len(self._pointers) - self.reported
            address = self._pointers_address + self._pointers.itemsize * self.reported
            count = self._library.event_message_array(event, address, room)
            self.reported += count
            if count < room:
                break
            # It gives each message once: the next call goes on with those that found no room.
            self._pointers = np.concatenate((self._pointers, np.zeros_like(self._pointers)))
            self._pointers_address = self._pointers.ctypes.data
        self._gathered.append((event, self.reported - before, time.time_ns()))

    def _log(self, event: int) -> None:
        facility, text, level = c.c_char_p(), c.c_char_p(), c.c_int()
        self._library.event_log(event, c.byref(facility), c.byref(text), c.byref(level))
        LOGGER.log(
            _LEVELS[level.value], "%s %s", *((part.value or b"").decode() for part in (facility, text))
        )


def _refused(messages: Messages, start: int, stop: int) -> list[tuple[int, KafkaError]]:
    """Which records of a batch the client did not take."""
    errors = messages.table["error"][start:stop]
    return [(start + place, KafkaError(int(errors[place]))) for place in np.flatnonzero(errors).tolist()]


def _numbers(places: NDArray[np.int64], field: str) -> NDArray[np.int32]:
    """A field of 32 bits, with a sign, of the messages at these places in memory."""
    return (_words(places, field) & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)


def _words(places: NDArray[np.int64], field: str) -> NDArray[np.uint64]:
    """A field of the messages at these places in memory, as words of 64 bits."""
    return _ADDRESS_SPACE[places + _OFFSETS[field] // 8]
