"""Who leads, by a number that may change: the first few of many without sorting them all."""

from __future__ import annotations

import heapq


class Ranking:
    """Keys with a number each; the highest first, ties by key.

    A heap in which outdated entries stay until they come up, so that a change costs the logarithm of the size.
    """

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []  # (-value, key)

    def put(self, key: str, value: float) -> None:
        """Give a key its number, in place of any that it had."""
        if self._values.get(key) != value:
            self._values[key] = value
            heapq.heappush(self._heap, (-value, key))

    def first(self, count: int) -> list[str]:
        """The first ``count`` keys, fewer where there are not so many."""
        taken: list[tuple[float, str]] = []
        while self._heap and len(taken) < count:
            entry = heapq.heappop(self._heap)
            is_current = self._values[entry[1]] == -entry[0]
            if is_current and (not taken or taken[-1] != entry):  # A value that comes back is in the heap twice.
                taken.append(entry)
        for entry in taken:
            heapq.heappush(self._heap, entry)
        return [key for _, key in taken]
