"""Where a RunConfig's values come from.

A value comes from the first of these that has it: a flag, the environment (LENSLOAD_RATE and so on), the file
lensload.toml in the current folder (or the one named by --config or LENSLOAD_CONFIG), the default. All are
checked in the same way, and a key that nobody reads is refused with the nearest known one.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from lensload.atomic_file import read_text
from lensload.config import client_file, workload_file
from lensload.config.model import (
    ENV_PREFIX,
    FIELDS,
    HANDOVER_VARIABLE,
    RunConfig,
    describe,
    grouped,
    refusal,
    shown_of,
)
from lensload.config.options import Option, options
from lensload.errors import UsageError
from lensload.option import Group
from lensload.parse import nearest, number, share
from lensload.schema import registry_auth

FILE_NAME = "lensload.toml"
FILE_VARIABLE = "LENSLOAD_CONFIG"
_ORCHESTRATED = re.compile(r".*_(?:SERVICE_(?:HOST|PORT)(?:_.*)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_.*)?)")
_NOT_OPTIONS = (FILE_VARIABLE, HANDOVER_VARIABLE, *registry_auth.VARIABLES)


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> RunConfig:
    """The configuration from flags, environment, file and defaults.

    Args:
        flags: values by option name (`Option.name`); None means not given, "" means none.
        file: read in place of `folder`/lensload.toml, and must then be there.
        environ: in place of the process's own environment.
        folder: in place of the current folder.

    Raises:
        UsageError: a key is unknown (with the nearest known one), a value is wrong, a file is missing or cannot be
            read; names the flag, variable or file at fault.
    """
    values, origins = _gathered(
        flags or {}, file, os.environ if environ is None else environ, folder or Path()
    )
    given = values.get("workload")
    if isinstance(given, str) and given.strip():
        values["workload"] = workload_file.read(Path(given.strip()).expanduser(), values)
    config = _validated(RunConfig, grouped(values), origins)
    if config.load.workload and "seed" in values:
        seeded = config.load.workload.seeded(config.world.seed)
        config = config.model_copy(update={"load": config.load.model_copy(update={"workload": seeded})})
    if not config.producer.evolve:
        return config
    loaded = tuple(change.loaded() for change in config.producer.evolve)
    return config.model_copy(update={"producer": config.producer.model_copy(update={"evolve": loaded})})


Model = TypeVar("Model", bound=Group)


def load_group(group: type[Model], flags: Mapping[str, Any], *, file: Path | None = None) -> Model:
    """One group of the configuration alone, from the same sources as `load`; nothing else is checked.

    Raises:
        UsageError: as `load` does.
    """
    values, origins = _gathered(flags, file, os.environ, Path())
    own = {field: value for field, value in values.items() if field in group.model_fields}
    return _validated(group, own, origins)


def _gathered(
    flags: Mapping[str, Any], file: Path | None, environ: Mapping[str, str], folder: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that the sources have, by field, and where each came from."""
    by_name = {option.name: option for option in options()}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    sources = (
        _from_file(file, environ, folder, by_name),
        _from_environment(environ, by_name),
        _from_flags(flags, by_name),
    )
    for source in sources:
        for name, (value, origin) in source.items():
            values[by_name[name].field] = value
            origins[by_name[name].field] = origin
    _add_client_file(values, origins)
    for field, value in list(values.items()):
        values[field] = _read(field, value)
        if isinstance(value, bool):
            raise UsageError(f"{origins[field]} is {str(value).lower()}.", describe(field))
    return values, origins


def _read(field: str, value: object) -> object:
    """A number or a share that was given as text; what is neither is left for the field's own check to refuse."""
    info = FIELDS[field]
    metavar = shown_of(field).metavar
    kinds = {info.annotation, *get_args(info.annotation)}
    if not isinstance(value, str) or metavar == "DURATION" or not kinds & {int, float}:
        return value
    if re.fullmatch(r"\s*[+-]?\d+(?:\.\d+)?\s*", value):
        return value  # so that a refusal shows it as it was written
    with suppress(ValueError):
        found = share(value) if metavar == "SHARE" else number(value)
        return int(found) if found == int(found) and metavar != "SHARE" else found
    return value


def _add_client_file(values: dict[str, Any], origins: dict[str, str]) -> None:
    """What the --client-config file says of our own options, where nothing else says it."""
    name = values.get("client_config")
    if not isinstance(name, (str, Path)) or not str(name).strip():
        return
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # ~nobody: the field's own check says so
        return
    found = client_file.read(path)
    for field, value in found.options.items():
        if values.get(field) in (None, ""):
            values[field] = value
            origins[field] = f"{found.path}:{found.lines[field]}: {field}"


def _validated(model: type[Model], values: Mapping[str, Any], origins: Mapping[str, str]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise refusal(error, origins) from error


def _from_file(
    file: Path | None, environ: Mapping[str, str], folder: Path, known: Iterable[str]
) -> dict[str, tuple[Any, str]]:
    named = file or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    try:
        path = named.expanduser() if named else folder / FILE_NAME
    except RuntimeError as error:
        raise UsageError(f"There is no configuration file {named}: {error}", "Check --config.") from error
    try:
        if not path.exists():
            if named is None:
                return {}
            raise UsageError(f"There is no configuration file {path}.", "Check --config.")
        table = tomllib.loads(read_text(path, "configuration file", "Check --config."))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path} is not TOML: {error}.", 'A line is key = value: duration = "30s".'
        ) from error
    for key in table:
        if key not in known:
            raise UsageError(
                f"{path} has an unknown key {key!r}{nearest(key, known)}",
                "The keys are the flags of `lensload bench --help`, with _ for -.",
            )
    return {key: (value, f"{key} in {path}") for key, value in table.items()}


def _from_environment(
    environ: Mapping[str, str], by_name: Mapping[str, Option]
) -> dict[str, tuple[Any, str]]:
    known = {option.env: name for name, option in by_name.items()}
    suffixes = [variable.removeprefix(ENV_PREFIX) for variable in known]
    for variable in environ:
        if not variable.startswith(ENV_PREFIX) or variable in known or variable in _NOT_OPTIONS:
            continue
        if _ORCHESTRATED.fullmatch(variable) or _is_orchestrated(environ[variable]):
            continue
        # Other programs may use the prefix too: only what looks like a slip of the keys is refused.
        near = difflib.get_close_matches(variable.removeprefix(ENV_PREFIX), suffixes, n=1, cutoff=0.75)
        if near:
            raise UsageError(
                f"The environment has an unknown {variable}; did you mean {ENV_PREFIX}{near[0]}?",
                "Rename or unset it.",
            )
    return {
        name: (environ[variable], variable)
        for variable, name in known.items()
        if environ.get(variable) and not _is_orchestrated(environ[variable])
    }


def _is_orchestrated(value: str) -> bool:
    """Whether it is the address of a service, as Kubernetes tells it to every container by the service's name."""
    return value.startswith(("tcp://", "udp://", "sctp://"))


def _from_flags(flags: Mapping[str, Any], by_name: Mapping[str, Option]) -> dict[str, tuple[Any, str]]:
    return {name: (value, by_name[name].flag) for name, value in flags.items() if value is not None}
