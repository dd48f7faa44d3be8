"""What every search mode keeps, and what is particular to each."""

from __future__ import annotations

import random

import numpy as np
import pytest
from deap import tools
from deap.tools.emo import assignCrowdingDist
from hypothesis import assume, given
from hypothesis import strategies as st

from evolve.individual import Individual, Results
from evolve.selection import NSGA2, Aging, RandomSearch, Selection, selection_for
from evolve.settings import SearchSettings
from fitness.result import Evaluation, Objective

OBJECTIVES = (Objective("a", "maximise", ""), Objective("b", "minimise", ""))
PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=14)


def individual(number: int, a: float, b: float, key: str | None = None) -> Individual:
    results = Results(OBJECTIVES)
    results.add(0, Evaluation.ok({"a": float(a), "b": float(b)}, scores={}))
    return Individual(f"b{number}", key or f"k{number:03d}", "[]", (), "random", number, results)


def everyone(pairs: list[tuple[int, int]]) -> list[Individual]:
    return [individual(number, *pair) for number, pair in enumerate(pairs)]


@pytest.mark.parametrize("kind", [Aging, NSGA2, RandomSearch])
class TestEverySelection:
    @given(pairs=PAIRS)
    def test_survivors_are_among_the_population_and_fit_into_it(
        self, kind: type[Selection], pairs: list[tuple[int, int]]
    ) -> None:
        population = everyone(pairs)
        survivors = kind(population=5, tournament=3).survivors(list(population))
        assert len(survivors) == min(len(population), 5)
        assert {one.id for one in survivors} <= {one.id for one in population}

    @given(pairs=PAIRS, num_parents=st.integers(1, 3), seed=st.integers(0, 99))
    def test_parents_are_a_function_of_population_and_seed(
        self, kind: type[Selection], pairs: list[tuple[int, int]], num_parents: int, seed: int
    ) -> None:
        selection, chosen = kind(population=5, tournament=3), []
        for noise in (1, 2):
            random.seed(noise)
            population = selection.survivors(everyone(pairs))
            parents = selection.parents(population, num_parents, rng=np.random.default_rng(seed))
            assert len(parents) in (0, num_parents)
            assert {one.id for one in parents} <= {one.id for one in population}
            chosen.append([one.id for one in parents])
        assert chosen[0] == chosen[1]

    def test_nobody_breeds_in_an_empty_population(self, kind: type[Selection]) -> None:
        selection = kind(population=5, tournament=3)
        assert selection.parents([], 2, rng=np.random.default_rng(0)) == []
        assert selection.survivors([]) == []


class TestAging:
    selection = Aging(population=5, tournament=3)

    def test_the_oldest_dies_however_good(self) -> None:
        population = [individual(0, 9, 0), *(individual(number, 1, 1) for number in range(1, 6))]
        assert [one.birth for one in self.selection.survivors(population)] == [1, 2, 3, 4, 5]

    def test_a_tournament_over_everybody_is_won_by_the_best(self) -> None:
        population = everyone([(1, 1), (3, 1), (2, 1)])
        selection = Aging(population=5, tournament=60)
        assert selection.parents(population, 1, rng=np.random.default_rng(0))[0].id == "b1"


class TestRandomSearch:
    selection = RandomSearch(population=5, tournament=3)

    def test_nobody_breeds(self) -> None:
        assert self.selection.parents(everyone([(1, 1)]), 2, rng=np.random.default_rng(0)) == []


class TestNSGA2:
    selection = NSGA2(population=5, tournament=2)

    @given(pairs=PAIRS, seed=st.integers(0, 99))
    def test_order_of_the_population_does_not_matter(self, pairs: list[tuple[int, int]], seed: int) -> None:
        population = everyone(pairs)
        shuffled = everyone(pairs)
        random.Random(seed).shuffle(shuffled)
        first, second = self.selection.survivors(population), self.selection.survivors(shuffled)
        assert [one.id for one in first] == [one.id for one in second]

    def test_why_order_has_to_be_fixed_before_deap_measures_crowding(self) -> None:
        equals = everyone([(1, 1)] * 4)
        assignCrowdingDist(equals)
        assert [one.fitness.crowding_dist for one in equals] == [np.inf, 0, 0, np.inf]

    @given(st.sets(st.integers(0, 40), min_size=6, max_size=6), st.permutations(range(6)))
    def test_agrees_with_deap_where_nothing_is_tied(self, firsts: set[int], seconds: list[int]) -> None:
        pairs = list(zip(sorted(firsts), [value * value for value in seconds], strict=True))
        population = everyone(pairs)
        survivors = self.selection.survivors(list(population))
        expected = tools.selNSGA2(list(population), 5, nd="log")
        last, next_to_last = sorted((one.fitness.rank, -one.fitness.crowding_dist) for one in population)[:-3:-1]
        assume(last != next_to_last)
        assert {one.id for one in survivors} == {one.id for one in expected}

    def test_one_individual_per_key_and_the_first_stays(self) -> None:
        population = [individual(0, 1, 1, "same"), individual(1, 2, 2), individual(2, 1, 1, "same")]
        assert [one.id for one in self.selection.survivors(population)] == ["b1", "b0"]

    def test_a_front_is_preferred_to_the_next(self) -> None:
        population = self.selection.survivors(everyone([(4, 0), (0, 4)]))
        parents = self.selection.parents(population, 40, rng=np.random.default_rng(0))
        assert [one.fitness.rank for one in population] == [0, 1]
        assert sum(one.id == "b0" for one in parents) > 25


@pytest.mark.parametrize(("mode", "kind"), [("aging", Aging), ("nsga2", NSGA2), ("random", RandomSearch)])
def test_every_mode_has_its_selection(mode: str, kind: type[Selection]) -> None:
    selection = selection_for(SearchSettings(mode=mode, population=7, tournament=3))  # type: ignore[arg-type]
    assert isinstance(selection, kind)
    assert (selection.population, selection.tournament) == (7, 3)
