"""What is started for the length of a `with` block, and closed in any case."""

from abc import ABC, abstractmethod
from typing import Self


class Context(ABC):
    """Starts when the block begins; is closed when it ends, and when the start fails."""

    @abstractmethod
    def start(self) -> None:
        """Make it ready to be used."""

    @abstractmethod
    def close(self) -> None:
        """End it and delete what it left, however far the start came."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
