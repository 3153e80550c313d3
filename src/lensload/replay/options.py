"""What is to be replayed, and what is to be done with it, as it stands on the command line."""

from dataclasses import dataclass
from pathlib import Path

from lensload.errors import UsageError
from lensload.files.folder import Format
from lensload.replay.pace import Pace
from lensload.replay.printer import Layout
from lensload.replay.start import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """The options of a replay.

    Attributes:
        topics: names without prefix.
        start: --start; None if not given.
        group: --group.
        partitions: --partition; empty for all.
        follow: --follow.
        as_version: --as-version.
        layout: --print.
        limit: --limit.
        file_format: --output-format.
        folder: --output-dir, with --output-format.
        into: --into-topic, without prefix.
        speed: --speed; None if not given.
        decode: --decode.
        rejects: --rejects; None if not given.
    """

    topics: tuple[str, ...]
    start: str | None = None
    group: str | None = None
    partitions: tuple[int, ...] = ()
    follow: bool = False
    as_version: str | None = None
    layout: Layout | None = None
    limit: int | None = None
    file_format: Format | None = None
    folder: Path | None = None
    into: str | None = None
    speed: str | None = None
    decode: bool = False
    rejects: Path | None = None

    @property
    def deep(self) -> bool:
        """Values are to be decoded; otherwise their headers are all that is looked at."""
        return bool(self.layout or self.folder or self.decode or self.as_version)

    @property
    def counting(self) -> bool:
        """Messages are only counted, because nothing else is done with them."""
        return not (self.layout or self.folder or self.into)

    @property
    def begin(self) -> Start | None:
        """Where to begin, if that was said."""
        return Start.parse(self.start) if self.start else None

    @property
    def pace(self) -> Pace:
        """How fast to write into another topic."""
        return Pace.parse(self.speed or "full")

    def check(self) -> None:
        """Find what cannot be, or contradicts itself.

        Raises:
            UsageError: something does.
        """
        _ = self.begin, self.pace
        if bool(self.file_format) != bool(self.folder):
            raise UsageError(
                "--output-format and --output-dir go together.", "Give --output-format avro --output-dir DIR."
            )
        if self.limit is not None and not self.layout:
            raise UsageError(
                "--limit says how many messages to print.", "Give --print table or --print jsonl."
            )
        if self.speed is not None and not self.into:
            raise UsageError(
                "--speed is the pace of --into-topic.", "Give --into-topic TOPIC, or leave out --speed."
            )
        if self.into in self.topics:
            raise UsageError(
                f"--into-topic {self.into} is one of the topics to replay.", "Give another topic."
            )
        if self.group and self.partitions:
            raise UsageError(
                "A group shares out the partitions itself.", "Give --group or --partition, not both."
            )
        if self.as_version and self.into and not (self.layout or self.folder or self.decode):
            raise UsageError(
                "--into-topic copies the bytes as they are, whatever --as-version says.",
                "Leave one of the two out.",
            )
