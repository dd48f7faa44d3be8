"""What every search mode keeps, and what is particular to each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from deap import tools
from hypothesis import given
from hypothesis import strategies as st

from evolve.errors import SettingsError
from evolve.individual import Individual, Results
from evolve.selection import (
    NSGA2,
    NSGA3,
    SPEA2,
    Aging,
    Islands,
    Lexicase,
    MapElites,
    RandomSearch,
    Selection,
    selection_for,
)
from evolve.selection.lexicase import mean_scores
from evolve.settings import Descriptor, SearchSettings
from evolve.testing import SelectionContract
from evolve.testing.selections import OBJECTIVES, Told, add_evaluation, made_up_individual
from fitness.result import Evaluation, Objective

GRID = (Descriptor(metric="a", low=0, high=4, cells=2), Descriptor(metric="b", low=0, high=4, cells=2))
KINDS: dict[type[Selection], Any] = {
    Aging: "aging",
    NSGA2: "nsga2",
    NSGA3: "nsga3",
    SPEA2: "spea2",
    Lexicase: "lexicase",
    MapElites: "mapelites",
    RandomSearch: "random",
}
VALUES = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
BIRTHS = st.lists(VALUES, min_size=1, max_size=14)
# A birth of one of a few keys, which is a rescoring where the key was seen before and the flag is set.
STORIES = st.lists(st.tuples(st.sampled_from("abcdefghij"), VALUES, st.booleans()), min_size=1, max_size=25)


def settings(kind: type[Selection], **changes: Any) -> SearchSettings:
    grid = GRID if kind is MapElites else ()
    return SearchSettings(mode=KINDS[kind], **{"population": 5, "tournament": 3, "descriptors": grid, **changes})


def filled(kind: type[Selection], births: Sequence[Sequence[float]], **changes: Any) -> Selection:
    selection = kind(settings(kind, **changes))
    for number, values in enumerate(births):
        selection.admit(made_up_individual(number, *values))
    return selection


def ids(individuals: Sequence[Individual]) -> list[str]:
    return [one.id for one in individuals]


@pytest.mark.parametrize("kind", KINDS)
class TestEverySelection(SelectionContract):
    @pytest.fixture(autouse=True)
    def _of_this_kind(self, kind: type[Selection]) -> None:
        self.kind = kind

    def selection(self) -> Selection:
        return self.kind(settings(self.kind))

    @given(births=BIRTHS)
    def test_the_population_grows_to_its_size(self, kind: type[Selection], births: Any) -> None:
        population = filled(kind, births).population
        assert (1 <= len(population) <= 4) if kind is MapElites else len(population) == min(len(births), 5)

    def test_its_mode_gives_it(self, kind: type[Selection]) -> None:
        assert isinstance(selection_for(settings(kind)), kind)


class TestAging:
    def test_the_oldest_dies_however_good(self) -> None:
        selection = filled(Aging, [(9, 0), *[(1, 1)] * 5])
        assert ids(selection.population) == ["b1", "b2", "b3", "b4", "b5"]

    def test_a_tournament_over_everybody_is_won_by_the_best(self) -> None:
        # Drawn 60 times out of three, it is missed once in 10 ** 10.
        selection = filled(Aging, [(1, 1), (3, 1), (2, 1)], population=60, tournament=60)
        assert ids(selection.parents(1, rng=np.random.default_rng(0))) == ["b1"]

    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_the_best_wins_as_often_as_it_is_drawn(self, size: int) -> None:
        selection = filled(Aging, [(value, 1) for value in range(5)], tournament=size)
        wins = Counter(ids(selection.parents(2000, rng=np.random.default_rng(0))))
        assert wins["b4"] / 2000 == pytest.approx(1 - (4 / 5) ** size, abs=0.04)


class TestRandomSearch:
    def test_nobody_breeds(self) -> None:
        assert filled(RandomSearch, [(1, 1)]).parents(2, rng=np.random.default_rng(0)) == []


class TestNSGA2:
    @pytest.mark.parametrize("num_objectives", [1, 2, 3])
    @given(story=STORIES, size=st.integers(1, 9))
    def test_those_of_the_better_fronts_stay(self, num_objectives: int, story: Any, size: int) -> None:
        selection = NSGA2(settings(NSGA2, population=size, tournament=1))
        told = Told(selection, num_objectives=num_objectives)
        for number, step in enumerate(story):
            before = list(selection.population)
            told.tell(number, *step)
            gone = [one for one in before if one not in selection.population]
            if len(before) == size and gone:
                last = tools.sortNondominated([*selection.population, *gone], size + 1)[-1]
                assert gone[0] in last

    @pytest.mark.parametrize("size", range(1, 10))
    def test_any_number_of_parents_comes_out_of_any_population(self, size: int) -> None:
        selection = filled(NSGA2, [(value, value) for value in range(size)], population=9)
        for count in range(1, 14):
            assert len(selection.parents(count, rng=np.random.default_rng(count))) == count

    def test_one_individual_per_key_and_the_first_stays(self) -> None:
        selection = NSGA2(settings(NSGA2))
        for number, key, value in ((0, "same", 1), (1, "other", 2), (2, "same", 1)):
            selection.admit(made_up_individual(number, value, value, key=key))
        assert ids(selection.population) == ["b0", "b1"]

    def test_a_front_is_preferred_to_the_next(self) -> None:
        selection = filled(NSGA2, [(4, 0), (0, 4)])
        parents = selection.parents(40, rng=np.random.default_rng(0))
        assert sum(one.id == "b0" for one in parents) > 25

    def test_crowding_that_another_island_measured_is_not_trusted(self) -> None:
        line = [(value, value) for value in range(5)]
        one, other = filled(NSGA2, line), filled(NSGA2, line)
        expected = ids(one.parents(8, rng=np.random.default_rng(0)))
        for individual in one.population:
            individual.fitness.crowding_dist = float(individual.birth == 2)
        assert ids(one.parents(8, rng=np.random.default_rng(0))) == expected
        assert ids(other.parents(8, rng=np.random.default_rng(0))) == expected


class TestNSGA3:
    @given(births=st.lists(VALUES, min_size=6, max_size=14))
    def test_the_first_front_stays_where_it_has_room(self, births: Any) -> None:
        selection = filled(NSGA3, births)
        everyone = [made_up_individual(number, *values) for number, values in enumerate(births)]
        best = max(one.fitness.wvalues for one in everyone)
        assert best in {one.fitness.wvalues for one in selection.population}

    @pytest.mark.parametrize("offset", [0, 100, -100])
    def test_the_population_spreads_over_directions_wherever_the_front_lies(self, offset: int) -> None:
        line = [(offset + value, value) for value in (0, 10, 0.125, 0.25, 5, 0.5, 2.5, 7.5)]
        kept = sorted(one.fitness.values[1] for one in filled(NSGA3, line).population)
        assert kept == [0, 2.5, 5, 7.5, 10]


class TestSPEA2:
    def test_whoever_is_close_to_another_goes(self) -> None:
        line = [(value, value) for value in (0, 10, 0.1, 5, 2.5, 7.5)]
        kept = sorted(one.fitness.values[0] for one in filled(SPEA2, line).population)
        assert kept == [0, 2.5, 5, 7.5, 10]


class TestLexicase:
    @given(births=BIRTHS, seed=st.integers(0, 99))
    def test_parents_are_those_of_deap_on_scores_as_fitness(self, births: Any, seed: int) -> None:
        selection = filled(Lexicase, births)
        parents = selection.parents(2, rng=np.random.default_rng(seed))
        random.seed(int(np.random.default_rng(seed).integers(2**63)))
        objectives = [Objective(f"p{place}", "maximise", "") for place in range(3)]
        cases = []
        for one in selection.population:
            results = Results(objectives)
            results.add(0, Evaluation.ok(dict(one.evaluations[0].scores), scores={}))
            cases.append(replace(one, results=results))
        assert ids(parents) == ids(tools.selAutomaticEpsilonLexicase(cases, 2))

    def test_a_specialist_breeds_whose_mean_is_the_worst(self) -> None:
        births = [(5, 5, 0), (5, 5, 0), (6, 4, 0), (0, 0, 9), (4, 6, 0)]
        parents = filled(Lexicase, births).parents(60, rng=np.random.default_rng(0))
        assert sum(one.id == "b3" for one in parents) > 10

    @given(story=STORIES)
    def test_scores_are_means_over_replicates(self, story: Any) -> None:
        selection = Lexicase(settings(Lexicase))
        told = Told(selection)
        for number, step in enumerate(story):
            told.tell(number, *step)
        for one in selection.population:
            answered = [evaluation.scores for evaluation in one.evaluations.values()]
            for prompt, score in mean_scores(one.results).items():
                assert score == pytest.approx(sum(scores[prompt] for scores in answered) / len(answered))

    def test_without_scores_the_objectives_are_the_prompts(self) -> None:
        selection = Lexicase(settings(Lexicase))
        for number, (a, b) in enumerate([(1, 9), (9, 9), (1, 1)]):
            results = Results(OBJECTIVES[:2])
            results.add(0, Evaluation.ok({"a": float(a), "b": float(b)}, scores={}))
            selection.admit(Individual(f"b{number}", f"k{number}", "[]", (), "random", number, results))
        assert {one.id for one in selection.parents(40, rng=np.random.default_rng(0))} == {"b1", "b2"}


class TestMapElites:
    @given(births=BIRTHS)
    def test_the_best_of_every_cell_stays(self, births: Any) -> None:
        best: dict[tuple[bool, bool], str] = {}
        fitness: dict[tuple[bool, bool], tuple[float, float]] = {}
        for number, (a, b, _) in enumerate(births):
            cell = a >= 2, b >= 2
            if (a, -b) > fitness.get(cell, (-1, 0)):
                best[cell], fitness[cell] = f"b{number}", (a, -b)
        assert ids(filled(MapElites, births).population) == [best[cell] for cell in sorted(best)]

    def test_one_whose_results_change_moves_to_its_new_cell(self) -> None:
        selection = filled(MapElites, [(0, 0), (3, 0)])
        add_evaluation(selection.population[0].results, (4, 0))  # on average 2, which is the cell of the other one
        selection.reconsider("k000")
        assert ids(selection.population) == ["b1"]
        add_evaluation(selection.population[0].results, (0, 0))
        selection.reconsider("k001")
        assert ids(selection.population) == ["b1"]

    def test_a_metric_that_evaluations_do_not_have(self) -> None:
        grid = (Descriptor(metric="length", low=0, high=1, cells=2),)
        with pytest.raises(SettingsError, match=r"names the metric 'length', which .* do not have; they have 'a', 'b'"):
            filled(MapElites, [(1, 1)], descriptors=grid)


class TestIslands:
    def made(self, **changes: Any) -> Islands:
        return Islands(settings(Aging, population=6, tournament=1, **{"islands": 3, **changes}), selection_for)

    def test_births_live_on_their_island_and_share_the_population(self) -> None:
        islands = self.made(migration_every=99)
        for number in range(12):
            islands.admit(made_up_individual(number, number, 0))
            islands.migrate_after(number)
        assert ids(islands.population) == ["b6", "b9", "b7", "b10", "b8", "b11"]
        assert ids(islands.of_birth(4).population) == ["b7", "b10"]

    def test_the_best_of_each_goes_to_the_next(self) -> None:
        islands = self.made(migration_every=6)
        for number, value in enumerate((9, 1, 1, 2, 8, 7)):
            islands.admit(made_up_individual(number, value, 0))
            islands.migrate_after(number)
        assert [ids(islands.of_birth(birth).population) for birth in range(3)] == [
            ["b3", "b5"],
            ["b4", "b0"],
            ["b5", "b4"],
        ]

    def test_it_comes_back_from_its_summary(self) -> None:
        islands, restored = self.made(migration_every=4), self.made(migration_every=4)
        born = [made_up_individual(number, number % 5, 0) for number in range(11)]
        for one in born:
            islands.admit(one)
            islands.migrate_after(one.birth)
        restored.restore(islands.summary(), {one.id: one for one in born})
        assert restored.summary() == islands.summary()
        assert restored.population == islands.population
