"""How a coordinator reaches its workers: the seam between a run and what carries its messages."""

from collections.abc import Sequence
from typing import Protocol

from lensload.processes.envelope import Parcel


class Transport(Protocol):
    """Carries parcels to the workers. What comes back, its owner hands to `Coordinator.receive`."""

    @property
    def workers(self) -> Sequence[str]:
        """The ids of the workers that are present now."""
        ...

    def is_lost(self, worker: str) -> bool:
        """Whether a worker that was present cannot be reached any more."""
        ...

    def send(self, worker: str, parcel: Parcel) -> None:
        """Send a parcel to a worker; what happens to it is not known here."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Wait until something was received, or `wake` was called, or the time is over."""
        ...

    def wake(self) -> None:
        """Let whoever waits go on."""
        ...
