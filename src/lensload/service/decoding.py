"""Records of the requests' and the answers' topic, decoded by the schemas that wrote them, whoever that was."""

import io
from typing import Any, Final
from uuid import UUID

from fastavro import schemaless_reader

from lensload.config.model import REQUESTS, RESPONSES
from lensload.schema.writer_schemas import WriterSchemas
from lensload.service.answers import SchemaId

_HEADER_BYTES: Final = 5
_FIELDS: Final = {
    REQUESTS: {"userId", "modelName", "numRecommendations"},
    RESPONSES: {"userId", "modelName", "recommendations", "processingTime", "status"},
}


class RecordReader:
    """Decodes values.

    Args:
        writers: the schemas by id.
    """

    def __init__(self, writers: WriterSchemas) -> None:
        self._writers = writers

    def read(self, topic: str, value: bytes, schema_id: SchemaId) -> dict[str, Any] | None:
        """The record that a value holds behind five bytes; None where its schema is not known, does not fit it, or is of something else.

        Raises:
            RegistryError: the registry does not answer.
        """
        number = self._writers.number_of(schema_id, topic) if isinstance(schema_id, UUID) else schema_id
        writer = None if number is None else self._writers.find(number)
        if writer is None or writer.parsed is None:
            return None
        stream = io.BytesIO(value)
        stream.seek(_HEADER_BYTES)
        try:
            record: Any = schemaless_reader(stream, writer.parsed, None)
        except Exception:  # noqa: BLE001 - fastavro meets garbage with whatever Python raises there
            return None
        return record if _FIELDS[topic] <= record.keys() else None
