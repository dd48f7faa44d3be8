"""What the engine relies on in an evaluator and its factory, as tests."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from evolve.evaluator import BatchEvaluator, EvaluationRequest, EvaluatorFactory
from fitness.result import Evaluation


class EvaluatorContract:
    """Equal requests have equal results, which are finite or failed; a factory travels and says what decides results.

    Override ``factory`` and ``requests``.

    Attributes:
        batch_tolerance: How far, relatively, a number of a batch may lie from that of its request alone.
    """

    batch_tolerance = 1e-5

    def factory(self) -> EvaluatorFactory:
        """The factory under test."""
        raise NotImplementedError("Override factory() with the factory that is to be tested.")

    def requests(self) -> Sequence[EvaluationRequest]:
        """Two requests or more, which may hold some that fail."""
        raise NotImplementedError("Override requests() with what the evaluator is to be asked.")

    def test_the_factory_says_what_is_measured(self) -> None:
        """Objectives have names of their own and a direction each."""
        objectives = self.factory().objectives
        assert len({objective.name for objective in objectives}) == len(objectives) > 0
        assert {objective.direction for objective in objectives} <= {"maximise", "minimise"}

    def test_a_factory_that_has_travelled_is_the_same(self) -> None:
        """Factories go to workers as pickles; their versions are compared when a run is resumed."""
        factory = self.factory()
        travelled: EvaluatorFactory = pickle.loads(pickle.dumps(factory))  # noqa: S301 - made in this line
        assert travelled.version == factory.version == self.factory().version != ""
        assert list(travelled.objectives) == list(factory.objectives)

    def test_equal_requests_have_equal_results_in_every_order(self) -> None:
        """On a fresh evaluator and on one that has travelled, whatever was asked before."""
        requests = self.requests()
        here = self.factory()()
        there = pickle.loads(pickle.dumps(self.factory()))()  # noqa: S301 - made in this line
        expected = [_plain(here.evaluate(request)) for request in requests]
        again = [_plain(there.evaluate(request)) for request in reversed(requests)]
        assert again[::-1] == expected

    def test_results_are_finite_or_say_why_not(self) -> None:
        """Selection reads every number of an OK result without looking."""
        factory = self.factory()
        names = {objective.name for objective in factory.objectives}
        evaluator = factory()
        for result in map(evaluator.evaluate, self.requests()):
            if result.is_ok:
                assert result.objectives.keys() == names
                numbers = [*result.objectives.values(), *result.scores.values(), *result.metrics.values()]
                assert all(math.isfinite(number) for number in numbers)
            else:
                assert result.error
                assert not result.objectives

    def test_a_batch_has_the_results_of_its_requests(self) -> None:
        """Where the evaluator takes several requests at a time."""
        evaluator = self.factory()()
        if not isinstance(evaluator, BatchEvaluator):
            return
        requests = self.requests()
        for found, request in zip(evaluator.evaluate_batch(requests), requests, strict=True):
            expected = evaluator.evaluate(request)
            assert (found.outcome, found.error, found.answers) == (expected.outcome, expected.error, expected.answers)
            for name in ("objectives", "scores", "metrics"):
                near = pytest.approx(getattr(expected, name), rel=self.batch_tolerance)
                assert getattr(found, name) == near


def _plain(evaluation: Evaluation) -> Mapping[str, Any]:
    """All of a result but its wall time; metrics may hold times and are left out."""
    document = evaluation.to_json()
    return {name: value for name, value in document.items() if name not in ("seconds", "metrics")}
