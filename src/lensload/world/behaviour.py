"""How a kind of audience behaves: the parameters of its sessions, and nothing else."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from lensload.errors import UsageError


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
