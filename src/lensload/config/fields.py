"""The fields of a run's configuration, in groups: cluster, load, producer, outputs, criteria. A new option is a field here.

The world's group is `lensload.world.options`. The description of a field is its help text on the command line and
in the web form; its first sentence is shown with an error.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ValidationInfo, field_validator, model_validator

from lensload.config import types
from lensload.option import Group, Shown, option
from lensload.pacing.profile import Profile
from lensload.parse import Duration
from lensload.schema.definitions import TOPIC_NAMES
from lensload.verdict.thresholds import Thresholds


class Registry(Group):
    """Where the schemas are registered, and under which names."""

    registry_url: types.RegistryUrl = option(
        None,
        Shown("URL", web=False),
        "Address of the Schema Registry, such as http://localhost:8081. With mock:// none is used: the"
        " schema ids are then invented, and no other program can decode the events.",
    )
    topic_prefix: types.TopicPrefix = option(
        "", Shown("TEXT"), "Prefix of every topic and subject, for clusters that are shared with others."
    )
    client_config: types.OptionalPath = option(
        None,
        Shown("FILE", web=False),
        "File of librdkafka properties for security and tuning (key=value lines, # comments)."
        " Credentials belong there, never in a flag.",
    )
    register_schemas: Literal["never", "missing", "always"] = option(
        "missing",
        Shown("WHICH", name="register"),
        "Which schemas a run registers. missing: each that is not equal to the latest version of its subject."
        " always: also each that differs from it in docs alone. never: none, and the run fails if one is missing.",
    )

    @property
    def registry(self) -> str:
        """The address of the registry; mock:// where none was given."""
        return self.registry_url or "mock://"

    @property
    def registry_is_mocked(self) -> bool:
        """There is no registry but one made up in each process."""
        return self.registry.startswith("mock:")


class Cluster(Registry):
    """Where the topics are, and how they are created. Without an address: the embedded cluster."""

    bootstrap_servers: types.Addresses = option(
        None,
        Shown("HOST:PORT", web=False),
        "Addresses of the Kafka cluster: host:port, several separated by commas. Without it lensload"
        " starts an embedded cluster, which measures the client and not a broker.",
    )
    partitions: types.Partitions = option(
        None,
        Shown("N"),
        "Partitions of each topic that is created. Existing topics keep theirs."
        " Default: the broker's own (num.partitions).",
    )
    replication_factor: types.Replicas = option(
        None,
        Shown("N"),
        "Replicas of each topic that is created. Default: the broker's own (default.replication.factor).",
    )

    @model_validator(mode="after")
    def _both_addresses_or_none(self) -> Self:
        if self.bootstrap_servers and not self.registry_url:
            raise ValueError(
                "There is a cluster (bootstrap_servers), but no registry."
                " Give --registry-url too; --registry-url mock:// does without one."
            )
        if not self.registry_is_mocked and not self.bootstrap_servers:
            raise ValueError(
                "There is a registry (registry_url), but no cluster."
                " Give --bootstrap-servers too, or leave out both for the embedded cluster."
            )
        return self

    @property
    def embedded(self) -> bool:
        """No address was given: the run takes place on the embedded cluster."""
        return self.bootstrap_servers is None


