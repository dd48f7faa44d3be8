"""What the engine relies on in a search mode, as tests, on stories of births and of scores that came later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np

from evolve.individual import Individual, Results
from evolve.seeding import seeded_globals
from evolve.selection.base import Selection
from fitness.result import Evaluation, Objective

OBJECTIVES = (Objective("a", "maximise", ""), Objective("b", "minimise", ""), Objective("c", "maximise", ""))
"""The objectives of made-up individuals, with values from 0 to 4; mostly only the first two of them."""


class Step(NamedTuple):
    """One birth of a key, or one more evaluation of a key that was seen before."""

    key: str
    values: Sequence[float]
    is_rescored: bool


class Listener(Protocol):
    """What a story is told to: a selection, or something that is compared with one."""

    def admit(self, newcomer: Individual) -> None:
        """A birth."""

    def reconsider(self, key: str) -> None:
        """Another evaluation."""


class SelectionContract:
    """Population and parents follow from what happened and from the seed; a restored selection goes on alike.

    Override ``selection``.

    Attributes:
        num_stories: How many stories are told.
    """

    num_stories = 60

    def selection(self) -> Selection:
        """An empty selection with a ``population`` of 3 or more; objectives are ``OBJECTIVES``."""
        raise NotImplementedError("Override selection() with an empty selection of the mode that is to be tested.")

    def test_the_population_is_of_the_born_and_within_its_size(self) -> None:
        """Nobody twice, nobody from elsewhere."""
        for _, steps in self._stories():
            selection = self.selection()
            told = Told(selection)
            for number, step in enumerate(steps):
                told.tell(number, *step)
            ids = [one.id for one in selection.population]
            assert 1 <= len(ids) == len(set(ids)) <= selection.settings.population
            assert set(ids) <= {f"b{number}" for number in range(len(steps))}

    def test_parents_follow_from_the_population_and_the_seed(self) -> None:
        """The generators of the process play no part."""
        for seed, steps in self._stories():
            chosen = []
            for noise in (1, 2):
                selection = self.selection()
                told = Told(selection)
                with seeded_globals(np.random.default_rng(noise)):
                    for number, step in enumerate(steps):
                        told.tell(number, *step)
                    parents = selection.parents(1 + seed % 3, rng=np.random.default_rng(seed))
                assert len(parents) in (0, 1 + seed % 3)
                assert {one.id for one in parents} <= {one.id for one in selection.population}
                chosen.append([one.id for one in parents])
            assert chosen[0] == chosen[1]

    def test_one_that_is_restored_goes_on_alike(self) -> None:
        """A resumed run has nothing but the population."""
        for seed, steps in self._stories():
            original, restored = self.selection(), self.selection()
            told = Told(original)
            for number, step in enumerate(steps):
                if number == len(steps) // 2:
                    restored.restore(original.population)
                    told.listeners = (original, restored)
                told.tell(number, *step)
                if number >= len(steps) // 2:
                    assert [one.id for one in original.population] == [one.id for one in restored.population]
                    first, second = (one.parents(2, rng=np.random.default_rng(seed)) for one in (original, restored))
                    assert [one.id for one in first] == [one.id for one in second]

    def test_nobody_breeds_in_an_empty_population(self) -> None:
        """The next birth is then a random genome."""
        assert self.selection().parents(2, rng=np.random.default_rng(0)) == []

    def _stories(self) -> Iterator[tuple[int, list[Step]]]:
        for seed in range(self.num_stories):
            rng = np.random.default_rng(seed)
            keys = rng.choice(list("abcdefghij"), size=int(rng.integers(1, 40)))
            yield seed, [Step(str(key), rng.integers(0, 5, size=3).tolist(), bool(rng.random() < 0.5)) for key in keys]


class Told:
    """A story told to several listeners at once, which share the results of every key."""

    def __init__(self, *listeners: Listener, num_objectives: int = 2) -> None:
        self.listeners: Sequence[Listener] = listeners
        self._num_objectives = num_objectives
        self._results: dict[str, Results] = {}

    def tell(self, number: int, key: str, values: Sequence[float], is_rescored: bool) -> None:
        """A birth, or another evaluation where the key was seen before and ``is_rescored`` says so."""
        if key in self._results and is_rescored:
            add_evaluation(self._results[key], values, num_objectives=self._num_objectives)
            for listener in self.listeners:
                listener.reconsider(key)
            return
        newcomer = made_up_individual(number, *values, key=key, num_objectives=self._num_objectives)
        results = self._results.setdefault(key, newcomer.results)
        for listener in self.listeners:
            listener.admit(replace(newcomer, results=results))


def made_up_individual(number: int, *values: float, key: str | None = None, num_objectives: int = 2) -> Individual:
    """The individual ``b<number>`` with one evaluation, which has these values as objectives and as scores."""
    results = Results(OBJECTIVES[:num_objectives])
    add_evaluation(results, values, num_objectives=num_objectives)
    return Individual(f"b{number}", key or f"k{number:03d}", "[]", (), "random", number, results)


def add_evaluation(results: Results, values: Sequence[float], *, num_objectives: int = 2) -> None:
    """Another evaluation with these values as objectives and as scores."""
    named = {one.name: float(value) for one, value in zip(OBJECTIVES[:num_objectives], values, strict=False)}
    scores = {f"p{place}": float(value) for place, value in enumerate(values)}
    results.add(len(results.by_replicate), Evaluation.ok(named, scores=scores))
