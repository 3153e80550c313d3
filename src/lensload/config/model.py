"""One frozen RunConfig: everything that decides a run, and each field as an option of the doors.

No secret is ever a value here: credentials live in the file that `client_config` names and in the environment.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from lensload.config.groups import Cluster, Criteria, Load, Outputs, Producer
from lensload.errors import UsageError
from lensload.values import Shown, nearest
from lensload.world.parameters import WorldParameters

ENV_PREFIX = "LENSLOAD_"
VIEWS = ("junit", "summary", "csv", "html")
"""The fields that name files which show a run."""

HANDOVER_VARIABLE = "LENSLOAD_CONFIG_JSON"
"""The environment variable in which `lensload bench` hands a checked RunConfig (`as_json`) to the process that makes the run."""


class RunConfig(Cluster, Load, WorldParameters, Producer, Outputs, Criteria):
    """Everything that decides a run. Frozen; unknown keys are refused; every value is checked.

    The description of a field is its help text on the command line and in the web form.
    """

    @model_validator(mode="after")
    def _objectives_of_topics_written(self) -> Self:
        for slo in self.slo:
            if slo.figure.topic not in (*self.topics, "all"):
                raise ValueError(
                    f"The objective '{slo.expression}' is of {slo.figure.topic}, which this run does not write."
                    " Take the objective away, or add the topic to --topics."
                )
        return self

    @model_validator(mode="after")
    def _both_addresses_or_none(self) -> Self:
        mocked = (self.registry_url or "").startswith("mock:")
        if self.bootstrap_servers and not self.registry_url:
            raise ValueError(
                "There is a cluster (bootstrap_servers), but no registry."
                " Give --registry-url too; --registry-url mock:// does without one."
            )
        if self.registry_url and not mocked and not self.bootstrap_servers:
            raise ValueError(
                "There is a registry (registry_url), but no cluster."
                " Give --bootstrap-servers too, or leave out both for the embedded cluster."
            )
        return self

    @property
    def world(self) -> WorldParameters:
        """What the world is made from."""
        return WorldParameters(**{name: getattr(self, name) for name in WorldParameters.model_fields})

    def as_dict(self) -> dict[str, Any]:
        """All fields by name, fit for JSON and msgpack; `from_dict` takes it."""
        return self.model_dump(mode="json")

    def as_json(self) -> str:
        """`as_dict` as JSON text; `from_json` takes it."""
        return json.dumps(self.as_dict(), separators=(",", ":"))

    def public(self) -> dict[str, Any]:
        """What may stand in a run file: no field holds a secret, and of paths only the file's name is told."""
        values = self.as_dict()
        names = {name: path.name for name, path in self if isinstance(path, Path)}
        return values | {
            **names,
            "evolve": [change.public() for change in self.evolve],
        }

    def alone(self, run_file: Path) -> Self:
        """The configuration of one of several repeats, whose result goes to a file of its own and into no view."""
        return self.changed(repeat=1, run_file=run_file, **dict.fromkeys(VIEWS))

    def changed(self, **values: object) -> Self:
        """This configuration with other values for some fields, checked again.

        Raises:
            UsageError: a value is out of range.
        """
        return self.from_dict({**self.as_dict(), **values})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave, again.

        Raises:
            UsageError: a key is unknown or a value out of range.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise refusal(error) from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `as_json` gave, again.

        Raises:
            UsageError: it is not JSON, a key is unknown or a value out of range.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"The handed-over configuration is not JSON: {error}.") from error
        return cls.from_dict(values)


def refusal(error: ValidationError, origins: Mapping[str, str] | None = None) -> UsageError:
    """The error to raise in place of pydantic's: every complaint, and what the options at fault are for.

    Args:
        error: what pydantic found.
        origins: where the value of a field came from, such as "--rate"; the field's name where it is not known.
    """
    complaints: list[str] = []
    hints: list[str] = []
    for detail in error.errors(include_url=False):
        text = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        if not detail["loc"]:
            complaints.append(text)
            continue
        field = str(detail["loc"][0])
        if detail["type"] == "extra_forbidden":
            complaints.append(f"There is no {field!r}{nearest(field, RunConfig.model_fields)}")
            continue
        complaints.append(
            f"{(origins or {}).get(field, field)} is {_shown(detail['input'])}: {text.removesuffix('.')}."
        )
        hints.append(describe(field))
    return UsageError("\n".join(complaints), "\n  ".join(dict.fromkeys(hints)))


def describe(field: str) -> str:
    """The flag of the option for `field`, and the first sentence of its help text."""
    first, *_ = re.split(r"(?<=\.)\s", RunConfig.model_fields[field].description or "", maxsplit=1)
    return f"{flag_of(field)}: {first}"


def name_of(field: str) -> str:
    """The key of a field, which is its own name unless that holds a unit."""
    return shown_of(field).name or field


def flag_of(field: str) -> str:
    """The flag of a field on lensload's command line."""
    return "--" + name_of(field).replace("_", "-")


def shown_of(field: str) -> Shown:
    """How a field appears to people."""
    return next(item for item in RunConfig.model_fields[field].metadata if isinstance(item, Shown))


def _shown(value: object) -> str:
    """A refused value as it may be printed: whatever could be credentials in an address is left out."""
    text = str(value)
    return repr("…@" + text.rpartition("@")[2] if "@" in text else value)
