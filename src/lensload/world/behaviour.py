"""How a kind of audience behaves: the parameters of its sessions, and nothing else."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Final, Self, cast

from pydantic import BeforeValidator, PlainSerializer

from lensload.errors import UsageError
from lensload.parse import nearest


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The parameters of one kind of audience. Probabilities lie in 0..1.

    Attributes:
        name: what it is called in tables and messages.
        pages_per_session: mean number of recommendation pages a session asks for, 1 to 4 (more than 4 are
            never asked for).
        click_through: probability that the item at rank 1 is clicked when it is shown; the planted truth.
        position_bias: exponent of the examination curve: the item at rank r is examined with probability
            r ** -position_bias, and clicked with click_through times that (position-based model; Craswell et
            al., "An experimental comparison of click position-bias models", WSDM 2008).
        search_rate: probability that a page is followed by a search.
        bookmark_rate: probability that a viewed item is bookmarked.
        rating_rate: probability that a viewed item is rated.
        purchase_rate: probability that a session in which something was viewed ends in a purchase; what an
            experiment's conversion lift multiplies.
        dwell_median_s: median time on a viewed item, in seconds; what an engagement lift multiplies.
    """

    name: str = "ordinary"
    pages_per_session: float = 1.6
    click_through: float = 0.30
    position_bias: float = 0.70
    search_rate: float = 0.25
    bookmark_rate: float = 0.10
    rating_rate: float = 0.12
    purchase_rate: float = 0.10
    dwell_median_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("click_through", "search_rate", "bookmark_rate", "rating_rate", "purchase_rate"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(
                    f"{name} of the audience {self.name!r} is {value}.", "It is a probability: 0 to 1."
                )
        if self.pages_per_session < 1 or self.dwell_median_s <= 0 or self.position_bias < 0:
            raise UsageError(
                f"The audience {self.name!r} cannot behave like this: {self}.",
                "pages_per_session is 1 or more, dwell_median_s above 0, position_bias 0 or more.",
            )

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, fit for JSON and msgpack."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `as_dict` gave, again.

        Raises:
            UsageError: a key is unknown or a value out of range.
        """
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise UsageError(f"An audience has no {', '.join(sorted(unknown))}.")
        return cls(**values)


NUMBERS: Final = tuple(field.name for field in fields(Behaviour) if field.name != "name")
"""The parameters that a person may set."""


def _numbers(value: object) -> object:
    """Parameters by name, of a table, or of texts NAME=NUMBER with commas between."""
    if isinstance(value, Mapping):
        pairs = list(cast("Mapping[str, object]", value).items())
    else:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)):
            raise ValueError("it should be NAME=NUMBER, or several separated by commas")  # noqa: TRY004 - pydantic's
        parts = [part for text in texts for part in (text.split(",") if isinstance(text, str) else [text])]
        pairs = [part if isinstance(part, tuple) else _pair(part) for part in parts if part != ""]
    for name, _ in pairs:
        if name not in NUMBERS:
            raise ValueError(f"no audience has {name}{nearest(name, NUMBERS)}")
    try:
        found = {name: float(cast("float", number)) for name, number in pairs}
        Behaviour(**found)  # pyright: ignore[reportArgumentType]  # the names are its own
    except (TypeError, ValueError):
        raise ValueError("it should give numbers, such as purchase_rate=0.4") from None
    except UsageError as error:
        raise ValueError(str(error)) from error
    return tuple(sorted(found.items()))


def _pair(text: object) -> tuple[str, object]:
    name, equals, number = str(text).partition("=")
    if not equals:
        raise ValueError(f"it should be NAME=NUMBER, not {text!r}")
    return name.strip(), number.strip()


def _texts(numbers: tuple[tuple[str, float], ...]) -> list[str]:
    return [f"{name}={number!r}" for name, number in numbers]


Numbers = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_numbers), PlainSerializer(_texts)]
"""Parameters of an ordinary audience that are set, by name."""
