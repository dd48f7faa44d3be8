"""Every combiner under its contract (genomes/testing/combiners.py), and each one's own definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS, METHODS, NUMBERS, AnswerCombiner, Ballot, Combiner
from genomes.testing import AnswerCombinerContract, CombinerContract
from genomes.testing.made_up import Inputs, drawn_inputs


def run(name: str, given: Inputs, **genes: float) -> torch.Tensor:
    combiner = COMBINERS[name]
    parameters = {gene: allowed.default for gene, allowed in combiner.parameters.items()} | genes
    weights = given.weights if combiner.has_weights else torch.full_like(given.weights, 1.0 / len(given.weights))
    return combiner.combine(given.logs, weights=weights, evidence=given.evidence, parameters=parameters)


@pytest.mark.parametrize("name", COMBINERS)
class TestCombiners(CombinerContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name
        self.keeps_equal_inputs = name != "vote"  # A vote sharpens: its own share goes to the top choice.

    def method(self) -> Combiner:
        return COMBINERS[self.name]


@pytest.mark.parametrize("name", ANSWER_COMBINERS)
class TestAnswerCombiners(AnswerCombinerContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name
        self.has_ties = name == "answer_vote"  # Of two answers each resembles the other as much.

    def method(self) -> AnswerCombiner:
        return ANSWER_COMBINERS[self.name]


def test_every_method_is_registered_under_its_name() -> None:
    assert {method.name: method for method in METHODS.values()} == {**COMBINERS, **ANSWER_COMBINERS}


def as_probabilities(seed: int) -> tuple[Inputs, np.ndarray, np.ndarray]:
    given = drawn_inputs(seed, num_rows=1, num_positions=1)
    return given, given.logs[:, 0, 0].double().exp().numpy(), given.weights.double().numpy()


@pytest.mark.parametrize("seed", range(5))
class TestDefinitions:
    def check(self, name: str, seed: int, expected: np.ndarray, **genes: float) -> None:
        joint = run(name, as_probabilities(seed)[0], **genes)[0, 0]
        np.testing.assert_allclose(joint.exp().numpy(), expected, atol=1e-5)

    def test_mean(self, seed: int) -> None:
        self.check("mean", seed, as_probabilities(seed)[1].mean(axis=0))

    def test_weighted(self, seed: int) -> None:
        *_, p, w = as_probabilities(seed)
        self.check("weighted", seed, w @ p)

    def test_product(self, seed: int) -> None:
        *_, p, w = as_probabilities(seed)
        pool = np.prod(p ** (2.0 * w[:, None]), axis=0)
        self.check("product", seed, pool / pool.sum(), sharpness=2.0)

    def test_vote(self, seed: int) -> None:
        p = as_probabilities(seed)[1]
        votes = np.bincount(p.argmax(axis=1), minlength=p.shape[1]) / 3
        self.check("vote", seed, 0.75 * votes + 0.25 * p.mean(axis=0), smoothing=0.25)

    def test_bayesian(self, seed: int) -> None:
        given, p, w = as_probabilities(seed)
        posterior = w * np.exp(given.evidence[:, 0, 0].double().numpy()) ** 0.5
        self.check("bayesian", seed, posterior / posterior.sum() @ p, tempering=0.5)

    @pytest.mark.parametrize("confidence", ["entropy", "top"])
    def test_gate(self, seed: int, confidence: str) -> None:
        *_, p, w = as_probabilities(seed)
        sure = (p * np.log(p)).sum(axis=1) if confidence == "entropy" else np.log(p.max(axis=1))
        gates = w * np.exp(2.0 * sure)
        gates[gates.argmin()] = 0.0
        self.check("gate", seed, gates / gates.sum() @ p, active=2, sharpness=2.0, confidence=confidence)  # type: ignore[arg-type]

    def test_stack_without_numbers_is_the_mean(self, seed: int) -> None:
        self.check("stack", seed, as_probabilities(seed)[1].mean(axis=0))


def ballot_of(answers: list[tuple[int, ...]], *, seed: int = 0) -> Ballot:
    rng = np.random.default_rng(seed)
    count = len(answers)

    def table() -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(row) for row in (-5 * rng.random((count, count))).tolist())

    lengths = tuple(tuple(len(answer) for answer in answers) for _ in answers)
    return Ballot(tuple(answers), tuple(range(count)), table(), table(), lengths)


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
    nothing = torch.zeros(3, 2)
    routed = gate.route([[1, 2], [3]], weights=weights, evidence=nothing, parameters=genes)
    moved = gate.route(
        [[1, 2], [3]], weights=weights[order], evidence=nothing, parameters=gate.rearranged(genes, order)
    )
    torch.testing.assert_close(moved, routed[order])
    assert gate.num_numbers(2, gate.rearranged(genes, [0, 2])) == len(gate.rearranged(genes, [0, 2])[NUMBERS])
    assert gate.rearranged({**genes, NUMBERS: ()}, order)[NUMBERS] == ()
