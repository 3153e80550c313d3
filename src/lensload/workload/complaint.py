"""A complaint about a workload file: which key is wrong, and how, before anybody knows in which line it is."""

from lensload.errors import UsageError
from lensload.workload.lines import Lines, Place


class Complaint(Exception):  # noqa: N818 - a person's word, not a failure of the program
    """Something in a workload file is wrong.

    Args:
        place: the keys that lead to it, from the top of the file.
        message: what is wrong, a sentence.
        hint: what to do about it, a sentence; "" for nothing more to say.
    """

    def __init__(self, place: Place, message: str, hint: str = "") -> None:
        super().__init__(place, message, hint)
        self.place = place
        self.message = message
        self.hint = hint

    @property
    def error(self) -> UsageError:
        """The error that names the key, where there is no file."""
        return UsageError(f"{dotted(self.place)}: {self.message}", self.hint)

    def located(self, name: str, lines: Lines) -> UsageError:
        """The error that names the file, the line and the key."""
        key = dotted(self.place)
        return UsageError(
            f"{name}:{lines.of(self.place)}: {key + ': ' if key else ''}{self.message}", self.hint
        )


def dotted(place: Place) -> str:
    """The key as the file would write it: parts that are no bare keys in quotes."""
    return ".".join(
        part if part.isascii() and part.replace("-", "").replace("_", "").isalnum() else f'"{part}"'
        for part in place
    )
