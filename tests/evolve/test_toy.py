"""The toy problem keeps the contracts of spaces and evaluators, as any problem has to."""

from __future__ import annotations

from evolve.evaluator import EvaluationRequest
from evolve.testing import EvaluatorContract, SpaceContract
from tests.evolve.toy import COST, QUALITY, ToyFactory, ToySpace


class TestSpace(SpaceContract):
    def space(self) -> ToySpace:
        return ToySpace()


class TestEvaluator(EvaluatorContract):
    def factory(self) -> ToyFactory:
        return ToyFactory(objectives=(QUALITY, COST))

    def requests(self) -> list[EvaluationRequest]:
        space = ToySpace()
        texts = [space.to_json(genome) for _, genome in space.founders()]
        return [EvaluationRequest(text, "search", replicate) for text in texts for replicate in range(2)]
