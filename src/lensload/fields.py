"""The kinds of value a configuration has, and how each is read from text.

Every reader takes what a flag, a variable, a form or a TOML file can hold, and raises ValueError with a sentence
that goes on from "--flag is 'value': ".
"""

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from lensload.changeover import Changeover
from lensload.effects import EFFECTS, EXPERIMENT_NAMES
from lensload.schemas import TOPIC_NAMES

_UNITS_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in _UNITS_S))
_TOPIC_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,200}")


def duration_s(text: object) -> float:
    """Seconds from "30s", "2m", "1h30m", "1d", "500ms", or a plain number of seconds.

    Raises:
        ValueError: it is none of these, or is not finite, or is below 0.
    """
    complaint = f"it should be a duration such as 30s, 2m, 1h30m or 500ms, not {text!r}"
    if isinstance(text, str):
        match = _DURATION.fullmatch(text.strip().lower())
        if match and any(match.groups()):
            return sum(
                float(n) * unit for n, unit in zip(match.groups(), _UNITS_S.values(), strict=True) if n
            )
    try:
        seconds = float(text) if isinstance(text, (str, int, float)) else math.nan
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(complaint)
    return seconds


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _optional_duration(value: object) -> float | None:
    return None if _none_if_blank(value) is None else duration_s(value)


def _addresses(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return _none_if_blank(value)
    for address in value.split(","):
        if not re.fullmatch(
            r"(?:[A-Z_]+://)?(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?", address.strip()
        ):
            raise ValueError("it should be host:port, or several with commas between, such as localhost:9092")
    return value.strip()


def _registry_url(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return _none_if_blank(value)
    parts = urlsplit(value.strip())
    if parts.username is not None or parts.query:
        raise ValueError(
            "it should hold no credentials; they come from the environment:"
            " LENSLOAD_REGISTRY_USER_INFO=user:password or LENSLOAD_REGISTRY_TOKEN"
        )
    if parts.scheme not in {"http", "https", "mock"} or (parts.scheme != "mock" and not parts.hostname):
        raise ValueError("it should be a URL such as http://localhost:8081, or mock:// for no registry")
    return value.strip().rstrip("/") if parts.scheme != "mock" else value.strip()


def _topic_prefix(value: object) -> object:
    if isinstance(value, str) and not _TOPIC_PREFIX.fullmatch(value):
        raise ValueError("it should hold only letters, digits, '.', '_' and '-', as Kafka's topic names do")
    return value


def _topics(value: object) -> object:
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"it should be one or more of {', '.join(TOPIC_NAMES)}, with commas between")
    for name in names:
        if name not in TOPIC_NAMES:
            raise ValueError(f"there is no topic {name!r}{nearest(name, TOPIC_NAMES)}")
    return tuple(name for name in TOPIC_NAMES if name in names)


def _changeovers(value: object) -> object:
    if isinstance(value, str):
        value = re.split(r",(?=[a-z-]+=)", value) if value.strip() else ()
    if not isinstance(value, (list, tuple)):
        raise ValueError("it should be TOPIC=FILE@SHARE, or several with commas between")  # noqa: TRY004 - pydantic's
    found = tuple(Changeover.parse(each) if isinstance(each, str) else each for each in value)
    topics = [each.topic for each in found if isinstance(each, Changeover)]
    for topic in topics:
        if topics.count(topic) > 1:
            raise ValueError(f"{topic} is there twice; a topic changes over to one version")
    return found


def _effects(value: object) -> object:
    if isinstance(value, str):
        value = [entry.strip() for entry in value.split(",")] if value.strip() else ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ValueError("it should be NAME=EFFECT, or several with commas between")
    found: dict[str, str] = {}
    for entry in value:
        name, equals, effect = str(entry).rpartition("=")
        if equals and name not in EXPERIMENT_NAMES:
            raise ValueError(f"there is no experiment {name!r}{nearest(name, EXPERIMENT_NAMES)}")
        if effect not in EFFECTS:
            raise ValueError(f"there is no effect {effect!r}{nearest(effect, EFFECTS)}")
        found |= dict.fromkeys([name] if equals else EXPERIMENT_NAMES, effect)
    return tuple(f"{name}={found[name]}" for name in EXPERIMENT_NAMES if name in found)


def _lines(value: object) -> object:
    """Several texts: a list, or one text with commas or semicolons between."""
    parts = re.split("[,;\n]", value) if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError("it should be one text or a list of them")
    return tuple(part.strip() for part in parts if part.strip())


def _text(value: object) -> object:
    # A TOML file may well say acks = 1.
    return str(value) if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class Shown:
    """How a field appears to people.

    Attributes:
        metavar: the placeholder of its value in help texts.
        name: its key, where it is not the field's own name: units stand in the code, not on the command line.
        bench: `lensload bench` has the flag.
        locust: `locust` has it.
        web: Locust's web form has it; never an address or a path: whoever can open the page could send the
            cluster's credentials elsewhere, or write files.
        locust_flag: its flag there, where Locust has taken the usual one.
        several: the flag may be given several times.
    """

    metavar: str
    name: str = ""
    bench: bool = True
    locust: bool = True
    web: bool = True
    locust_flag: str = ""
    several: bool = False


Duration = Annotated[float, BeforeValidator(duration_s)]
OptionalDuration = Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(_optional_duration)]
Addresses = Annotated[str | None, BeforeValidator(_addresses)]
RegistryUrl = Annotated[str | None, BeforeValidator(_registry_url)]
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_blank)]
TopicPrefix = Annotated[str, BeforeValidator(_topic_prefix)]
Topics = Annotated[tuple[str, ...], BeforeValidator(_topics)]
Changeovers = Annotated[tuple[Changeover, ...], BeforeValidator(_changeovers)]
Effects = Annotated[tuple[str, ...], BeforeValidator(_effects)]
Texts = BeforeValidator(_lines)
NumberAsText = BeforeValidator(_text)


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses `word`: the nearest of the known words, if one is near."""
    near = difflib.get_close_matches(word.replace("-", "_"), [name.replace("-", "_") for name in known], n=1)
    names = {name.replace("-", "_"): name for name in known}
    return f"; did you mean {names[near[0]]}?" if near else "."
