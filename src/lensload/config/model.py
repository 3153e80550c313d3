"""One frozen RunConfig: everything that decides a run, and each field as an option of the doors.

No secret is ever a value here: credentials live in the file that `client_config` names and in the environment.
"""

import json
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import ValidationError, model_validator

from lensload.config.fields import Cluster, Criteria, Load, Outputs, Producer, Views
from lensload.config.service import Service
from lensload.errors import UsageError
from lensload.option import Group, Shown
from lensload.parse import nearest
from lensload.world.options import WorldOptions

if TYPE_CHECKING:
    from lensload.workload.model import Workload

ENV_PREFIX = "LENSLOAD_"
VIEWS: Final = tuple(Views.model_fields)
"""The fields that name files which show a run."""

REQUESTS, RESPONSES, METRICS = "recommendation-requests", "recommendation-responses", "model-metrics"

_LONG: Final = 30_000
HANDOVER_VARIABLE = "LENSLOAD_CONFIG_JSON"
"""The environment variable in which repeats and a search hand a checked RunConfig (`as_json`) to the process of each run."""


class RunConfig(Group):
    """Everything that decides a run, in groups. Frozen; unknown keys are refused; every value is checked.

    People and other programs see the fields without their groups: flags, keys, `as_dict` and run files are flat.
    """

    load: Load = Load()
    cluster: Cluster = Cluster()
    world: WorldOptions = WorldOptions()
    service: Service = Service()
    producer: Producer = Producer()
    criteria: Criteria = Criteria()
    outputs: Outputs = Outputs()

    @model_validator(mode="after")
    def _a_workload_is_not_lens_world(self) -> Self:
        if self.load.workload is None:
            return self
        for group in (self.world, self.service, self.producer):
            usual = type(group)()
            for field, value in group:
                if field in LENS_ALONE - {"seed"} and value != getattr(usual, field):
                    raise ValueError(
                        f"{flag_of(field)} is of LENS's own world, and {flag_of('workload')} puts another in its place."
                        " Leave out one of the two."
                    )
        return self

    @model_validator(mode="after")
    def _objectives_of_topics_written(self) -> Self:
        for slo in self.criteria.slo:
            if slo.figure.topic not in (*self.load.topics, "all"):
                raise ValueError(
                    f"The objective '{slo.expression}' is of {slo.figure.topic}, which this run does not"
                    f" write{nearest(slo.figure.topic, self.load.topics)} Take the objective away, or add the topic to --topics."
                )
        return self

    @model_validator(mode="after")
    def _objectives_of_a_service_are_measured(self) -> Self:
        for slo in self.criteria.slo:
            section = slo.figure.section
            if "response" in (slo.figure.stage, section.removesuffix("s")) and not self.service.external:
                raise ValueError(
                    f"The objective '{slo.expression}' is of a service's answers, and here lensload answers itself:"
                    " give --recommender external."
                )
            group = section.removeprefix("group(").removesuffix(")")
            if section.startswith("group(") and group not in self.service.watch_group:
                raise ValueError(
                    f"The objective '{slo.expression}' is of a group that is not watched: give --watch-group {group}."
                )
        return self

    @model_validator(mode="after")
    def _external_recommender_can_be_reached(self) -> Self:
        if not self.service.external:
            return self
        if self.cluster.embedded or self.cluster.registry_is_mocked:
            raise ValueError(
                "An external recommender needs a cluster and a registry that it can reach too."
                " Give --bootstrap-servers and --registry-url of both."
            )
        if REQUESTS not in self.load.topics:
            raise ValueError(f"An external recommender answers {REQUESTS}: add that to --topics.")
        return self

    @property
    def known_topics(self) -> tuple[str, ...]:
        """Every topic that the source of the events has, in causal order."""
        return self.load.known_topics

    @property
    def scheduled_topics(self) -> tuple[str, ...]:
        """The topics whose events the rate is of: all that are written, or the requests to an external recommender."""
        return (REQUESTS,) if self.service.external else self.load.topics

    @property
    def written_topics(self) -> tuple[str, ...]:
        """The topics that this run writes: not those of an external recommender, which has its own metrics."""
        others = (RESPONSES, METRICS) if self.service.external else ()
        return tuple(topic for topic in self.load.topics if topic not in others)

    @property
    def responses_name(self) -> str | None:
        """The name in the cluster of the topic on which an external recommender answers; None: there is none."""
        if not self.service.external:
            return None
        return self.cluster.topic_prefix + (self.service.responses_topic or RESPONSES)

    def as_dict(self) -> dict[str, Any]:
        """All fields by name, fit for JSON and msgpack; `of` takes them."""
        return {
            name: value for group in self.model_dump(mode="json").values() for name, value in group.items()
        }

    def as_json(self) -> str:
        """`as_dict` as JSON text, long ones packed: an environment variable holds 128 KiB; `from_json` takes it."""
        text = json.dumps(self.as_dict(), separators=(",", ":"))
        return text if len(text) < _LONG else b64encode(zlib.compress(text.encode())).decode()

    def public(self) -> dict[str, Any]:
        """What may stand in a run file: no field holds a secret, and of paths only the file's name is told."""
        values = self.as_dict()
        fields = [field for _, group in self for field in group]
        names = {name: path.name for name, path in fields if isinstance(path, Path)}
        workload = self.load.workload
        names |= {"workload": workload and told(workload)}
        return values | {**names, "evolve": [change.public() for change in self.producer.evolve]}

    def alone(self, run_file: Path) -> Self:
        """The configuration of one of several repeats, whose result goes to a file of its own and into no view."""
        return self.changed(repeat=1, run_file=run_file, web=None, **dict.fromkeys(VIEWS))

    def changed(self, **values: object) -> Self:
        """This configuration with other values for some fields, checked again.

        Raises:
            UsageError: a value is out of range.
        """
        return self.of(**{**self.as_dict(), **values})

    @classmethod
    def of(cls, **values: object) -> Self:
        """The configuration with these fields, whatever their groups, and the defaults of all others.

        Raises:
            UsageError: a key is unknown or a value out of range.
        """
        try:
            return cls.model_validate(grouped(values))
        except ValidationError as error:
            raise refusal(error) from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `as_json` gave, again."""
        return cls.of(**json.loads(text if text.startswith("{") else zlib.decompress(b64decode(text))))


LENS_ALONE: Final = {*WorldOptions.model_fields, *Service.model_fields, "evolve"} - {"watch_group"}
"""The fields that mean something for LENS's own events only."""


