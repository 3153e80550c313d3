"""The fields of a run's configuration, in groups: cluster, load, producer, outputs, criteria. A new option is a field here.

The world's group is `lensload.world.parameters`. The description of a field is its help text on the command line and
in the web form; its first sentence is shown with an error.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lensload.config.types import (
    Addresses,
    Changeovers,
    NumberAsText,
    Objectives,
    OptionalDuration,
    OptionalPath,
    RateProfile,
    RegistryUrl,
    TopicPrefix,
    Topics,
    WebAddress,
)
from lensload.pacing.profile import Profile
from lensload.schema.definitions import TOPIC_NAMES
from lensload.values import Duration, Group, Shown
from lensload.verdict.thresholds import Thresholds


class Registry(Group):
    """Where the schemas are registered, and under which names."""

    registry_url: Annotated[
        RegistryUrl,
        Field(
            description="Address of the Schema Registry, such as http://localhost:8081. mock:// does without one: the"
            " schema ids are then invented, and no other program can decode the events."
        ),
        Shown("URL", web=False),
    ] = None
    topic_prefix: Annotated[
        TopicPrefix,
        Field(description="Prefix of every topic and subject, for clusters that are shared with others."),
        Shown("TEXT"),
    ] = ""


class Cluster(Registry):
    """Where the topics are, and how they are created. Without an address: the embedded cluster."""

    bootstrap_servers: Annotated[
        Addresses,
        Field(
            description="Addresses of the Kafka cluster: host:port, several with commas between. Without it lensload"
            " starts an embedded cluster, which measures the client and not a broker."
        ),
        Shown("HOST:PORT", web=False),
    ] = None
    client_config: Annotated[
        OptionalPath,
        Field(
            description="File of librdkafka properties for security and tuning (key=value lines, # comments)."
            " Credentials belong there, never in a flag."
        ),
        Shown("FILE", web=False),
    ] = None
    partitions: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="Partitions of each topic that is created. Existing topics keep theirs.",
        ),
        Shown("N"),
    ] = 4
    replication_factor: Annotated[
        int, Field(ge=1, le=32, description="Replicas of each topic that is created."), Shown("N")
    ] = 1

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
    def embedded(self) -> bool:
        """No address was given: the run takes place on the embedded cluster."""
        return self.bootstrap_servers is None


class Load(Group):
    """How many events, for how long, from how many processes."""

    rate: Annotated[
        float,
        Field(gt=0, le=1e8, description="Target rate of the whole run, in events/s over all topics."),
        Shown("NUMBER", locust=False),
    ] = 5000.0
    user_rate: Annotated[
        float,
        Field(
            gt=0,
            le=1e8,
            description="Target rate of one Locust user, in events/s. Each user is a part of the audience.",
        ),
        Shown("NUMBER", bench=False),
    ] = 100.0
    profile: Annotated[
        RateProfile,
        Field(
            description="How the rate changes over time: constant, poisson, ramp[:FROM-TO], steps[:F,F,...],"
            " spike[:FACTOR[@FROM-TO]] or day. Add +poisson to any of them for random arrivals.",
        ),
        Shown("PROFILE", locust_flag="--rate-profile"),
    ] = Profile.parse("constant")
    duration_s: Annotated[
        OptionalDuration,
        Field(
            description="How long to measure after the warm-up, such as 30s, 2m or 1h30m; also the period of the"
            " profile. Default: bench measures for 30s, locust until it is stopped.",
        ),
        Shown("DURATION", name="duration"),
    ] = None
    warmup_s: Annotated[
        Duration,
        Field(ge=0, description="How long to send before measuring starts; 0s for no warm-up."),
        Shown("DURATION", name="warmup"),
    ] = 2.0
    drain_timeout_s: Annotated[
        Duration,
        Field(
            gt=0,
            description="How long to wait at the end until every sent event is acknowledged and observed.",
        ),
        Shown("DURATION", name="drain_timeout"),
    ] = 30.0
    topics: Annotated[
        Topics,
        Field(description="Topics to write, with commas between."),
        Shown("NAME,..."),
    ] = TOPIC_NAMES
    workers: Annotated[
        int,
        Field(ge=1, le=64, description="Worker processes. Each runs a generator and an observer."),
        Shown("N", locust=False),
    ] = 1
    repeat: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="How many times to repeat the run. Three or more give confidence intervals.",
        ),
        Shown("N", locust=False),
    ] = 1


class Producer(Group):
    """How events are encoded and sent."""

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
    serializer: Annotated[
        Literal["fragments", "fastavro", "confluent"],
        Field(
            description="How events are encoded; the bytes are the same. fragments encodes in batches and is fast;"
            " fastavro and confluent (AvroSerializer) encode and time each event by itself."
        ),
        Shown("NAME"),
    ] = "fragments"
    verify_per_s: Annotated[
        int,
        Field(
            ge=0,
            le=100_000,
            description="How many randomly drawn events/s are also encoded by the Confluent AvroSerializer. They are"
            " timed one by one and compared byte for byte.",
        ),
        Shown("N"),
    ] = 50
    evolve: Annotated[
        Changeovers,
        Field(
            description="Write a share of a topic's events with a newer version of its schema: TOPIC=FILE@SHARE."
            " TOPIC=FILE@FROM-TO changes the share during the run. Several with commas between."
        ),
        Shown("TOPIC=FILE@SHARE", web=False),
    ] = ()


class Views(Group):
    """The files that show a run to people and machines; None: not written."""

    html: Annotated[
        OptionalPath,
        Field(description="Report as one HTML file that opens without a network."),
        Shown("FILE.html", web=False, locust_flag="--run-html"),
    ] = None
    csv: Annotated[
        OptionalPath,
        Field(description="Time series of the run as CSV, one row a second."),
        Shown("FILE.csv", web=False, locust_flag="--run-csv"),
    ] = None
    summary: Annotated[
        OptionalPath,
        Field(
            description="Summary as Markdown, for a CI job's summary page. $GITHUB_STEP_SUMMARY is appended to."
        ),
        Shown("FILE.md", web=False),
    ] = None
    junit: Annotated[
        OptionalPath,
        Field(description="Verdict and objectives as JUnit XML, which CI servers show."),
        Shown("FILE.xml", web=False),
    ] = None


class Outputs(Views):
    """Where the result goes."""

    run_file: Annotated[
        Path,
        Field(description="The result of the run, as JSON."),
        Shown("FILE", web=False),
    ] = Path("run.json")
    prometheus_port: Annotated[
        int,
        Field(
            ge=0,
            le=65_535,
            description="Port on which live metrics are served to Prometheus, at /metrics, during the run. 0: none.",
        ),
        Shown("PORT", web=False),
    ] = 0
    prometheus_host: Annotated[
        str,
        Field(min_length=1, description="Address on which live metrics are served."),
        Shown("HOST", web=False),
    ] = "127.0.0.1"
    web: Annotated[
        WebAddress,
        Field(
            description="Serve a live page there, with a dial for the rate, during the run and until Ctrl-C. Without a"
            " value at port 8090; without a host on 127.0.0.1.",
        ),
        Shown("[HOST:]PORT", web=False, locust=False, bare="8090"),
    ] = None


class Criteria(Thresholds):
    """What the verdict goes by: the objectives of the run, and the thresholds of every run."""

    slo: Annotated[
        Objectives,
        Field(
            description="Objective that must hold, or the run fails, such as 'end_to_end.p99 < 50ms'. A latency is"
            " [TOPIC.]STAGE.STATISTIC in us, ms or s (mean, min, max, p50 to p9999); others are a count ('lost == 0'),"
            " a rate ('achieved_per_s >= 5000') and 'achieved', in percent of the target."
            " May be repeated; in one text, with commas between.",
        ),
        Shown("EXPRESSION", several=True),
    ] = ()
