"""Non-dominated fronts that are kept up while individuals come and go, instead of being sorted anew each time.

DEAP's sort of 1,000 individuals takes milliseconds, and a steady state would pay for it at every birth. Here a birth
touches the fronts that it changes. Fronts, their inner order and crowding distances are those of DEAP's
``sortLogNondominated`` and ``assignCrowdingDist`` on the same individuals sorted by key, to the last bit; tests
compare.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from evolve.individual import Individual

Place = tuple[tuple[float, ...], str]
"""An individual by its losses (objectives turned so that lower is better) and its key; fronts are sorted by it."""

_Floats = npt.NDArray[np.float64]


class Fronts:
    """Fronts of individuals with distinct keys, best first (Deb et al. 2002; levels updated as in Li et al. 2017,
    "Efficient nondomination level update method for steady-state evolutionary multiobjective optimization").
    """

    def __init__(self, individuals: Iterable[Individual] = ()) -> None:
        """The fronts of these individuals."""
        self._places: dict[str, tuple[int, Place]] = {}  # key -> rank, place
        self._fronts: list[_Front] = []
        self._signs: tuple[float, ...] = ()
        for one in sorted(individuals, key=_place):  # The best first: then nobody is pushed down.
            self.add(one)
        self.measure()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def standing(self, key: str) -> tuple[int, float, str]:
        """(front, minus crowding distance, key): the lower the better."""
        rank, place = self._places[key]
        return rank, -float(self._fronts[rank].crowding[self._fronts[rank].index(place)]), key

    def worst(self) -> str:
        """The key with the highest standing."""
        last = self._fronts[-1]
        (tied,) = np.nonzero(last.crowding == last.crowding.min())
        return max(last.order[index][1] for index in tied)

    def add(self, individual: Individual) -> None:
        """Take in an individual; crowding distances are stale until ``measure``."""
        self._signs = individual.fitness.weights
        place = _place(individual)
        low, high = 0, len(self._fronts)
        while low < high:  # Who is dominated in a front is dominated in every better one.
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._fronts[middle].has_dominator(place[0]) else (low, middle)
        moving = [place]
        for rank in range(low, len(self._fronts)):
            pushed = self._fronts[rank].take_dominated(np.array([losses for losses, _ in moving]))
            self._fronts[rank].insert(moving)
            self._note(rank, moving)
            if not pushed:
                return
            moving = pushed
        self._fronts.append(_Front(moving))
        self._note(len(self._fronts) - 1, moving)

    def remove(self, key: str) -> None:
        """Let an individual go. The distances of its neighbours stay as they were until ``measure``."""
        first, place = self._places.pop(key)
        self._fronts[first].delete([place])
        gone = [place]
        for rank in range(first + 1, len(self._fronts)):
            above, front = self._fronts[rank - 1], self._fronts[rank]
            risen = [one for one in front.dominated_by(gone) if not above.has_dominator(one[0])]
            if not risen:
                break
            front.delete(risen)
            above.insert(risen)
            self._note(rank - 1, risen)
            gone = risen
        if not self._fronts[-1].order:
            self._fronts.pop()

    def measure(self) -> None:
        """Measure the crowding distances of the fronts that changed."""
        for front in self._fronts:
            if front.is_stale:
                front.crowding = crowding_distances(front.losses, self._signs)
                front.is_stale = False

    def _note(self, rank: int, places: Iterable[Place]) -> None:
        for place in places:
            self._places[place[1]] = rank, place


class _Front:
    """Places in order, with their losses and crowding distances as rows."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.order = sorted(places)
        self.losses: _Floats = np.array([losses for losses, _ in self.order])
        self.crowding: _Floats = np.zeros(len(self.order))
        self.is_stale = True

    def index(self, place: Place) -> int:
        return bisect_left(self.order, place)

    def has_dominator(self, losses: tuple[float, ...]) -> bool:
        # Whoever dominates stands before in lexicographic order.
        before = self.losses[: bisect_left(self.order, (losses, ""))]
        return bool((before <= losses).all(axis=1).any())

    def dominated_by(self, places: Sequence[Place]) -> list[Place]:
        return [self.order[index] for index in self._dominated(np.array([losses for losses, _ in places]))]

    def take_dominated(self, losses: _Floats) -> list[Place]:
        """Those that one of the given rows dominates, taken out."""
        indices = self._dominated(losses)
        taken = [self.order[index] for index in indices]
        if taken:
            self._delete_at(indices)
        return taken

    def insert(self, places: Sequence[Place]) -> None:
        for place in places:
            index = self.index(place)
            self.order.insert(index, place)
            self.losses = np.insert(self.losses, index, place[0], axis=0) if self.losses.size else np.array([place[0]])
            self.crowding = np.insert(self.crowding, index, 0.0)
        self.is_stale = True

    def delete(self, places: Sequence[Place]) -> None:
        self._delete_at([self.index(place) for place in places])

    def _dominated(self, losses: _Floats) -> list[int]:
        if not self.losses.size:
            return []
        is_worse = np.zeros(len(self.losses), dtype=bool)
        for row in losses:
            is_worse |= (row <= self.losses).all(axis=1) & (row != self.losses).any(axis=1)
        return [int(index) for index in np.nonzero(is_worse)[0]]

    def _delete_at(self, indices: Sequence[int]) -> None:
        for index in sorted(indices, reverse=True):
            del self.order[index]
        self.losses = np.delete(self.losses, indices, axis=0)
        self.crowding = np.delete(self.crowding, indices)
        self.is_stale = True


def crowding_distances(losses: _Floats, weights: Sequence[float]) -> _Floats:
    """What ``deap.tools.emo.assignCrowdingDist`` gives a front with these losses (a row each), by row."""
    count, num_objectives = losses.shape
    distances = np.zeros(count)
    order = np.arange(count)
    for column, weight in enumerate(weights):
        values = -weight * losses[:, column]
        order = order[np.argsort(values[order], kind="stable")]  # one sort after the other, as DEAP's: ties show it
        ordered = values[order]
        distances[order[0]] = distances[order[-1]] = np.inf
        if ordered[0] == ordered[-1]:
            continue
        distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / (num_objectives * (ordered[-1] - ordered[0]))
    return distances


def _place(individual: Individual) -> Place:
    return tuple(-value for value in individual.fitness.wvalues), individual.key
