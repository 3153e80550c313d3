"""How the values of a field are made, as a workload file says it: one table a field, and its keys."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from lensload.option import Group
from lensload.workload.key_types import (
    MOST_DISTINCT,
    Bound,
    CountWeights,
    Lengths,
    Paths,
    Seconds,
    Weights,
    ascending,
    moment,
    two,
)


class Table(Group):
    """A table of the file: unknown keys are refused, names are as in the file."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class Normal(Table):
    """Numbers of a normal distribution."""

    mean: float = Field(description="Mean.")
    sd: float = Field(description="Standard deviation.", ge=0)


class Lognormal(Table):
    """Numbers whose logarithms are normal: many small ones, few large ones."""

    median: float = Field(description="Half of the values are smaller.", gt=0)
    sigma: float = Field(description="Standard deviation of the logarithm.", ge=0, le=10)


class Times(Table):
    """How long before the due time: one of the distributions, in durations such as 30s, 2h, 3d."""

    constant: Seconds | None = Field(None, description="Always this long before.")
    uniform: Annotated[tuple[Seconds, Seconds], BeforeValidator(two)] | None = Field(
        None, description="From the first to the second, all alike."
    )
    exponential: Seconds | None = Field(None, description="Exponential, with this mean.")
    lognormal: "LognormalTime | None" = Field(None, description="Lognormal.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _exactly_one(self, ("constant", "uniform", "exponential", "lognormal"))


class LognormalTime(Table):
    """Durations whose logarithms are normal."""

    median: Seconds = Field(description="Half of the durations are shorter.", gt=0)
    sigma: float = Field(description="Standard deviation of the logarithm.", ge=0, le=10)


class Sizes(Table):
    """The size of a whole value in bytes: one of the distributions."""

    constant: float | None = Field(None, description="Every value has about this size.", ge=0)
    uniform: Annotated[tuple[float, float], BeforeValidator(two)] | None = Field(
        None, description="From the first to the second, all alike."
    )
    normal: Normal | None = Field(None, description="Normal.")
    lognormal: Lognormal | None = Field(None, description="Lognormal.")
    exponential: float | None = Field(None, description="Exponential, with this mean.", gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _exactly_one(self, ("constant", "uniform", "normal", "lognormal", "exponential"))


class Sequence(Table):
    """A number that grows from event to event of a lane, or from row to row of a pool."""

    start: int = Field(1, description="Number of the first one.", ge=-(2**62), lt=2**62)
    step: int = Field(1, description="What each one is larger by.", ge=-(2**31), lt=2**31)
    per: Literal["row", "parent"] | None = Field(
        None,
        description="What the number grows for: row, each row of the pool in the topic's each; parent, each event of the"
        " parent. Events of one key are so numbered where the key is the row's, or the parent's, id.",
    )


class FakerCall(Table):
    """A method of Faker; every other key is an argument of it."""

    model_config = ConfigDict(extra="allow")
    method: str = Field(description="Name of the method, such as email.")

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name."""
        return dict(self.model_extra or {})


class Nothing(Table):
    """A generator without parameters: {}."""


GENERATORS: Final = (
    "constant",
    "choice",
    "uniform",
    "normal",
    "lognormal",
    "exponential",
    "sequence",
    "uuid",
    "pattern",
    "faker",
    "due",
    "before_due",
    "from_",
    "parent",
    "copy_of",
    "sum",
    "product",
    "count",
    "padding",
)
"""The keys of a field's table that say how its values are made; a table has one of them at most."""


class FieldTable(Table):
    """How the values of one field are made: one generator at most, and what applies to any."""

    constant: Annotated[Any, BeforeValidator(moment)] = Field(None, description="This value always.")
    choice: Weights | None = Field(
        None, description="One of these: a list, or a table of values and weights."
    )
    uniform: Annotated[tuple[Bound, Bound], BeforeValidator(two)] | None = Field(
        None, description="From the first to the second, all alike: numbers, dates, or moments as ISO 8601."
    )
    normal: Normal | None = Field(None, description="Numbers of a normal distribution.")
    lognormal: Lognormal | None = Field(None, description="Numbers of a lognormal distribution.")
    exponential: float | None = Field(
        None, description="Numbers of an exponential distribution with this mean.", gt=0
    )
    sequence: Sequence | None = Field(None, description="A number that grows.")
    uuid: Nothing | None = Field(None, description="A UUID of version 4, made from the seed.")
    pattern: str | None = Field(None, description="Text in which each # is a digit and each ? a letter.")
    faker: str | FakerCall | None = Field(
        None,
        description="A method of Faker, or a table of `method` and its arguments. Its now is the first of January 2026.",
    )
    due: Nothing | None = Field(None, description="When the event is due.")
    before_due: Times | None = Field(None, description="A time before the event is due.")
    from_: str | None = Field(None, alias="from", description="A field of a pool's row: pool.field.")
    parent: str | None = Field(None, description="A field of the parent event, as a path.")
    copy_of: str | None = Field(None, alias="copy", description="Another field of the same event, as a path.")
    sum: Paths | None = Field(None, description="The sum of other fields; of lists' items, of all of them.")
    product: Paths | None = Field(None, description="The product of other fields.")
    count: str | None = Field(None, description="The length of another field, an array or a map.")
    padding: int | Sizes | None = Field(
        None, description="Text or bytes that bring the whole value to about this size in bytes."
    )
    null: float = Field(0.0, description="Share of the events in which the field is null.", ge=0, le=1)
    min: float | None = Field(None, description="Smaller numbers become this one.")
    max: float | None = Field(None, description="Larger numbers become this one.")
    decimals: int | None = Field(None, description="Numbers are rounded to so many decimals.", ge=0, le=15)
    length: Lengths | CountWeights | None = Field(
        None,
        description="Length of an array, map, string or bytes: a number, the least and the most, or a table of lengths and"
        " weights.",
    )
    keys: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        None, description="Keys of a map, of which each event has the first ones."
    )
    distinct: int | None = Field(
        None,
        description="How many different values of Faker are made once, to draw from.",
        ge=1,
        le=MOST_DISTINCT,
    )
    role: str = Field(
        "", description="Beside `from`: fields of the same role share a row, others have rows of their own."
    )
    branch: Weights | None = Field(
        None,
        description="Types of a union that are used: a list of names, or a table of names and weights. What else is here is for"
        " those that it fits, a generator for those of whose parts the file says nothing.",
    )

    @property
    def generator(self) -> str:
        """The generator's key, one of `GENERATORS`; "" where there is none."""
        return next((name for name in GENERATORS if name in self.model_fields_set), "")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _at_most_one(self, GENERATORS)
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.uniform is not None:
            _check_uniform(*self.uniform)
        if self.role and self.from_ is None:
            raise ValueError("role says which row of a pool is meant, so it needs from beside it")
        if self.distinct is not None and self.faker is None:
            raise ValueError("distinct is the number of Faker's values, so it needs faker beside it")
        return self


class ColumnTable(FieldTable):
    """A column of a pool whose rows the file writes out: as a field of which each row's value is known."""

    values: tuple[Any, ...]

    @property
    def generator(self) -> str:
        """`values`, which no table of the file names."""
        return "values"


def _at_most_one(table: Table, names: tuple[str, ...]) -> None:
    given = [_key_of(table, name) for name in names if name in table.model_fields_set]
    if len(given) > 1:
        raise ValueError(f"only one of {', '.join(given)} can make the values")


def _exactly_one(table: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - a table, and the same
    _at_most_one(table, names)
    if not any(name in table.model_fields_set for name in names):
        raise ValueError(f"it needs one of {', '.join(names)}")
    if (bounds := getattr(table, "uniform", None)) is not None:
        ascending(bounds)
    return table


def _key_of(table: Table, name: str) -> str:
    return type(table).model_fields[name].alias or name


def _check_uniform(low: float | str, high: float | str) -> None:
    if isinstance(low, str) != isinstance(high, str):
        raise ValueError("both ends of uniform should be numbers, or both dates or moments")
    if not isinstance(low, str):
        ascending((low, high))
