"""The kinds of value a configuration has, and how each is read from text.

Every reader takes what a flag, a variable, a form or a TOML file can hold, and raises ValueError with a sentence
that goes on from "--flag is 'value': ".
"""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

from lensload.pacing.profile import Profile
from lensload.parse import Duration, nearest, number
from lensload.schema.migration import Changeover
from lensload.verdict.slo import Slo

MAX = "max"
_MAX_PORT = 65_535
_TOPIC_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,200}")


def _parsed(parse: Callable[[str], object]) -> BeforeValidator:
    """Read text by `parse`, and leave alone what is no text."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _path(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return _none_if_blank(value)
    if "\0" in value:
        raise ValueError("it should be a path, which holds no NUL")
    # A shell puts the home folder in place of ~ only where it reads the word itself: not in a file, nor behind a =.
    try:
        return Path(value.strip()).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ValueError(f"it should be a path: {error}") from error


def _addresses(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return _none_if_blank(value)
    addresses = [address.strip() for address in value.strip().removesuffix(",").split(",")]
    for address in addresses:
        bare = address.rpartition("://")[2]
        if bare.count(":") > 1 and "[" not in bare:
            raise ValueError("an IPv6 address stands in brackets, as in [::1]:9092")
        match = re.fullmatch(
            r"(?:([A-Za-z_+]+)://)?(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?/?", address
        )
        if match is None:
            raise ValueError("it should be host:port, or several separated by commas, such as localhost:9092")
        if match[2] and not 0 < int(match[2]) <= _MAX_PORT:
            raise ValueError(f"there is no port {match[2]}; ports go from 1 to {_MAX_PORT}")
        if match[1] and match[1].lower() in ("http", "https"):
            raise ValueError(
                "it should be host:port of a Kafka broker, such as localhost:9092, and not a URL of HTTP"
            )
    # A scheme names a listener to the broker, and says nothing to a client: security.protocol does.
    return ",".join(address.rpartition("://")[2].rstrip("/") for address in addresses)


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


def _web_address(value: object) -> object:
    if not isinstance(value, (str, int)) or not str(value).strip():
        return None if value is None or isinstance(value, str) else value
    host, _, port = str(value).strip().rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port) or int(port) > 65_535:
        raise ValueError("it should be a port, or host:port, such as 8090 or 0.0.0.0:8090")
    return f"{host or '127.0.0.1'}:{port}"


def _topic_prefix(value: object) -> object:
    if isinstance(value, str) and not _TOPIC_PREFIX.fullmatch(value):
        raise ValueError("it should hold only letters, digits, '.', '_' and '-', as Kafka's topic names do")
    return value


def topics(value: object, known: Sequence[str]) -> object:
    """The topics that are named, in the order of those that there are.

    Raises:
        ValueError: there is no such topic; names the nearest.
    """
    names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"it should be one or more of {', '.join(known)}, separated by commas")
    for name in names:
        if name not in known:
            raise ValueError(f"there is no topic {name!r}{nearest(name, known)}")
    return tuple(name for name in known if name in names)


def _workload(value: object) -> object:
    """A workload that is one, that came from another process, or that is in a file."""
    from lensload.workload import loading  # noqa: PLC0415 - slow to import, and seldom wanted
    from lensload.workload.model import Workload  # noqa: PLC0415

    if isinstance(value, Workload):
        return value
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return Workload.unpacked(value)
    path = _path(value)
    if path is None or isinstance(path, Path):
        return path and loading.load(path)
    raise ValueError("it should be the path of a workload file")


def _brokers_own(value: object) -> object:
    # -1 is Kafka's own word for it.
    return (
        None
        if value == -1 or (isinstance(value, str) and value.strip().lower() in ("", "-1", "default"))
        else value
    )


def _changeovers(value: object) -> object:
    if isinstance(value, str):
        value = re.split(r",(?=[a-z-]+=)", value) if value.strip() else ()
    if not isinstance(value, (list, tuple)):
        raise ValueError("it should be TOPIC=FILE@SHARE, or several separated by commas")  # noqa: TRY004 - pydantic's
    found = tuple(Changeover.parse(each) if isinstance(each, str) else each for each in value)
    topics = [each.topic for each in found if isinstance(each, Changeover)]
    for topic in topics:
        if topics.count(topic) > 1:
            raise ValueError(f"{topic} is there twice; a topic changes over to one version")
    return found


def _texts(value: object) -> object:
    """The texts of a list, each of which may be several with commas, semicolons or line ends between."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)):
        raise ValueError("it should be one text or a list of them")  # noqa: TRY004 - pydantic's
    parts = [
        part for each in values for part in (re.split("[,;\n]", each) if isinstance(each, str) else [each])
    ]
    return tuple(part for part in parts if not isinstance(part, str) or part.strip())


