"""How many messages of what: by topic and schema id, and by reason where they could not be used."""

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from lensload.replay.batch import Batch, Kind
from lensload.report.text_table import aligned

VersionOf = Callable[[str, int], int | None]


class Counts:
    """Counts every message once. Exact, and as large as there are topics, schemas and reasons.

    Args:
        topics: the names of the topics, in the order in which batches number them.
    """

    def __init__(self, topics: tuple[str, ...]) -> None:
        self._topics = topics
        self._by_schema: Counter[tuple[int, int]] = Counter()
        self._by_kind: Counter[tuple[int, Kind]] = Counter()

    def count(self, batch: Batch) -> None:
        """Count the messages of a batch that has been judged."""
        good = batch.kind == Kind.GOOD
        joined = (batch.topic << 32 | batch.schema_id)[good]
        for key, count in zip(*np.unique(joined, return_counts=True), strict=True):
            self._by_schema[int(key) >> 32, int(key) & 0xFFFFFFFF] += int(count)
        if good.all():
            return
        joined = (batch.topic << 32 | batch.kind)[~good]
        for key, count in zip(*np.unique(joined, return_counts=True), strict=True):
            self._by_kind[int(key) >> 32, Kind(int(key) & 0xFFFFFFFF)] += int(count)

    @property
    def total(self) -> int:
        """All messages."""
        return self._by_schema.total() + self._by_kind.total()

    @property
    def rejected(self) -> int:
        """Messages kept aside."""
        return sum(count for (_, kind), count in self._by_kind.items() if kind.rejected)

    def by_schema(self) -> dict[tuple[str, int], int]:
        """Messages by topic and id of the schema that wrote them."""
        return {(self._topics[topic], number): n for (topic, number), n in sorted(self._by_schema.items())}

    def by_kind(self) -> dict[tuple[str, Kind], int]:
        """Messages that hold nothing to decode, or cannot be decoded, by topic and kind."""
        return {(self._topics[topic], kind): n for (topic, kind), n in sorted(self._by_kind.items())}

    def table(self, version: VersionOf) -> str:
        """The counts as lines of plain text, fit to paste.

        Args:
            version: the version of a schema id in a topic's subject; None where there is none.
        """
        rows = [("topic", "schema id", "version", "messages"), *self._rows(version)]
        return "".join(f"{line}\n" for line in aligned(rows))

    def _rows(self, version: VersionOf) -> Iterator[tuple[str, str, str, str]]:
        for (topic, number), count in self.by_schema().items():
            known = version(topic, number)
            yield topic, str(number), "-" if known is None else str(known), f"{count:,}"
        for (topic, kind), count in self.by_kind().items():
            yield f"{topic}: {kind.reason}", "-", "-", f"{count:,}"
        yield "total", "", "", f"{self.total:,}"
