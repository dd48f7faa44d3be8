"""The contract of every combiner, and each one's own definition."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS, METHODS, NUMBERS, AnswerCombiner, Ballot, Combiner

VOCABULARY = 7
CASES = st.tuples(st.integers(2, 4), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**20))


def drawn(
    num_inputs: int, num_rows: int, num_positions: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log-probabilities, weights and evidence."""
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(num_inputs, num_rows, num_positions, VOCABULARY, generator=generator)
    weights = torch.rand(num_inputs, generator=generator) + 0.05
    evidence = -5 * torch.rand(num_inputs, num_rows, num_positions, generator=generator)
    return logits.log_softmax(dim=-1), weights / weights.sum(), evidence.cumsum(dim=-1)


def run(
    combiner: Combiner, inputs: torch.Tensor, weights: torch.Tensor, evidence: torch.Tensor, **genes: float
) -> torch.Tensor:
    parameters = {name: values.default for name, values in combiner.parameters.items()} | genes
    if NUMBERS in parameters and not combiner.reads_prompt:
        count = combiner.num_numbers(len(inputs), parameters)
        parameters[NUMBERS] = tuple(np.random.default_rng(0).normal(size=count))
    weights = weights if combiner.has_weights else torch.full_like(weights, 1.0 / len(weights))
    return combiner.combine(inputs, weights=weights, evidence=evidence, parameters=parameters)


@pytest.mark.parametrize("combiner", COMBINERS.values(), ids=COMBINERS)
class TestCombinerContract:
    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_the_result_is_normalised_and_keeps_the_shape(self, combiner: Combiner, case: tuple[int, ...]) -> None:
        inputs, weights, evidence = drawn(*case)
        joint = run(combiner, inputs, weights, evidence)
        assert joint.shape == inputs.shape[1:]
        assert joint.dtype == torch.float32
        torch.testing.assert_close(joint.exp().sum(dim=-1), torch.ones(joint.shape[:-1]), atol=1e-5, rtol=0)

    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_commutative_inputs_may_change_places(self, combiner: Combiner, case: tuple[int, ...]) -> None:
        inputs, weights, evidence = drawn(*case)
        order = torch.arange(len(inputs)).flip(0)
        swapped = run(combiner, inputs[order], weights[order], evidence[order])
        is_equal = torch.allclose(run(combiner, inputs, weights, evidence), swapped, atol=1e-5)
        assert is_equal or not combiner.is_commutative

    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_equal_inputs_keep_their_most_likely_token_and_linear_pools_their_distribution(
        self, combiner: Combiner, case: tuple[int, ...]
    ) -> None:
        inputs, weights, evidence = drawn(*case)
        same = inputs[:1].expand_as(inputs)
        joint = run(combiner, same, weights, evidence[:1].expand_as(evidence))
        if combiner.name == "vote":  # A vote sharpens: its own share goes to the top choice.
            assert torch.equal(joint.argmax(dim=-1), inputs[0].argmax(dim=-1))
        else:
            torch.testing.assert_close(joint, inputs[0], atol=1e-5, rtol=0)

    @given(case=CASES)
    @settings(max_examples=20, deadline=None)
    def test_rows_and_positions_do_not_see_each_other(self, combiner: Combiner, case: tuple[int, ...]) -> None:
        inputs, weights, evidence = drawn(*case)
        joint = run(combiner, inputs, weights, evidence)
        for row, place in itertools.product(range(inputs.shape[1]), range(inputs.shape[2])):
            one = inputs[:, row : row + 1, place : place + 1], evidence[:, row : row + 1, place : place + 1]
            alone = run(combiner, one[0], weights, one[1])
            torch.testing.assert_close(alone[0, 0], joint[row, place], atol=1e-6, rtol=1e-6)

    def test_impossible_tokens_and_texts_give_no_nan(self, combiner: Combiner) -> None:
        inputs = torch.tensor([[0.0, -math.inf, -math.inf], [-1e4, 0.0, -math.inf]])[:, None, None]
        for evidence in (
            torch.tensor([-math.inf, -3.0]),
            torch.tensor([-math.inf, -math.inf]),
            torch.tensor([-1e6, 0.0]),
        ):
            joint = run(combiner, inputs, torch.tensor([0.3, 0.7]), evidence[:, None, None])
            assert not torch.isnan(joint).any()
            assert joint.exp().sum().item() == pytest.approx(1.0, abs=1e-5)

    def test_nothing_needs_a_gradient(self, combiner: Combiner) -> None:
        inputs, weights, evidence = drawn(3, 2, 2, 1)
        with torch.inference_mode():
            assert not run(combiner, inputs, weights, evidence).requires_grad
        assert not run(combiner, inputs, weights, evidence).requires_grad

    def test_a_single_input_has_all_the_weight_of_a_linear_pool(self, combiner: Combiner) -> None:
        """Runtimes bypass combiners with one input left (genomes/running/pruning.py); pools need not know."""
        inputs, _, evidence = drawn(2, 2, 2, 1)
        if combiner.name not in ("vote", "product"):
            joint = run(combiner, inputs[:1], torch.ones(1), evidence[:1])
            torch.testing.assert_close(joint, inputs[0], atol=1e-5, rtol=0)

    def test_it_describes_itself(self, combiner: Combiner) -> None:
        assert combiner.name in COMBINERS
        assert "[" in combiner.formula, "the source of the formula"
        for values in combiner.parameters.values():
            assert values.problem_with(values.default) is None


