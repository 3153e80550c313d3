"""Values that Faker makes: different ones, made once for a workload, to be drawn from.

They take seconds to make, and a command loads a workload several times: to check it, once more for each mistake in it, and
to make its events. So a process remembers them.
"""

from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from lensload.parse import nearest
from lensload.workload import faker_clock
from lensload.workload.avro_type import AvroType
from lensload.workload.coercion import coerced
from lensload.workload.complaint import Complaint
from lensload.workload.field_table import FakerCall, FieldTable
from lensload.workload.file import WorkloadFile
from lensload.workload.key_types import MOST_DISTINCT
from lensload.workload.toml_lines import Place

if TYPE_CHECKING:
    from faker import Faker

DISTINCT: Final = 1_000
# How often Faker may give what it gave before, in a row, until it is taken to know no other value.
_TIRED: Final = 200
# So many values are remembered for the next time that the workload is loaded, some megabytes.
MOST_REMEMBERED: Final = 200_000
# Of these kinds a type is all that is known of it: it names no other type.
_SCALARS: Final = frozenset({"boolean", "int", "long", "float", "double", "string", "bytes"})
REMEMBERED: Final[dict[tuple[object, ...], list[Any]]] = {}
"""What Faker has made in this process; to clear it costs time alone."""


_NO_METHODS: Final = (
    "seed",
    "seed_instance",
    "seed_locale",
    "add_provider",
    "factories",
    "random",
    "generator_attrs",
)


class FakerValues:
    """What Faker makes for the fields of one workload.

    Args:
        seed: the workload's.
        locale: the workload's.
    """

    def __init__(self, seed: int, locale: str) -> None:
        self._seed, self._locale = seed, locale
        self._known: dict[tuple[Place, str], list[Any]] = {}

    def of(self, call: str | FakerCall, distinct: int, type_: AvroType, place: Place) -> list[Any]:
        """So many different values of a method as values of the type, or as many as the method has.

        Args:
            call: the method, and its arguments.
            distinct: how many are wanted.
            type_: what they become.
            place: the key of the field; it and the seed decide which values there are.

        Raises:
            Complaint: there is no such method, its arguments are wrong, or the type cannot hold what it makes.
        """
        known = self._known.get((place, str(type_)))
        if known is None:
            known = self._remembered(call, distinct, type_, place)
            self._known[place, str(type_)] = known
        return known

    def _remembered(self, call: str | FakerCall, distinct: int, type_: AvroType, place: Place) -> list[Any]:
        if type_.kind not in _SCALARS:
            return self._made(call, distinct, type_, place)
        digits = (type_.scale, type_.digits) if type_.logical == "decimal" else None
        key = (self._seed, self._locale, place, repr(call), distinct, type_.kind, type_.logical, digits)
        values = REMEMBERED.get(key)
        if values is None:
            values = self._made(call, distinct, type_, place)
            _remember(key, values)
        return values

    def _made(self, call: str | FakerCall, distinct: int, type_: AvroType, place: Place) -> list[Any]:
        name, arguments = (call, {}) if isinstance(call, str) else (call.method, call.arguments)
        self._require(name, place)
        digest = blake2b(f"{self._seed} {'.'.join(place)}".encode(), digest_size=8).digest()
        self._faker.seed_instance(int.from_bytes(digest, "big"))
        method = getattr(self._faker, name)
        values: dict[str, Any] = {}
        repeated = 0
        with faker_clock.stopped(each for of in self._faker.factories for each in of.get_providers()):
            while len(values) < distinct and repeated < _TIRED:
                value = self._value(method, arguments, type_, (*place, "faker"))
                repeated = repeated + 1 if repr(value) in values else 0
                values.setdefault(repr(value), value)
        return list(values.values())

    def _value(self, method: Any, arguments: dict[str, Any], type_: AvroType, place: Place) -> Any:  # noqa: ANN401
        try:
            made = method(**arguments)
        # What a method raises for arguments that it does not expect is its own affair.
        except Exception as error:
            raise Complaint(place, f"Faker's {method.__name__} refuses its arguments: {error}.") from error
        try:
            return coerced(made, type_)
        except ValueError as error:
            raise Complaint(place, f"Faker's {method.__name__} does not fit the field: {error}.") from error

    def _require(self, name: str, place: Place) -> None:
        if (
            not name.startswith("_")
            and name not in _NO_METHODS
            and callable(getattr(self._faker, name, None))
        ):
            return
        none = {name, *_NO_METHODS}  # it may have something of that name that is no method
        methods = [each for each in dir(self._faker) if not each.startswith("_") and each not in none]
        raise Complaint(
            (*place, "faker"), f"Faker ({self._locale}) has no method {name!r}{nearest(name, methods)}"
        )

    @cached_property
    def _faker(self) -> "Faker":
        from faker import Faker  # noqa: PLC0415 - slow to import, and many workloads need none

        try:
            faker = Faker(self._locale)
        except AttributeError as error:
            from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415 - likewise

            near = nearest(self._locale, AVAILABLE_LOCALES)
            raise Complaint(("locale",), f"Faker has no locale {self._locale!r}{near}") from error
        faker.seed_instance(self._seed)
        return faker


def _remember(key: tuple[object, ...], values: list[Any]) -> None:
    """Keep the values for the next time, unless they are very many."""
    if len(values) > MOST_REMEMBERED:
        return
    if sum(map(len, REMEMBERED.values())) + len(values) > MOST_REMEMBERED:
        REMEMBERED.clear()
    REMEMBERED[key] = values


def check_memory(file: WorkloadFile) -> None:
    """See that the values that Faker would make for a file fit into memory, before it makes any.

    Raises:
        Complaint: they do not; names the field with which they become too many.
    """
    total = 0
    owners: list[tuple[Place, dict[str, FieldTable]]] = [
        (("pools", name, "fields"), table.fields) for name, table in file.pools.items()
    ]
    for name, table in file.topics.items():
        owners.append((("topics", name, "fields"), table.fields))
        owners.append((("topics", name, "headers"), table.header_tables))
    for owner, tables in owners:
        for path, table in tables.items():
            total += (table.distinct or DISTINCT) if table.faker is not None else 0
            if total > MOST_DISTINCT:
                raise Complaint(
                    (*owner, path),
                    f"with this field Faker would make more than {MOST_DISTINCT:,} values, which are kept in memory.",
                    "Ask for fewer with distinct, or make them by pattern or uuid, which keep none.",
                )