def told(workload: "Workload") -> dict[str, Any]:
    """What a run file and a manifest say of a workload: its file, its seed, a digest of all that decides its events, and each topic's share."""
    return {
        "file": Path(workload.name).name,
        "seed": workload.file.seed,
        "digest": sha256(replace(workload, name="").packed().encode()).hexdigest()[:16],
        "shares": {topic.name: round(topic.share, 6) for topic in workload.topics},
    }


GROUPS: Final[dict[str, type[Group]]] = {
    name: type(info.default) for name, info in RunConfig.model_fields.items()
}
"""The groups by name, in the order in which people see them."""

FIELDS: Final = {name: info for group in GROUPS.values() for name, info in group.model_fields.items()}
"""Every field, whatever its group."""


def grouped(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The values of fields by group.

    Raises:
        UsageError: there is no such field; names the nearest.
    """
    if unknown := next((name for name in values if name not in FIELDS), None):
        raise UsageError(f"There is no {unknown!r}{nearest(unknown, FIELDS)}")
    return {
        name: {field: values[field] for field in group.model_fields if field in values}
        for name, group in GROUPS.items()
    }


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
        text = text.partition(", unable to parse")[0]  # the value itself is shown
        field = next((str(part) for part in detail["loc"] if part in FIELDS), "")
        if not field:
            complaints.append(text)
            continue
        text = text if text.endswith("?") else text.removesuffix(".") + "."
        complaints.append(f"{(origins or {}).get(field, field)} is {_shown(detail['input'])}: {text}")
        hints.append(describe(field))
    return UsageError("\n".join(complaints), "\n  ".join(dict.fromkeys(hints)))


def describe(field: str) -> str:
    """The flag of the option for `field`, and the first sentence of its help text."""
    first, *_ = re.split(r"(?<=\.)\s", FIELDS[field].description or "", maxsplit=1)
    return f"{flag_of(field)}: {first}"


def name_of(field: str) -> str:
    """The key of a field, which is its own name unless that holds a unit."""
    return shown_of(field).name or field


def flag_of(field: str) -> str:
    """The flag of a field on lensload's command line."""
    return "--" + name_of(field).replace("_", "-")


def shown_of(field: str) -> Shown:
    """How a field appears to people."""
    return next(item for item in FIELDS[field].metadata if isinstance(item, Shown))


def _shown(value: object) -> str:
    """A refused value as it may be printed: whatever could be credentials in an address is left out."""
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    listed = isinstance(value, (list, tuple))
    return repr("…@" + text.rpartition("@")[2] if "@" in text else text if listed else value)