def as_probabilities(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    inputs, weights, evidence = drawn(3, 1, 1, seed)
    return inputs, weights, evidence, inputs[:, 0, 0].double().exp().numpy(), weights.double().numpy()


@pytest.mark.parametrize("seed", range(5))
class TestDefinitions:
    def check(self, name: str, seed: int, expected: np.ndarray, **genes: float) -> None:
        inputs, weights, evidence, *_ = as_probabilities(seed)
        joint = run(COMBINERS[name], inputs, weights, evidence, **genes)[0, 0]
        np.testing.assert_allclose(joint.exp().numpy(), expected, atol=1e-5)

    def test_mean(self, seed: int) -> None:
        self.check("mean", seed, as_probabilities(seed)[3].mean(axis=0))

    def test_weighted(self, seed: int) -> None:
        *_, p, w = as_probabilities(seed)
        self.check("weighted", seed, w @ p)

    def test_product(self, seed: int) -> None:
        *_, p, w = as_probabilities(seed)
        pool = np.prod(p ** (2.0 * w[:, None]), axis=0)
        self.check("product", seed, pool / pool.sum(), sharpness=2.0)

    def test_vote(self, seed: int) -> None:
        p = as_probabilities(seed)[3]
        votes = np.bincount(p.argmax(axis=1), minlength=VOCABULARY) / 3
        self.check("vote", seed, 0.75 * votes + 0.25 * p.mean(axis=0), smoothing=0.25)

    def test_bayesian(self, seed: int) -> None:
        _, _, evidence, p, w = as_probabilities(seed)
        posterior = w * np.exp(evidence[:, 0, 0].double().numpy()) ** 0.5
        self.check("bayesian", seed, posterior / posterior.sum() @ p, tempering=0.5)

    @pytest.mark.parametrize("confidence", ["entropy", "top"])
    def test_gate(self, seed: int, confidence: str) -> None:
        *_, p, w = as_probabilities(seed)
        sure = (p * np.log(p)).sum(axis=1) if confidence == "entropy" else np.log(p.max(axis=1))
        gates = w * np.exp(2.0 * sure)
        gates[gates.argmin()] = 0.0
        self.check("gate", seed, gates / gates.sum() @ p, active=2, sharpness=2.0, confidence=confidence)  # type: ignore[arg-type]

    def test_stack_without_numbers_is_the_mean(self, seed: int) -> None:
        inputs, weights, evidence, p, _ = as_probabilities(seed)
        genes = {"decay": 1.0, "features": "all", "hidden": 4, NUMBERS: ()}
        joint = COMBINERS["stack"].combine(inputs, weights=weights, evidence=evidence, parameters=genes)
        np.testing.assert_allclose(joint[0, 0].exp().numpy(), p.mean(axis=0), atol=1e-5)


ANSWERS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6).map(tuple), min_size=1, max_size=5)


def ballot_of(answers: list[tuple[int, ...]], *, seed: int = 0) -> Ballot:
    rng = np.random.default_rng(seed)
    count = len(answers)

    def table() -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(row) for row in (-5 * rng.random((count, count))).tolist())

    lengths = tuple(tuple(len(answer) for answer in answers) for _ in answers)
    return Ballot(tuple(answers), tuple(range(count)), table(), table(), lengths)


