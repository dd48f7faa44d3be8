"""What every combiner promises, of distributions and of answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from genomes.methods import optimisers
from genomes.methods.combiners import NUMBERS, AnswerCombiner, Ballot, Cases, Combiner, Fit, LearnedPool
from genomes.running.teacher_forcing.weight_fitting import rounded
from genomes.testing.made_up import Inputs, Row, ToldReplies, drawn_inputs, drawn_sizes
from genomes.testing.methods import MethodContract

_FEW = drawn_sizes(8)


class CombinerContract(MethodContract):
    """What a genome of a method of distributions relies on, however it is run. Override ``method``.

    Attributes:
        keeps_equal_inputs: Whether inputs that all say the same give what they say. A method that sharpens, such as a
            vote, sets it to False, and is then held to keep the likeliest token.
    """

    keeps_equal_inputs = True

    def method(self) -> Combiner:
        """The method under test."""
        raise NotImplementedError("Override method() with the combiner that is to be tested.")

    def genes(self, num_inputs: int) -> dict[str, Any]:
        """The parameters, with made-up fitted numbers where the method learns any."""
        genes = self.parameters()
        count = self.method().num_numbers(num_inputs, genes)
        return {**genes, NUMBERS: tuple(np.random.default_rng(0).normal(size=count).tolist())} if count else genes

    def run(self, given: Inputs, genes: Mapping[str, Any] | None = None) -> torch.Tensor:
        """What the method makes of some inputs."""
        genes = self.genes(len(given.logs)) if genes is None else genes
        weights = self.weights_of(given, genes)
        return self.method().combine(given.logs, weights=weights, evidence=given.evidence, parameters=genes)

    def weights_of(self, given: Inputs, genes: Mapping[str, Any]) -> torch.Tensor:
        """The weights that ``combine`` is given: equal where the method has none, routed where it reads the prompt."""
        method, weights = self.method(), given.weights
        if not method.has_weights:
            weights = torch.full_like(weights, 1.0 / len(weights))
        if not method.reads_prompt:
            return weights
        return method.route(given.prompts, weights=weights, evidence=given.prompt_evidence, parameters=genes)

    def test_the_result_is_normalised_and_keeps_shape_and_inputs(self) -> None:
        """Float32 [rows, positions, vocabulary], each row of it summing to 1; what is given is not written into."""
        for seed, sizes in _FEW:
            given = drawn_inputs(seed, **sizes)
            before = given.logs.clone(), given.evidence.clone()
            joint = self.run(given)
            assert joint.shape == given.logs.shape[1:]
            assert joint.dtype == torch.float32
            torch.testing.assert_close(joint.exp().sum(dim=-1), torch.ones(joint.shape[:-1]), atol=1e-5, rtol=0)
            assert torch.equal(given.logs, before[0])
            assert torch.equal(given.evidence, before[1])

    def test_commutative_inputs_may_change_places(self) -> None:
        """With their weights and numbers; else the method says that it is not commutative."""
        for seed, sizes in _FEW if self.method().is_commutative else []:
            given = drawn_inputs(seed, **sizes)
            order = list(range(len(given.logs)))[::-1]
            genes = self.genes(len(order))
            turned = Inputs(
                given.logs[order],
                given.weights[order],
                given.evidence[order],
                given.prompts,
                given.prompt_evidence[order],
            )
            swapped = self.run(turned, self.method().rearranged(genes, order))
            torch.testing.assert_close(swapped, self.run(given, genes), atol=1e-4, rtol=1e-4)

    def test_equal_inputs_give_what_they_say(self) -> None:
        """A mean of equal members is the member."""
        for seed, sizes in _FEW:
            given = drawn_inputs(seed, **sizes)
            same = Inputs(
                given.logs[:1].expand_as(given.logs),
                given.weights,
                given.evidence[:1].expand_as(given.evidence),
                given.prompts,
                given.prompt_evidence[:1].expand_as(given.prompt_evidence),
            )
            joint = self.run(same)
            if self.keeps_equal_inputs:
                torch.testing.assert_close(joint, given.logs[0], atol=1e-5, rtol=0)
            else:
                assert torch.equal(joint.argmax(dim=-1), given.logs[0].argmax(dim=-1))

    def test_a_single_input_is_the_result(self) -> None:
        """Runtimes bypass combiners with one input left (genomes/running/pruning.py); methods need not know."""
        given = drawn_inputs(1, num_inputs=2)
        alone = Inputs(given.logs[:1], torch.ones(1), given.evidence[:1], given.prompts, given.prompt_evidence[:1])
        if self.keeps_equal_inputs:
            torch.testing.assert_close(self.run(alone), given.logs[0], atol=1e-5, rtol=0)

    def test_rows_and_positions_do_not_see_each_other(self) -> None:
        """So that answers do not depend on what else is in their batch."""
        for seed, sizes in _FEW[:4]:
            given = drawn_inputs(seed, **sizes)
            joint = self.run(given)
            for row, place in itertools.product(range(given.logs.shape[1]), range(given.logs.shape[2])):
                one = (slice(None), slice(row, row + 1), slice(place, place + 1))
                of_row = slice(row, row + 1)
                alone = Inputs(
                    given.logs[one],
                    given.weights,
                    given.evidence[one],
                    given.prompts[of_row],
                    given.prompt_evidence[:, of_row],
                )
                torch.testing.assert_close(self.run(alone)[0, 0], joint[row, place], atol=1e-5, rtol=1e-5)

    def test_impossible_tokens_and_texts_give_no_nan(self) -> None:
        """Probabilities of 0, of tokens and of the text so far."""
        logs = torch.tensor([[0.0, -math.inf, -math.inf], [-1e4, 0.0, -math.inf]])[:, None, None]
        for foreseen in ([-math.inf, -3.0], [-math.inf, -math.inf], [-1e6, 0.0]):
            evidence = torch.tensor(foreseen)[:, None, None]
            joint = self.run(Inputs(logs, torch.tensor([0.3, 0.7]), evidence, [[1, 2]], evidence[..., 0]))
            assert not torch.isnan(joint).any()
            assert math.isclose(joint.exp().sum().item(), 1.0, abs_tol=1e-5)

    def test_nothing_needs_a_gradient(self) -> None:
        """In inference mode and outside of it."""
        with torch.inference_mode():
            assert not self.run(drawn_inputs(1)).requires_grad
        assert not self.run(drawn_inputs(1)).requires_grad

    def test_routes_are_shares(self) -> None:
        """Where the method reads the prompt: of each prompt they sum to 1, and no more inputs run than it says."""
        method = self.method()
        for seed, sizes in _FEW if method.reads_prompt else []:
            given = drawn_inputs(seed, **sizes)
            genes = self.genes(len(given.logs))
            routes = self.weights_of(given, genes)
            assert routes.shape == (len(given.logs), len(given.prompts))
            assert bool((routes >= 0).all())
            torch.testing.assert_close(routes.sum(dim=0), torch.ones(len(given.prompts)))
            share = method.active_share(len(given.logs), genes)
            assert 0 < share <= 1
            assert int((routes > 0).sum(dim=0).max()) <= round(share * len(given.logs))

    def test_probabilities_are_those_of_combine(self) -> None:
        """``combine_probabilities`` is ``combine``, where there is one: lockstep answers as a genome alone does."""
        for seed, sizes in _FEW:
            given = drawn_inputs(seed, **{**sizes, "num_positions": 1})
            genes = self.genes(len(given.logs))
            rows = [Row(logs[:, 0].exp()) for logs in given.logs]
            before = [row.probabilities.clone() for row in rows]
            weights = self.weights_of(given, genes)
            joint = self.method().combine_probabilities(
                rows, weights=weights, evidence=given.evidence[..., 0], parameters=genes
            )
            if joint is not None:
                torch.testing.assert_close(joint, self.run(given, genes)[:, 0].exp(), atol=1e-6, rtol=1e-4)
            assert all(torch.equal(row.probabilities, old) for row, old in zip(rows, before, strict=True))

    def test_known_tokens_get_what_combine_gives_them(self) -> None:
        """``target_log_probabilities`` and ``answer_log_probabilities`` are ``combine``, where there are any."""
        for seed, are_members in itertools.product(range(4), (True, False)):
            given = self._told(seed, are_members=are_members)
            for found in (
                self.method().target_log_probabilities(given),
                self.method().answer_log_probabilities(given),
            ):
                if found is not None:
                    expected = self._said(given, Fit(given.weights, given.parameters))
                    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-4)

    def test_fitting_is_never_worse_and_the_same_again(self) -> None:
        """Genes that ``fitted`` gives find the replies at least as likely as neutral ones, and are within ranges."""
        method = self.method()
        for seed in range(4) if method.is_fittable else []:
            given = self._told(seed, are_even=True)
            neutral = Fit(given.weights, given.parameters)
            found = method.fitted(given, optimisers=optimisers)
            assert found == method.fitted(given, optimisers=optimisers)
            assert found is not None
            assert (found.weights is not None) is method.has_weights
            fit = rounded(found, method)
            for name, value in fit.parameters.items():
                assert method.parameters[name].problem_with(value) is None, (name, value)
            weights = given.weights if fit.weights is None else [one / sum(fit.weights) for one in fit.weights]
            fitted = Fit(weights, {**given.parameters, **fit.parameters})
            before, after = (float(self._said(given, genes) @ given.shares) for genes in (neutral, fitted))
            assert after >= before - 1e-4

    def test_fitted_numbers_are_never_worse_and_the_same_again(self) -> None:
        """Where the method learns numbers: they are as many as it says, and better than none."""
        method = self.method()
        if not isinstance(method, LearnedPool):
            return
        given = drawn_inputs(1, num_rows=20, num_positions=1)
        genes = self.parameters()
        features = method.features(given.logs, evidence=given.evidence, prompts=given.prompts, parameters=genes)
        said = given.logs[0].argmax(dim=-1).expand(len(given.logs), -1, -1)[..., None]
        foreseen = given.logs.gather(-1, said)[:, :, 0, 0].double()
        cases = Cases(features[:, :, 0].double(), foreseen)
        even = torch.full((len(foreseen),), 1.0 / len(foreseen), dtype=torch.float64)
        numbers = method.fitted_numbers(cases, weights=even, parameters=genes)
        assert numbers == method.fitted_numbers(cases, weights=even, parameters=genes)
        assert len(numbers) == method.num_numbers(len(foreseen), genes)
        scores = method.scores(cases.features[:, None], torch.tensor(numbers, dtype=torch.float64), genes)[:, 0]
        gates = (even.log()[:, None] + scores).log_softmax(dim=0)
        gained = (gates + foreseen).logsumexp(dim=0).mean() - (even.log()[:, None] + foreseen).logsumexp(dim=0).mean()
        assert float(gained) >= 0

    def _told(self, seed: int, *, are_members: bool = True, are_even: bool = False) -> ToldReplies:
        weights = [0.5, 0.3, 0.2] if self.method().has_weights and not are_even else [1 / 3, 1 / 3, 1 / 3]
        return ToldReplies(seed, parameters=self.genes(3), weights=weights, are_members=are_members)

    def _said(self, given: ToldReplies, genes: Fit) -> Any:
        """The log-probability of every token under ``combine``; the tokens are the batch."""
        joint = self.method().combine(
            given.logs[:, :, None],
            weights=torch.from_numpy(given.routes) if self.method().reads_prompt else torch.tensor(genes.weights),
            evidence=torch.from_numpy(given.evidence)[..., None],
            parameters=genes.parameters,
        )
        return joint[:, 0].gather(-1, given.tokens[:, None])[:, 0].numpy()


class AnswerCombinerContract(MethodContract):
    """What choosing among whole answers relies on. Override ``method``.

    Attributes:
        has_ties: Whether different answers are often equally good; the first of these is chosen.
    """

    has_ties = False

    def method(self) -> AnswerCombiner:
        """The method under test."""
        raise NotImplementedError("Override method() with the combiner of answers that is to be tested.")

    def all_genes(self) -> list[dict[str, Any]]:
        """The parameters, and these with every option of every choice."""
        genes = self.parameters()
        ranges = self.method().parameters.items()
        return [genes] + [
            {**genes, name: option} for name, allowed in ranges for option in getattr(allowed, "options", ())
        ]

    def test_it_says_how_many_answers_it_wants(self) -> None:
        """By the parameter ``num_samples``."""
        assert "num_samples" in self.method().parameters

    def test_a_candidate_is_chosen_and_the_same_again(self) -> None:
        """By its index, whatever the genes."""
        for seed, genes in itertools.product(range(10), self.all_genes()):
            ballot = drawn_ballot(seed)
            place = self.method().choose(ballot, parameters=genes)
            assert 0 <= place < len(ballot.answers)
            assert place == self.method().choose(ballot, parameters=genes)

    def test_the_order_of_candidates_does_not_matter(self) -> None:
        """Turned around, with the inputs that wrote them, the same answer wins."""
        for seed, genes in itertools.product(range(10), [] if self.has_ties else self.all_genes()):
            ballot = drawn_ballot(seed)
            turned = Ballot(
                ballot.answers[::-1],
                ballot.authors,
                tuple(row[::-1] for row in ballot.conditional[::-1]),
                tuple(row[::-1] for row in ballot.unconditional[::-1]),
                tuple(row[::-1] for row in ballot.num_tokens[::-1]),
            )
            winner = ballot.answers[self.method().choose(ballot, parameters=genes)]
            assert turned.answers[self.method().choose(turned, parameters=genes)] == winner

    def test_a_single_candidate_wins(self) -> None:
        """Whatever it says."""
        for genes in self.all_genes():
            assert self.method().choose(drawn_ballot(0, num_answers=1), parameters=genes) == 0


def drawn_ballot(seed: int, *, num_answers: int | None = None) -> Ballot:
    """A ballot that is a function of the seed, with one answer of each input."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6)) if num_answers is None else num_answers
    answers = tuple(tuple(rng.integers(0, 5, rng.integers(1, 7)).tolist()) for _ in range(count))
    conditional, unconditional = (
        tuple(tuple(row) for row in (-5 * rng.random((count, count))).tolist()) for _ in range(2)
    )
    lengths = tuple(tuple(len(answer) for answer in answers) for _ in answers)
    return Ballot(answers, tuple(range(count)), conditional, unconditional, lengths)
