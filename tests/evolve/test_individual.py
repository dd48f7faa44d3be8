"""Fitness as DEAP sees it, and results over replicates."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from deap import base, tools
from hypothesis import given
from hypothesis import strategies as st

from evolve.individual import ExactSum, Fitness, Individual, Results
from fitness.result import Evaluation, Objective, Outcome

NLL = Objective("nll", "minimise", "nats per token")
GOOD = Objective("good", "maximise", "in [0, 1]")


def evaluation(value: float, **scores: float) -> Evaluation:
    return Evaluation.ok({"nll": value, "good": value}, scores=scores)


class TestFitness:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_only_finite_values_reach_deap(self, value: float) -> None:
        with pytest.raises(ValueError, match=rf"\(1.0, {value!r}\); all of them have to be finite"):
            Fitness((1.0, 1.0), (1.0, value))

    def test_why_nan_must_not_reach_deap(self) -> None:
        class Plain(base.Fitness):  # type: ignore[misc]
            weights = (1.0,)

        assert Plain((math.nan,)) > Plain((3.0,))
        assert Plain((3.0,)) > Plain((math.nan,))

    def test_weights_other_than_plus_and_minus_one_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"\(0.1,\); each has to be 1.0 or -1.0"):
            Fitness((0.1,))

    def test_copies_keep_values_and_weights(self) -> None:
        fitness = Fitness((1.0, -1.0), (2.0, 3.0))
        for twin in (copy.deepcopy(fitness), pickle.loads(pickle.dumps(fitness))):  # noqa: S301
            assert (twin.values, twin.weights) == ((2.0, 3.0), (1.0, -1.0))

    @given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
    def test_values_come_back_unchanged(self, first: float, second: float) -> None:
        assert Fitness((1.0, -1.0), (first, second)).values == (first, second)


class TestExactSum:
    @given(st.lists(st.floats(-1e100, 1e100), max_size=12))
    def test_it_is_fsum_of_all_terms(self, terms: list[float]) -> None:
        total = ExactSum()
        for term in terms:
            total.add(term)
        assert total.value == math.fsum(terms)


class TestResults:
    def test_a_draw_counts_once(self) -> None:
        results = Results([GOOD])
        results.add(2, evaluation(0.5))
        with pytest.raises(ValueError, match="Replicate 2 has an OK evaluation already"):
            results.add(2, evaluation(0.6))

    def test_means_are_over_ok_replicates_whatever_their_order(self) -> None:
        values = [0.1, 0.7, 0.3, 1e3, -1e3]
        forward, backward = Results([GOOD]), Results([GOOD])
        for number in range(5):
            forward.add(number, evaluation(values[number], **{f"p{number}": values[number]}))
            other = 4 - number
            backward.add(other, evaluation(values[other], **{f"p{other}": values[other]}))
        forward.add(5, Evaluation.failed(Outcome.CRASH, "died"))
        assert (forward.means, forward.standard_error) == (backward.means, backward.standard_error)
        assert (forward.num_replicates, len(forward.by_replicate)) == (5, 6)

    def test_a_minimised_leading_objective_is_turned(self) -> None:
        results = Results([NLL, GOOD])
        results.add(0, evaluation(2.0, a=1.0, b=3.0))
        assert results.means == {"nll": 2.0, "good": 2.0}
        assert results.leading == -2.0
        assert results.lower_confidence_bound(2.0) == -2.0 - 2.0 * results.standard_error

    def test_standard_error_pools_distinct_prompts(self) -> None:
        results = Results([GOOD])
        results.add(0, evaluation(0.5, a=0.0, b=1.0))
        results.add(1, evaluation(0.5, c=0.0, d=1.0))
        assert results.standard_error == pytest.approx(np.std([0, 1, 0, 1], ddof=1) / 2)

    def test_a_prompt_seen_twice_is_not_two_prompts(self) -> None:
        results = Results([GOOD])
        results.add(0, evaluation(0.5, a=0.0, b=1.0))
        before = results.standard_error
        results.add(1, evaluation(0.5, a=0.0, b=1.0))
        assert results.standard_error == before

    def test_without_scores_replicates_stand_for_prompts(self) -> None:
        results = Results([GOOD])
        results.add(0, evaluation(1.0))
        assert results.standard_error == math.inf
        assert results.lower_confidence_bound(1.0) == -math.inf
        results.add(1, evaluation(2.0))
        assert results.standard_error == pytest.approx(0.5)

    def test_nothing_ok_has_no_fitness(self) -> None:
        results = Results([GOOD])
        results.add(0, Evaluation.failed(Outcome.OOM, "9 GB"))
        assert (results.fitness, results.means, results.leading) == (None, {}, -math.inf)
        with pytest.raises(ValueError, match="'b0' has no OK evaluation"):
            _ = individual("b0", results).fitness


def individual(name: str, results: Results) -> Individual:
    return Individual(name, name, "[]", (), "random", 0, results)


def test_deap_selects_individuals_as_they_are() -> None:
    everyone = []
    for number in range(5):
        results = Results([NLL])
        results.add(0, evaluation(float(number)))
        everyone.append(individual(f"b{number}", results))
    assert [one.id for one in tools.selBest(everyone, 2)] == ["b0", "b1"]
    assert everyone[0].evaluations[0].objectives["nll"] == 0.0
