"""Series that stay short however long a run is: what a screen cannot show is not kept, sent or drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Thinned(Generic[T]):
    """Every n-th of the points that are offered, n doubling whenever there are more than ``capacity``.

    Args:
        capacity: Most points kept.
        every: n at the beginning.
    """

    def __init__(self, *, capacity: int, every: int = 1) -> None:
        self.points: list[T] = []
        self._capacity = capacity
        self._every = every
        self._num_offered = 0

    def offer(self, make: Callable[[], T]) -> None:
        """Take in a point where it is its turn; ``make`` is called for those alone."""
        if self._num_offered % self._every == 0:
            self.points.append(make())
            if len(self.points) > self._capacity:
                self.points = self.points[::2]
                self._every *= 2
        self._num_offered += 1


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most ``count`` of the items at equal distances, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(place * (len(items) - 1) / (count - 1))] for place in range(count)]
