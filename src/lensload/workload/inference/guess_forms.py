"""Guessed generators, as a workload file has them, such as {"faker": "email"}."""

from typing import Any

Guess = dict[str, Any]


def faker(method: str) -> Guess:
    """A method of Faker."""
    return {"faker": method}


def pattern(text: str) -> Guess:
    """Text with digits for # and letters for ?."""
    return {"pattern": text}


def choice(*values: Any) -> Guess:  # noqa: ANN401 - any TOML
    """One of the values, all alike."""
    return {"choice": list(values)}


def weighted(**weights: int) -> Guess:
    """One of the values by their weights."""
    return {"choice": weights}


def uniform(low: float, high: float, **more: Any) -> Guess:  # noqa: ANN401 - any TOML
    """A number of the range."""
    return {"uniform": [low, high], **more}


def normal(mean: float, sd: float, **more: Any) -> Guess:  # noqa: ANN401 - any TOML
    """A normal number."""
    return {"normal": {"mean": mean, "sd": sd}, **more}


def lognormal(median: float, sigma: float, low: float, high: float) -> Guess:
    """A lognormal number within bounds."""
    return {"lognormal": {"median": median, "sigma": sigma}, "min": low, "max": high}


def table(*rows: tuple[str, Guess]) -> dict[str, Guess]:
    """Generators by phrase, from rows of phrases with commas between them."""
    return {phrase: guess for phrases, guess in rows for phrase in phrases.split(", ")}
