"""Names of people, places and colours, as Faker has them."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from faker import Faker

# To look for all of its providers takes Faker 10 ms a locale. An address has names of people in it.
_PROVIDERS: Final = ["faker.providers.address", "faker.providers.color", "faker.providers.person"]


def fake(locale: str, seed: int) -> "Faker":
    """What makes up names of this locale, the same ones for the same seed."""
    from faker import Faker  # noqa: PLC0415 - slow to import, and who only reads events needs no names

    names = Faker(locale, providers=_PROVIDERS)
    names.seed_instance(seed)
    return names