@pytest.mark.parametrize("combiner", ANSWER_COMBINERS.values(), ids=ANSWER_COMBINERS)
class TestAnswerCombinerContract:
    @given(answers=ANSWERS, seed=st.integers(0, 99))
    @settings(max_examples=30, deadline=None)
    def test_it_chooses_a_candidate_and_the_order_does_not_matter(
        self, combiner: AnswerCombiner, answers: list[tuple[int, ...]], seed: int
    ) -> None:
        for genes in every_choice(combiner):
            ballot = ballot_of(answers, seed=seed)
            place = combiner.choose(ballot, parameters=genes)
            assert 0 <= place < len(answers)
            # Candidates are written by input k of n; turned around, the same answer wins, or one that is as good.
            turned = Ballot(
                ballot.answers[::-1],
                ballot.authors,
                tuple(row[::-1] for row in ballot.conditional[::-1]),
                tuple(row[::-1] for row in ballot.unconditional[::-1]),
                tuple(row[::-1] for row in ballot.num_tokens[::-1]),
            )
            other = turned.answers[combiner.choose(turned, parameters=genes)]
            assert combiner.name != "best_of" or other == answers[place]

    def test_a_single_candidate_wins(self, combiner: AnswerCombiner) -> None:
        for genes in every_choice(combiner):
            assert combiner.choose(ballot_of([(1, 2)]), parameters=genes) == 0

    def test_it_describes_itself(self, combiner: AnswerCombiner) -> None:
        assert METHODS[combiner.name] is combiner
        assert "[" in combiner.formula
        assert "num_samples" in combiner.parameters


def every_choice(combiner: AnswerCombiner) -> list[dict[str, object]]:
    """Default genes, with every option of every choice."""
    genes = {name: values.default for name, values in combiner.parameters.items()}
    options = {name: values.options for name, values in combiner.parameters.items() if hasattr(values, "options")}
    return [genes | {name: option} for name, choices in options.items() for option in choices]


class TestAnswerDefinitions:
    def test_vote_prefers_the_answer_that_the_others_resemble(self) -> None:
        answers = [(1, 2, 3), (9, 9), (1, 2, 4), (1, 2)]
        genes = {"balance": "f1", "num_samples": 1, "order": 2}
        assert answers[ANSWER_COMBINERS["answer_vote"].choose(ballot_of(answers), parameters=genes)] == (1, 2)
        assert ANSWER_COMBINERS["answer_vote"].choose(ballot_of([(1,), (2,), (2,)]), parameters=genes) == 1

    def test_recall_prefers_answers_that_hold_the_others(self) -> None:
        answers = [(1, 2, 3, 4, 5, 6, 7), (1, 2), (1, 3)]
        for balance, winner in (("f1", (1, 2)), ("recall", (1, 2, 3, 4, 5, 6, 7))):
            genes = {"balance": balance, "num_samples": 1, "order": 1}
            chosen = answers[ANSWER_COMBINERS["answer_vote"].choose(ballot_of(answers), parameters=genes)]
            assert chosen == winner

    def test_nobody_judges_his_own_answer(self) -> None:
        """Each input likes its own answer best; the judges differ in what they make of that."""
        ballot = Ballot(
            answers=((1,), (2, 2)),
            authors=(0, 1),
            conditional=((-0.1, -3.0), (-6.0, -9.0)),
            unconditional=((-0.1, -9.0), (-6.0, -9.0)),
            num_tokens=((1, 2), (1, 2)),
        )
        best = ANSWER_COMBINERS["best_of"]
        # Alone: -6 of the other for the first, -3 / 2 of the other for the second.
        assert best.choose(ballot, parameters={"judge": "mutual"}) == 1
        # Together: (-0.1 - 6) / 2 against (-1.5 - 4.5) / 2.
        assert best.choose(ballot, parameters={"judge": "likelihood"}) == 1
        # The first is as likely without the prompt; the second gains 6 nats under one judge.
        assert best.choose(ballot, parameters={"judge": "pmi"}) == 1
        flipped = replace(ballot, conditional=ballot.conditional[::-1])
        assert best.choose(flipped, parameters={"judge": "mutual"}) == 0


def test_fitted_numbers_follow_their_inputs() -> None:
    gate = COMBINERS["prompt_gate"]
    numbers = tuple(float(number) for number in range(3 * 17))
    genes = {"active": 3, "buckets": 16, "decay": 1.0, NUMBERS: numbers}
    weights = torch.tensor([0.2, 0.3, 0.5])
    order = [2, 0, 1]
    routed = gate.route([[1, 2], [3]], weights=weights, parameters=genes)
    moved = gate.route([[1, 2], [3]], weights=weights[order], parameters=gate.rearranged(genes, order))
    torch.testing.assert_close(moved, routed[order])
    assert gate.num_numbers(2, gate.rearranged(genes, [0, 2])) == len(gate.rearranged(genes, [0, 2])[NUMBERS])
    assert gate.rearranged({**genes, NUMBERS: ()}, order)[NUMBERS] == ()
