"""Records of the requests' and the answers' topic, decoded by the schemas that wrote them, whoever that was."""

import io
from typing import Any, Final

from fastavro import schemaless_reader

from lensload.config.model import REQUESTS, RESPONSES
from lensload.schema.writer_schemas import WriterSchemas

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

    def read(self, topic: str, value: bytes, schema_id: int) -> dict[str, Any] | None:
        """The record; None where its schema is not known, does not fit it, or is of something else.

        Raises:
            RegistryError: the registry does not answer.
        """
        writer = self._writers.find(schema_id)
        if writer is None or writer.parsed is None:
            return None
        stream = io.BytesIO(value)
        stream.seek(_HEADER_BYTES)
        try:
            record: Any = schemaless_reader(stream, writer.parsed, None)
        except Exception:  # noqa: BLE001 - fastavro meets garbage with whatever Python raises there
            return None
        return record if _FIELDS[topic] <= record.keys() else None
