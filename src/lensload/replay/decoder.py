"""From a value's bytes to its record: by the schema that wrote it, resolved to the reader's where there is one."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastavro import schemaless_reader
from fastavro.read import SchemaResolutionError

from lensload.replay.batch import Batch, Kind
from lensload.schema.writer_schemas import WriterSchemas


class Decoder:
    """Judges and decodes the messages of batches; never raises for what a message holds.

    Args:
        topics: the names of the topics, in the order in which batches number them.
        writers: the schemas by id.
        readers: the reader's schema of each topic, parsed; empty to keep every record as it was written.
        deep: decode every value; otherwise only headers are judged, and there are no records.
    """

    def __init__(
        self, topics: tuple[str, ...], writers: WriterSchemas, readers: Mapping[str, Any], *, deep: bool
    ) -> None:
        self._topics = topics
        self._writers = writers
        self._readers = readers
        self._deep = deep

    def judge(self, batch: Batch) -> tuple[dict[int, Any], dict[int, str]]:
        """Decode what can be, and say in `batch.kind` what each message is.

        Returns:
            The record at each place that has one, and what more is known of rejects at theirs.

        Raises:
            RegistryError: the registry does not answer, or refuses.
        """
        self._judge_ids(batch)
        records: dict[int, Any] = {}
        details: dict[int, str] = {}
        if self._deep:
            for place in np.flatnonzero(batch.kind == Kind.GOOD).tolist():
                kind, outcome = self._decoded(batch, place)
                if kind is Kind.GOOD:
                    records[place] = outcome
                else:
                    batch.kind[place], details[place] = kind, outcome
        return records, details

    def _judge_ids(self, batch: Batch) -> None:
        """Ask once for each id that a batch holds; a batch holds few."""
        self._number_guids(batch)
        good = batch.kind == Kind.GOOD
        for number in np.unique(batch.schema_id[good]).tolist():
            if not self._writers.known(number):
                batch.kind[good & (batch.schema_id == number)] = Kind.UNKNOWN_ID

    def _number_guids(self, batch: Batch) -> None:
        """Put the registry's number in place of each GUID."""
        for topic, number in {
            (int(batch.topic[place]), int(batch.schema_id[place]))
            for place in np.flatnonzero((batch.kind == Kind.GOOD) & (batch.schema_id < 0)).tolist()
        }:
            guid = batch.guids[-1 - number]
            found = self._writers.number_of(guid, self._topics[topic])
            rows = (batch.schema_id == number) & (batch.topic == topic)
            if found is None:
                batch.kind[rows] = Kind.UNKNOWN_ID
            else:
                batch.schema_id[rows] = found

    def _decoded(self, batch: Batch, place: int) -> tuple[Kind, Any]:
        writer = self._writers.find(int(batch.schema_id[place]))
        if writer is None or writer.parsed is None:
            return Kind.UNUSABLE_SCHEMA, writer.trouble if writer else ""
        reader = self._readers.get(self._topics[batch.topic[place]])
        data = batch.data(place)
        stream = io.BytesIO(data)
        try:
            record = schemaless_reader(stream, writer.parsed, reader)
        except SchemaResolutionError as error:
            return Kind.UNRESOLVED, f"schema id {writer.schema_id}: {error}"
        except Exception as error:  # noqa: BLE001 - fastavro meets garbage with whatever Python raises there
            return Kind.UNFIT, f"schema id {writer.schema_id}: {type(error).__name__}: {error}"
        if left := len(data) - stream.tell():
            return Kind.UNFIT, f"schema id {writer.schema_id}: {left} bytes are left over behind the record"
        return Kind.GOOD, record