def _objectives(value: object) -> object:
    """The texts of objectives; one that is empty is a slip, such as a variable that is not set, and would check nothing."""
    if isinstance(value, (list, tuple)) and any(isinstance(each, str) and not each.strip() for each in value):
        raise ValueError("an objective is empty")
    return _texts(value)


def _names(value: object) -> object:
    texts = _texts(value)
    return (
        tuple(each.strip() for each in texts if isinstance(each, str)) if isinstance(texts, tuple) else texts
    )


def _rate(value: object, check: ValidatorFunctionWrapHandler) -> float:
    if not isinstance(value, str):
        return check(value)
    if value.strip().lower() == MAX:
        return math.inf
    try:
        per_s = number(value)
    except ValueError as error:
        raise ValueError("it should be events per second, such as 5000, 5,000 or 5k, or max") from error
    return check(f"{per_s:.17g}")  # text, as it was: errors repeat what was given


def _text(value: object) -> object:
    # A TOML file may well say acks = 1.
    return str(value) if isinstance(value, int) else value


OptionalDuration = Annotated[Annotated[Duration, Field(gt=0)] | None, BeforeValidator(_none_if_blank)]
Addresses = Annotated[str | None, BeforeValidator(_addresses)]
WebAddress = Annotated[str | None, BeforeValidator(_web_address)]
RegistryUrl = Annotated[str | None, BeforeValidator(_registry_url)]
Partitions = Annotated[Annotated[int, Field(ge=1, le=10_000)] | None, BeforeValidator(_brokers_own)]
Replicas = Annotated[Annotated[int, Field(ge=1, le=32)] | None, BeforeValidator(_brokers_own)]
OptionalPath = Annotated[Path | None, BeforeValidator(_path)]
FilePath = Annotated[
    Path, BeforeValidator(lambda value: value if _none_if_blank(value) is None else _path(value))
]
Rate = Annotated[
    float,
    Field(gt=0, le=1e8),
    WrapValidator(_rate),
    PlainSerializer(lambda rate: MAX if math.isinf(rate) else rate),
]
"""Events/s; infinite, and "max" as text, where there is no schedule: as fast as acknowledgements allow."""
if TYPE_CHECKING:
    from lensload.workload.model import Workload

    OptionalWorkload: TypeAlias = Workload | None
else:  # the model of a workload takes time to import
    OptionalWorkload = Annotated[
        Any,
        BeforeValidator(_workload),
        PlainSerializer(lambda workload: None if workload is None else workload.packed()),
    ]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_blank)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
TopicPrefix = Annotated[str, BeforeValidator(_topic_prefix)]
Changeovers = Annotated[tuple[Changeover, ...], BeforeValidator(_changeovers)]
RateProfile = Annotated[Profile, _parsed(Profile.parse), PlainSerializer(str)]
Objectives = Annotated[
    tuple[Annotated[Slo, _parsed(Slo.parse), PlainSerializer(str)], ...], BeforeValidator(_objectives)
]
NumberAsText = BeforeValidator(_text)
