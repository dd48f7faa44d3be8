"""Compositions that are evaluated in batches: against each alone, and one history for any number of workers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolve.errors import RunInterruptedError
from evolve.evaluator import BatchEvaluator, EvaluationRequest
from evolve.testing import EvaluatorContract
from evolve.workers import SerialPool, WorkerSettings
from experiments.config import load_experiment
from experiments.problems.compositions.evaluator import CompositionEvaluatorFactory
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.runs.carrying_out import create_run, open_run
from fitness.result import Outcome
from genomes.running.compilation import compile_genome
from genomes.running.lockstep import LockstepModel, Question, lockstep_models
from tests.evolve.toy import ToyPool, interrupt_at_a_commit
from tests.experiments.tiny_experiment import write_experiment

SEARCH = {"population": 6, "tournament": 3, "lag": 6, "batch": 3, "rescore_every": 4, "rescore_top": 2}


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> PreparedCompositions:
    directory = tmp_path_factory.mktemp("tiny")
    fitness = {"prompts_per_evaluation": 4, "objectives": ["coherence", "nll"]}
    path = write_experiment(directory, search=SEARCH, budget={"births": 9}, fitness=fitness)
    return prepare(load_experiment(path, []), is_serial=True)


def requests(problem: PreparedCompositions, *, count: int) -> list[EvaluationRequest]:
    rng = np.random.default_rng(7)
    genomes = [problem.space.random(rng=rng) for _ in range(count)]
    return [EvaluationRequest(problem.space.to_json(one), "search", place % 2) for place, one in enumerate(genomes)]


class TestEvaluator(EvaluatorContract):
    @pytest.fixture(autouse=True)
    def _of_the_problem(self, problem: PreparedCompositions) -> None:
        self.problem = problem

    def factory(self) -> CompositionEvaluatorFactory:
        return self.problem.factory

    def requests(self) -> list[EvaluationRequest]:
        batch = requests(self.problem, count=6)
        batch.insert(2, EvaluationRequest("{}", "search", 0))
        return [*batch, replace(batch[0], panel="test", replicate=0)]

    def test_batches_may_hold_what_is_invalid_and_another_panel(self) -> None:
        evaluator = self.factory()()
        assert isinstance(evaluator, BatchEvaluator)
        found = evaluator.evaluate_batch(self.requests())
        assert found[2].outcome is Outcome.INVALID
        assert found[-1].answers


class TestAnswers:
    def test_further_replicates_answer_the_same_prompts_with_other_seeds(self, problem: PreparedCompositions) -> None:
        size = problem.factory.num_windows("test")
        (_, genome), *_ = problem.space.founders()
        first, second = problem.factory().evaluate_batch(
            [EvaluationRequest(problem.space.to_json(genome), "test", replicate) for replicate in (0, size)]
        )
        assert first.answers.keys() == second.answers.keys() == first.groups.keys()
        assert first.answers != second.answers
        assert first.details["nll"] == second.details["nll"]  # The search selects on it.

    def test_what_is_the_same_for_all_answers_comes_with_the_first(self, problem: PreparedCompositions) -> None:
        factory = replace(problem.factory, operators=problem.factory.operators[:1])  # coherence alone
        size = factory.num_windows("test")
        (_, genome), *_ = problem.space.founders()
        first, second = factory().evaluate_batch(
            [EvaluationRequest(problem.space.to_json(genome), "test", replicate) for replicate in (0, size)]
        )
        assert {"nll", "human_coherence"} <= first.details.keys()
        assert not {"nll", "human_coherence"} & second.details.keys()
        assert first.details["coherence"].keys() == second.details["coherence"].keys()

    def test_likelihoods_by_length_are_those_of_all_replies_at_once(self, problem: PreparedCompositions) -> None:
        (_, genome), *_ = problem.space.founders()
        request = EvaluationRequest(problem.space.to_json(genome), "validation", 0)
        evaluator = problem.factory()
        (together,) = evaluator.evaluate_batch([request])
        assert together.details["nll"] == pytest.approx(evaluator.evaluate(request).details["nll"], rel=1e-5)
        assert together.details["nll"] == evaluator.evaluate_batch([request])[0].details["nll"]

    def test_groups_are_the_documents_and_a_search_keeps_none(self, problem: PreparedCompositions) -> None:
        (_, genome), *_ = problem.space.founders()
        evaluator, text = problem.factory(), problem.space.to_json(genome)
        known = {example.id: example.group for example in problem.factory.panels["validation"]}
        kept = evaluator.evaluate(EvaluationRequest(text, "validation", 0)).groups
        assert kept.items() <= known.items()
        assert kept
        assert not evaluator.evaluate(EvaluationRequest(text, "search", 0)).groups


def test_one_history_for_any_number_of_workers_and_a_resumed_run(problem: PreparedCompositions, tmp_path: Path) -> None:
    digests = set()
    for name, pool in {
        "serial": SerialPool(problem.factory, WorkerSettings()),
        "two": ToyPool(problem.factory, capacity=2, seed=4),  # type: ignore[arg-type]
    }.items():
        with pool, create_run(tmp_path / name, problem) as run:
            run.advance(pool)
            digests.add(run.trajectory_digest)
    with SerialPool(problem.factory, WorkerSettings()) as pool:
        with create_run(tmp_path / "cut", problem) as run:
            with pytest.raises(RunInterruptedError):
                run.advance(pool, interrupt_at_a_commit)
            assert run.state.num_births < 9
        with open_run(tmp_path / "cut", problem) as run:
            run.advance(pool)
            digests.add(run.trajectory_digest)
    assert len(digests) == 1


def test_models_answer_other_questions_alone(problem: PreparedCompositions) -> None:
    (_, genome), *_ = problem.space.founders()
    phenotype = compile_genome(genome, problem.catalogue)
    contexts = [example.context for example in problem.factory.panels["search"][:2]]
    (model,) = lockstep_models([Question(phenotype, contexts, [1, 2])])
    assert isinstance(model, LockstepModel)
    assert model.answer(contexts, seeds=[1, 2]) == phenotype.answer(contexts, seeds=[1, 2])
    assert model.answer(contexts, seeds=[3, 4]) == phenotype.answer(contexts, seeds=[3, 4])
    assert model.num_tokens(["yes"]) == phenotype.num_tokens(["yes"])
    assert model.active_parameters_per_token == phenotype.active_parameters_per_token
