"""What the page may ask of whoever makes runs."""

from collections.abc import Mapping
from typing import Any, Protocol


class RunControl(Protocol):
    """Starts and stops runs for the page. Each method may be called by any thread, and returns soon.

    Attributes:
        door: what the process is, "locust" or "bench".
        address: of Locust's own page, relative to this one; "" where there is none.
    """

    door: str
    address: str

    def target(self) -> str:
        """Where the load of the next run goes, for a person."""
        ...

    def form(self) -> list[dict[str, Any]]:
        """The fields of the form that starts a run, in groups (`form.groups`), with what they held last."""
        ...

    def start(self, values: Mapping[str, Any]) -> None:
        """Start a run with what the form holds.

        Raises:
            LensloadError: a value is wrong, or a run is on.
        """
        ...

    def stop(self) -> None:
        """Stop the run that is on: it is drained, which takes a while."""
        ...