class Load(Group):
    """How many events, for how long, from how many processes."""

    rate: types.Rate = option(
        5000.0,
        Shown("NUMBER|max", locust=False),
        "Target rate of the whole run, in events/s over all topics. max: without a schedule, as fast as"
        " acknowledgements allow.",
    )
    user_rate: types.Rate = option(
        100.0,
        Shown("NUMBER|max", bench=False),
        "Target rate of one Locust user, in events/s. max: all users together as fast as acknowledgements allow."
        " Each user is a part of the audience.",
    )
    profile: types.RateProfile = option(
        Profile.parse("constant"),
        Shown("PROFILE", locust_flag="--rate-profile"),
        "How the rate changes over time: constant, poisson, ramp[:FROM-TO], steps[:F,F,...],"
        " spike[:FACTOR[@FROM-TO]] or day. Add +poisson to any of them for random arrivals.",
    )
    duration_s: types.OptionalDuration = option(
        None,
        Shown("DURATION", name="duration"),
        "How long to measure after the warm-up, such as 30s, 2m or 1h30m; also the period of the"
        " profile. Default: bench measures for 30s, locust until it is stopped.",
    )
    warmup_s: Duration = option(
        2.0,
        Shown("DURATION", name="warmup"),
        "How long to send before measuring starts; 0s for no warm-up.",
        ge=0,
    )
    drain_timeout_s: Duration = option(
        30.0,
        Shown("DURATION", name="drain_timeout"),
        "How long to wait at the end until every sent event is acknowledged, and then again until it is observed.",
        gt=0,
    )
    workload: types.OptionalWorkload = option(
        None,
        Shown("FILE", web=False),
        "Workload file: events of your own schemas, in place of LENS's. See docs/workload.md.",
    )
    topics: tuple[str, ...] = option(TOPIC_NAMES, Shown("NAME,..."), "Topics to write, separated by commas.")
    workers: int = option(
        1, Shown("N", locust=False), "Worker processes. Each runs a generator and an observer.", ge=1, le=64
    )
    repeat: int = option(
        1,
        Shown("N", locust=False),
        "How many times to repeat the run. Three or more give confidence intervals.",
        ge=1,
        le=100,
    )

    @property
    def known_topics(self) -> tuple[str, ...]:
        """Every topic that the source of the events has, in causal order: LENS's, or those of the workload."""
        return tuple(topic.name for topic in self.workload.topics) if self.workload else TOPIC_NAMES

    @model_validator(mode="before")
    @classmethod
    def _all_topics_of_a_workload(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was given
        if isinstance(values, dict) and values.get("workload"):
            return {"topics": None, **values}
        return values

    @field_validator("topics", mode="before")
    @classmethod
    def _topics_that_there_are(cls, value: object, info: ValidationInfo) -> object:
        workload = info.data.get("workload")
        known = tuple(topic.name for topic in workload.topics) if workload else TOPIC_NAMES
        chosen = known if value is None and workload else types.topics(value, known)
        if workload:
            workload.check_share(chosen)
        return chosen

    def is_flat_out(self, *, by_users: bool) -> bool:
        """Whether there is no schedule, but as many events as acknowledgements allow: by Locust's users, or by --rate."""
        return math.isinf(self.user_rate if by_users else self.rate)

    @model_validator(mode="after")
    def _no_profile_without_a_schedule(self) -> Self:
        if math.inf in (self.rate, self.user_rate) and self.profile != Profile.parse("constant"):
            raise ValueError(
                "A rate of max has no schedule that a profile could change: leave out the profile, or give a rate."
            )
        return self


class Producer(Group):
    """How events are encoded and sent."""

    acks: Annotated[Literal["all", "1", "0"], types.NumberAsText] = option(
        "all", Shown("ACKS"), "Which replicas must have an event before it counts as acknowledged."
    )
    linger_ms: float = option(
        5.0,
        Shown("NUMBER"),
        "How long the producer waits for a batch to fill, in milliseconds.",
        ge=0,
        le=900_000,
    )
    compression: Literal["none", "lz4", "zstd", "snappy", "gzip"] = option(
        "none", Shown("NAME"), "How batches are compressed."
    )
    serializer: Literal["fragments", "fastavro", "confluent"] = option(
        "fragments",
        Shown("NAME"),
        "How events are encoded; the bytes are the same. fragments encodes in batches and is fast;"
        " fastavro and confluent (AvroSerializer) encode and time each event by itself.",
    )
    verify_per_s: int = option(
        50,
        Shown("N"),
        "How many randomly drawn events/s are also encoded by the Confluent AvroSerializer. They are"
        " timed one by one and compared byte for byte.",
        ge=0,
        le=100_000,
    )
    evolve: types.Changeovers = option(
        (),
        Shown("TOPIC=FILE@SHARE", web=False),
        "Write a share of a topic's events with a newer version of its schema: TOPIC=FILE@SHARE."
        " TOPIC=FILE@FROM-TO changes the share during the run. Several are separated by commas.",
    )


class Views(Group):
    """The files that show a run to people and machines; None: not written."""

    html: types.OptionalPath = option(
        None,
        Shown("FILE.html", web=False, locust_flag="--run-html"),
        "Report as one HTML file that opens without a network.",
    )
    csv: types.OptionalPath = option(
        None,
        Shown("FILE.csv", web=False, locust_flag="--run-csv"),
        "Time series of the run as CSV, one row a second.",
    )
    summary: types.OptionalPath = option(
        None,
        Shown("FILE.md", web=False),
        "Summary as Markdown, for a CI job's summary page. It is appended to the file of $GITHUB_STEP_SUMMARY, and"
        " replaces any other.",
    )
    junit: types.OptionalPath = option(
        None, Shown("FILE.xml", web=False), "Verdict and objectives as JUnit XML, which CI servers show."
    )


class Outputs(Views):
    """Where the result goes."""

    run_file: types.FilePath = option(
        Path("run.json"), Shown("FILE", web=False), "The result of the run, as JSON."
    )
    prometheus_port: int = option(
        0,
        Shown("PORT", web=False),
        "Port on which live metrics are served to Prometheus, at /metrics, during the run. 0: none.",
        ge=0,
        le=65_535,
    )
    prometheus_host: str = option(
        "127.0.0.1", Shown("HOST", web=False), "Address on which live metrics are served.", min_length=1
    )
    web: types.WebAddress = option(
        None,
        Shown("[HOST:]PORT", web=False, locust=False, bare="8090"),
        "Serve a live page, with a dial for the rate, during the run and until Ctrl-C. The port is 8090 and the host"
        " 127.0.0.1 unless given.",
    )
    web_allowed_hosts: types.Names = option(
        (),
        Shown("NAME,...", web=False),
        "Host names by which the live page may be reached, such as that of a proxy, separated by commas. IP addresses,"
        " localhost and names without a dot are always allowed; other names are refused, against DNS rebinding.",
    )


class Criteria(Thresholds):
    """What the verdict goes by: the objectives of the run, and the thresholds of every run."""

    slo: types.Objectives = option(
        (),
        Shown("EXPRESSION", several=True),
        "Objective that must hold, or the run fails, such as 'end_to_end.p99 < 50ms'. A latency is"
        " [TOPIC.]STAGE.STATISTIC in us, ms, s, m or h (mean, min, max, p50 to p99.99); others are a count ('lost == 0'),"
        " a rate ('achieved_per_s >= 5000') and 'achieved', in percent of the target."
        " May be repeated; several in one text are separated by commas.",
    )
