"""Whole numbers that come in runs, kept as those runs."""

from bisect import bisect_right


class Spans:
    """A set of whole numbers; its memory is that of its gaps, not of its members."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._starts, number) - 1
        return place >= 0 and number < self._stops[place]

    def __len__(self) -> int:
        return sum(self._stops) - sum(self._starts)

    @property
    def runs(self) -> list[tuple[int, int]]:
        """The runs [from, to), in order; none touches the next."""
        return list(zip(self._starts, self._stops, strict=True))

    def add(self, number: int) -> None:
        """Put a number in, if it is not in already."""
        place = bisect_right(self._starts, number)
        before = self._stops[place - 1] if place else -1
        if place and number < before:
            return
        joins_left = bool(place) and number == before
        joins_right = place < len(self._starts) and self._starts[place] == number + 1
        if joins_left and joins_right:
            self._stops[place - 1] = self._stops.pop(place)
            del self._starts[place]
        elif joins_left:
            self._stops[place - 1] = number + 1
        elif joins_right:
            self._starts[place] = number
        else:
            self._starts.insert(place, number)
            self._stops.insert(place, number + 1)
