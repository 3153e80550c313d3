"""One frozen RunConfig: everything that decides a run, and each field as an option of the doors.

No secret is ever a value here: credentials live in the file that `client_config` names and in the environment.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from lensload.config.types import (
    Addresses,
    Changeovers,
    Effects,
    NumberAsText,
    OptionalDuration,
    OptionalPath,
    RegistryUrl,
    Texts,
    TopicPrefix,
    Topics,
)
from lensload.errors import UsageError
from lensload.schema.definitions import TOPIC_NAMES
from lensload.values import Duration, Shown, nearest
from lensload.verdict.slo import Slo
from lensload.verdict.thresholds import Thresholds

ENV_PREFIX = "LENSLOAD_"
VIEWS = ("junit", "summary", "csv", "html")
"""The fields that name files which show a run."""

HANDOVER_VARIABLE = "LENSLOAD_CONFIG_JSON"
"""The environment variable in which `lensload bench` hands a checked RunConfig (`as_json`) to the process that makes the run."""


class RunConfig(Thresholds):
    """Everything that decides a run. Frozen; unknown keys are refused; every value is checked.

    The description of a field is its help text on the command line and in the web form.
    """

    bootstrap_servers: Annotated[
        Addresses,
        Field(
            description="Where the Kafka cluster is: host:port, several with commas between. Without it: the"
            " embedded cluster, whose numbers are the client's, not a broker's."
        ),
        Shown("HOST:PORT", web=False),
    ] = None
    registry_url: Annotated[
        RegistryUrl,
        Field(
            description="Where the Schema Registry is, such as http://localhost:8081; mock:// for none (schema"
            " ids are then made up, and no other program can decode the events)."
        ),
        Shown("URL", web=False),
    ] = None
    client_config: Annotated[
        OptionalPath,
        Field(
            description="A file of librdkafka properties (key=value lines, # comments): security and tuning."
            " Credentials belong there, never in a flag."
        ),
        Shown("FILE", web=False),
    ] = None
    topic_prefix: Annotated[
        TopicPrefix,
        Field(description="Goes before every topic and subject, for clusters shared with others."),
        Shown("TEXT"),
    ] = ""
    partitions: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="Partitions of topics that are created; existing topics are used as they are.",
        ),
        Shown("N"),
    ] = 4
    replication_factor: Annotated[
        int, Field(ge=1, le=32, description="Replicas of topics that are created."), Shown("N")
    ] = 1
    rate: Annotated[
        float,
        Field(gt=0, le=1e8, description="Target of the whole run, in events a second, all topics together."),
        Shown("NUMBER", locust=False),
    ] = 5000.0
    user_rate: Annotated[
        float,
        Field(gt=0, le=1e8, description="Events a second of one Locust user: one slice of the audience."),
        Shown("NUMBER", bench=False),
    ] = 100.0
    duration_s: Annotated[
        OptionalDuration,
        Field(
            description="How long to measure, after the warm-up: 30s, 2m, 1h30m. It is also the period of the"
            " profile. Without it, bench measures for 30s, and locust until it is told to stop.",
        ),
        Shown("DURATION", name="duration"),
    ] = None
    warmup_s: Annotated[
        Duration,
        Field(ge=0, description="How long to run before measuring begins: 2s, 1m, 0s for not at all."),
        Shown("DURATION", name="warmup"),
    ] = 2.0
    workers: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Worker processes, each with an engine and an observer of its own; at most 64, the"
            " number of the audience's lanes.",
        ),
        Shown("N", locust=False),
    ] = 1
    repeat: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="How often to run the same, for intervals: a figure of one run does not say how certain it is.",
        ),
        Shown("N", locust=False),
    ] = 1
    profile: Annotated[
        str,
        Field(
            min_length=1,
            description="How the rate goes over time: constant, poisson, ramp[:FROM-TO], steps[:F,F,...],"
            " spike[:FACTOR[@FROM-TO]] or day; +poisson after any for random arrivals.",
        ),
        Shown("PROFILE", locust_flag="--rate-profile"),
    ] = "constant"
    topics: Annotated[
        Topics,
        Field(description="The topics to write, with commas between."),
        Shown("NAME,..."),
    ] = TOPIC_NAMES
    seed: Annotated[
        int,
        Field(ge=0, lt=2**63, description="Decides the whole world: the same seed gives the same events."),
        Shown("N"),
    ] = 1
    audience_size: Annotated[
        int, Field(ge=64, le=10_000_000, description="How many people there are."), Shown("N")
    ] = 10_000
    catalogue_size: Annotated[
        int, Field(ge=50, le=10_000_000, description="How many items there are."), Shown("N")
    ] = 5_000
    zipf_exponent: Annotated[
        float,
        Field(
            ge=0,
            le=5,
            description="How popularity falls off over the items: 0 all alike, 1 as Zipf found it.",
        ),
        Shown("NUMBER"),
    ] = 1.0
    lift: Annotated[
        float,
        Field(
            ge=-1,
            le=10,
            description="The planted truth of the experiment ranking-v2: 0.1 makes its treatment convert a tenth more"
            " often than its control.",
        ),
        Shown("NUMBER"),
    ] = 0.1
    experiment: Annotated[
        Effects,
        Field(
            description="What the treatments do: none, small, default (of ranking-v2: --lift) or simpson, which does"
            " harm in every segment and shows a gain over all. For both experiments, or NAME=EFFECT for ranking-v2 or"
            " large-cards, with commas between.",
        ),
        Shown("EFFECT"),
    ] = ()
    serializer: Annotated[
        Literal["fragments", "fastavro", "confluent"],
        Field(
            description="How events are encoded, to the same bytes: fragments in batches (fast); fastavro or"
            " confluent (AvroSerializer) one record at a time, each one timed."
        ),
        Shown("NAME"),
    ] = "fragments"
    evolve: Annotated[
        Changeovers,
        Field(
            description="Write a share of a topic's events by a newer version of its schema: TOPIC=FILE@SHARE, or"
            " TOPIC=FILE@FROM-TO for a share that changes during the run; several with commas between."
        ),
        Shown("TOPIC=FILE@SHARE", web=False),
    ] = ()
    verify_per_s: Annotated[
        int,
        Field(
            ge=0,
            le=100_000,
            description="How many events a second, drawn at random, also go through the real AvroSerializer:"
            " timed one by one and compared byte for byte.",
        ),
        Shown("N"),
    ] = 50
    acks: Annotated[
        Literal["all", "1", "0"],
        NumberAsText,
        Field(description="Which replicas must have an event before it counts as acknowledged."),
        Shown("ACKS"),
    ] = "all"
    linger_ms: Annotated[
        float,
        Field(
            ge=0, le=900_000, description="How long the producer waits for a batch to fill, in milliseconds."
        ),
        Shown("NUMBER"),
    ] = 5.0
    compression: Annotated[
        Literal["none", "lz4", "zstd", "snappy", "gzip"],
        Field(description="How batches are compressed."),
        Shown("NAME"),
    ] = "none"
    drain_timeout_s: Annotated[
        Duration,
        Field(
            gt=0,
            description="How long to wait at the end until everything sent is acknowledged and observed.",
        ),
        Shown("DURATION", name="drain_timeout"),
    ] = 30.0
    run_file: Annotated[
        Path,
        Field(description="Where the result of the run goes, as JSON."),
        Shown("FILE", web=False),
    ] = Path("run.json")
    slo: Annotated[
        tuple[str, ...],
        Texts,
        Field(
            description="What must hold, or the run fails: [TOPIC.]STAGE.STATISTIC with us, ms or s"
            " ('end_to_end.p99 < 50ms'; mean, p50 to p9999, min, max), a count of the ledger ('lost == 0',"
            " 'user-interactions.failed <= 0.1%'), a rate ('achieved_per_s >= 5000') or 'achieved >= 99.5%' of the"
            " target. May be given several times; in one text, with commas between.",
        ),
        Shown("EXPRESSION", several=True),
    ] = ()
    junit: Annotated[
        OptionalPath,
        Field(description="Where the verdicts go as JUnit XML, which CI servers show."),
        Shown("FILE.xml", web=False),
    ] = None
    summary: Annotated[
        OptionalPath,
        Field(
            description="Where a summary goes as Markdown, fit for a job's summary page; $GITHUB_STEP_SUMMARY is added to."
        ),
        Shown("FILE.md", web=False),
    ] = None
    csv: Annotated[
        OptionalPath,
        Field(description="Where the course of the run goes as CSV, one row a second."),
        Shown("FILE.csv", web=False, locust_flag="--run-csv"),
    ] = None
    html: Annotated[
        OptionalPath,
        Field(description="Where the report for people goes: one HTML file that opens without a network."),
        Shown("FILE.html", web=False, locust_flag="--run-html"),
    ] = None
    prometheus_port: Annotated[
        int,
        Field(
            ge=0,
            le=65_535,
            description="Serve live metrics for Prometheus at http://HOST:PORT/metrics while running; 0: do not.",
        ),
        Shown("PORT", web=False),
    ] = 0
    prometheus_host: Annotated[
        str,
        Field(min_length=1, description="The address on which metrics are served."),
        Shown("HOST", web=False),
    ] = "127.0.0.1"

    @field_validator("slo")
    @classmethod
    def _objectives(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            Slo.parse(text)
        return value

    @model_validator(mode="after")
    def _objectives_of_topics_written(self) -> Self:
        for slo in self.slos:
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
    def slos(self) -> tuple[Slo, ...]:
        """What must hold."""
        return tuple(Slo.parse(text) for text in self.slo)

    @property
    def embedded(self) -> bool:
        """No address was given: the run takes place on the embedded cluster."""
        return self.bootstrap_servers is None

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
        complaints.append(f"{(origins or {}).get(field, field)} is {_shown(detail['input'])}: {text}.")
        hints.append(describe(field))
    return UsageError("\n".join(complaints), "\n  ".join(dict.fromkeys(hints)))


def describe(field: str) -> str:
    """The flag and the help text of the option for `field`."""
    info = RunConfig.model_fields[field]
    return f"{flag_of(field)}: {info.description}"


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
