"""What a generator encodes by, made and warmed up before the first event is due."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.audit import Audit, ConfluentSerializer
from lensload.encoding.encoders import Encoder, FragmentEncoder, RecordEncoder, fastavro_serializer
from lensload.encoding.mixed_versions import MixedEncoder, Rollout
from lensload.kafka.preflight import Surroundings, Version
from lensload.metrics.by_second import StatsBySecond
from lensload.processes.messages import ConfigureGenerator


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoder of a run, and what holds it to its promise.

    Attributes:
        encoder: of all topics.
        audit: compares events with Confluent's serializer.
        rollouts: the topics that change over, by name.
        serializers: Confluent's, with the topic of each: one a version of its schema.
    """

    encoder: Encoder
    audit: Audit
    rollouts: Mapping[str, Rollout]
    serializers: tuple[tuple[str, ConfluentSerializer], ...]

    @classmethod
    def of(cls, order: ConfigureGenerator, found: Surroundings, stats: StatsBySecond) -> Self:
        """The encoding that the configuration asks for, by the schemas that the preflight found."""
        producer = order.config.producer
        encoders: list[Encoder] = []
        serializers: dict[int, ConfluentSerializer] = {}
        by_topic: list[tuple[str, ConfluentSerializer]] = []
        for version in found.versions:
            texts = {topic: text for topic, text in version.texts.items() if topic in order.names}
            confluent = ConfluentSerializer(found.registry.client, texts, order.names, _fixed(version))
            encoders.append(_encoder(producer.serializer, version, confluent))
            serializers |= dict.fromkeys(version.ids.values(), confluent)
            by_topic += [(topic, confluent) for topic in texts]
        rollouts = {change.topic: Rollout(change, order.config.world.seed) for change in producer.evolve}
        older, *newer = encoders
        encoder = MixedEncoder(older, newer[0], rollouts) if newer else older
        return cls(encoder, Audit(serializers, producer.verify_per_s, stats), rollouts, tuple(by_topic))

    def warm_up(self, outline: Iterable[TopicBatch], rehearsal: Iterable[TopicBatch]) -> None:
        """Do once what the first event would otherwise wait for: fragments, and each serializer's set-up.

        Args:
            outline: an empty batch of each topic.
            rehearsal: batches with an event of each topic, which nobody is sent.
        """
        for batch in outline:
            self.encoder.encode(batch)
        for batch in rehearsal:
            for topic, serialize in self.serializers:
                if batch.topic == topic and len(batch):
                    serialize(topic, next(batch.records()))


def _encoder(name: str, version: Version, confluent: ConfluentSerializer) -> Encoder:
    if name == "fragments":
        return FragmentEncoder(version.schemas, version.ids, version.keys)
    by_fastavro = fastavro_serializer(version.schemas, version.ids)
    return RecordEncoder(confluent if name == "confluent" else by_fastavro, version.keys)


def _fixed(version: Version) -> dict[str, tuple[str, int]]:
    return {topic: (subject, version.ids[topic]) for topic, subject in version.subjects.items()}
