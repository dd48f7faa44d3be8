"""The public contracts notice what they are there for: each is tried on methods and operators that break a promise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from genomes.breeding.mutation import MUTATIONS
from genomes.graph.genome import Genome
from genomes.graph.nodes import ResponseNode
from genomes.methods.combiners import AnswerVote, Bayesian, BestOf, Mean, Product, Weighted
from genomes.methods.merging import Linear
from genomes.methods.ranges import Real
from genomes.testing import AnswerCombinerContract, CombinerContract, MergeMethodContract, OperatorContract


class Unnormalised(Mean):
    def combine(self, log_probabilities, **rest):
        return super().combine(log_probabilities, **rest) + 0.1


class FirstCounts(Mean):
    def combine(self, log_probabilities, **rest):
        return (0.9 * log_probabilities[0].exp() + 0.1 * log_probabilities[1].exp()).log()


class OtherProbabilities(Weighted):
    combine_probabilities = Mean.combine_probabilities


class OtherTargets(Weighted):
    target_log_probabilities = Mean.target_log_probabilities


class OtherAnswers(Product):
    def answer_log_probabilities(self, given):
        found = super().answer_log_probabilities(given)
        return None if found is None else found - 0.1


class Misfitted(Weighted):
    def fitted(self, given, *, optimisers):
        fit = super().fitted(given, optimisers=optimisers)
        return replace(fit, weights=fit.weights[::-1])


class BeyondItsRange(Bayesian):
    parameters: ClassVar[Mapping[str, Any]] = {"tempering": Real(0.5, 2.0, 3.0)}


class LastOfAll(BestOf):
    def choose(self, ballot, *, parameters):
        return len(ballot.answers) - 1


class Unsourced(AnswerVote):
    formula = "the one that I like"


class Sum(Linear):
    def merge(self, tensors, **rest):
        return sum(tensors[1:], tensors[0])


class InPlace(Linear):
    def merge(self, tensors, **rest):
        return tensors[0].mul_(0.5).add_(tensors[1], alpha=0.5)


@pytest.mark.parametrize(
    ("contract", "broken", "test"),
    [
        (CombinerContract, Unnormalised, "test_the_result_is_normalised_and_keeps_shape_and_inputs"),
        (CombinerContract, FirstCounts, "test_commutative_inputs_may_change_places"),
        (CombinerContract, OtherProbabilities, "test_probabilities_are_those_of_combine"),
        (CombinerContract, OtherAnswers, "test_known_tokens_get_what_combine_gives_them"),
        (CombinerContract, OtherTargets, "test_known_tokens_get_what_combine_gives_them"),
        (CombinerContract, Misfitted, "test_fitting_is_never_worse_and_the_same_again"),
        (CombinerContract, BeyondItsRange, "test_parameters_stay_in_their_ranges"),
        (AnswerCombinerContract, LastOfAll, "test_the_order_of_candidates_does_not_matter"),
        (AnswerCombinerContract, Unsourced, "test_it_describes_itself"),
        (MergeMethodContract, Sum, "test_equal_members_give_the_member"),
        (MergeMethodContract, InPlace, "test_inputs_stay_and_shape_and_type_are_kept"),
    ],
)
def test_a_broken_method_is_noticed(contract: type, broken: type, test: str) -> None:
    suite = contract()
    suite.method = broken
    with pytest.raises(AssertionError):
        getattr(suite, test)()


def _too_long(genome: Genome, other: Genome, space: object, rng: np.random.Generator) -> Genome:
    nodes = {
        name: replace(node, max_new_tokens=node.max_new_tokens + 1) if isinstance(node, ResponseNode) else node
        for name, node in genome.nodes.items()
    }
    return Genome(nodes, genome.edges)


def _copy(genome: Genome, other: Genome, space: object, rng: np.random.Generator) -> Genome:
    return Genome(genome.nodes, genome.edges)


def _unseeded(genome: Genome, other: Genome, space: Any, rng: np.random.Generator) -> Genome:
    return MUTATIONS["tweak_gene"][0](genome, space, rng=np.random.default_rng())


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (_too_long, "test_a_child_is_valid_and_canonical"),
        (_copy, "test_parents_stay_and_no_child_is_a_hidden_copy"),
        (_unseeded, "test_a_child_is_a_function_of_genomes_and_seed"),
    ],
)
def test_a_broken_operator_is_noticed(broken: Callable[..., Genome], test: str) -> None:
    suite = OperatorContract()
    suite.child_of = broken  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        getattr(suite, test)()


@pytest.mark.parametrize("contract", [CombinerContract, AnswerCombinerContract, MergeMethodContract])
def test_a_contract_says_what_to_override(contract: type) -> None:
    with pytest.raises(NotImplementedError, match=re.escape("Override method() with the ")):
        contract().test_it_describes_itself()
