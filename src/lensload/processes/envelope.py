"""How a message travels: packed in an envelope, which shows its kind, and numbered in a parcel between two hosts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self

import msgpack

from lensload.config.model import RunConfig
from lensload.delivery.bitmap import Page
from lensload.metrics.by_second import StatsBySecond
from lensload.world.behaviour import Behaviour

ProcessName = Literal["generator", "observer"]
PROCESSES: Final[tuple[ProcessName, ...]] = ("generator", "observer")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message in transit.

    Attributes:
        kind: the name of the message's class.
        body: its packed fields.
    """

    kind: str
    body: bytes

    def holds(self, *kinds: "type[Message]") -> bool:
        """Whether the message is of one of these kinds."""
        return any(self.kind == kind.__name__ for kind in kinds)

    def opened(self) -> "Message":
        """The message.

        Raises:
            ValueError: there is no such kind of message.
            UsageError: it holds a configuration with a value out of range.
        """
        kind = Message.kinds.get(self.kind)
        if kind is None:
            raise ValueError(f"There is no kind of message {self.kind!r}.")
        return kind(*_unpacked(self.body))


class Message:
    """The base of all messages; subclasses are frozen dataclasses. NumPy scalars in them become plain numbers.

    Tuples arrive as tuples, and so do lists.
    """

    kinds: ClassVar[dict[str, type["Message"]]] = {}
    is_last: ClassVar[bool] = False
    """Whether a process sends nothing more after it."""

    def __init_subclass__(cls) -> None:
        Message.kinds[cls.__name__] = cls

    def __init__(self, *values: object) -> None:  # a dataclass makes its own
        raise NotImplementedError

    def sealed(self) -> Envelope:
        """The message, packed.

        Raises:
            TypeError: a field holds what cannot be packed.
        """
        values = [getattr(self, field.name) for field in fields(self)]  # pyright: ignore[reportArgumentType]
        return Envelope(type(self).__name__, _packed(values))


@dataclass(frozen=True, slots=True)
class Parcel:
    """An envelope between the coordinator and a worker.

    Attributes:
        run: the number of the run it belongs to; 0 for a worker that joins.
        number: its place among the parcels that a worker sent in this run, from 1; 0 from the coordinator.
        process: which process of the worker sends or receives the message; None: the worker itself.
        envelope: the message.
    """

    run: int
    number: int
    process: ProcessName | None
    envelope: Envelope

    def to_wire(self) -> list[Any]:
        """A list that msgpack can carry."""
        return [self.run, self.number, self.process, self.envelope.kind, self.envelope.body]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        """What `to_wire` gave, again."""
        run, number, process, kind, body = wire
        return cls(run, number, process, Envelope(kind, body))


class _Sent(NamedTuple):
    """A class whose objects messages hold: what one is sent as, and how it is made of that again."""

    kind: type[Any]
    to_plain: Callable[[Any], object]
    of_plain: Callable[[Any], object]


_SENT: Final = (
    _Sent(StatsBySecond, StatsBySecond.to_wire, StatsBySecond.from_wire),
    _Sent(Behaviour, Behaviour.as_dict, Behaviour.from_dict),
    _Sent(RunConfig, RunConfig.as_dict, lambda values: RunConfig.of(**values)),
    _Sent(Page, Page.to_wire, Page.from_wire),
)


def _packed(value: object) -> bytes:
    return bytes(msgpack.packb(value, default=_pack_object) or b"")


def _pack_object(value: object) -> object:
    for code, sent in enumerate(_SENT):
        if isinstance(value, sent.kind):
            return msgpack.ExtType(code, _packed(sent.to_plain(value)))
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"A message cannot hold a {type(value).__name__}: {value!r}")
    return item()


def _unpacked(packed: bytes) -> Any:  # noqa: ANN401 - whatever was packed
    return msgpack.unpackb(
        packed,
        use_list=False,
        strict_map_key=False,
        ext_hook=lambda code, inner: _SENT[code].of_plain(_unpacked(inner)),
    )
