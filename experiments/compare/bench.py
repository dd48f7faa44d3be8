"""The account of one method with one seed: every evaluation of the search goes through here and is charged.

An evaluation is charged when a (genome key, replicate) is asked for the first time by this method with this seed.
Asking again is free and tells nothing new, as in the engine, which recognises duplicates before anything runs; a method
that proposes nothing but duplicates is stopped at ``PROPOSALS_PER_EVALUATION`` times its budget. What other methods or
seeds have computed is charged all the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.evaluator import EvaluationRequest, Evaluator
from evolve.individual import Results
from evolve.jobs import SEARCH_PANEL
from experiments.compare.task import Task
from fitness.result import Evaluation, Objective
from genomes.graph.genome import Genome

if TYPE_CHECKING:
    from evolve.settings import SearchSettings

PROPOSALS_PER_EVALUATION = 20

CONFIDENCE_Z = 1.64
"""Under noise, leaders are ranked by the mean less so many standard errors."""


class BudgetSpentError(Exception):
    """The budget is spent; a method lets it pass."""


@dataclass(frozen=True, slots=True)
class Step:
    """One charged evaluation.

    Attributes:
        key: Identity of the genome.
        genome: Its canonical JSON.
        replicate: Which draw of prompts and seeds.
        evaluation: The result.
    """

    key: str
    genome: str
    replicate: int
    evaluation: Evaluation


class Bench:
    """Scores what a method proposes, until the budget is spent.

    Attributes:
        task: What is searched.
        search: How the engine's modes search.
        seed: Decides every draw of the method.
        budget: Evaluations that may be charged.
        directory: A folder for the method's own files, empty.
        steps: The charged evaluations in order.
    """

    def __init__(
        self, task: Task, evaluator: Evaluator, *, search: SearchSettings, budget: int, seed: int, directory: Path
    ) -> None:
        self.task = task
        self.search = search
        self.seed = seed
        self.budget = budget
        self.directory = directory
        self.steps: list[Step] = []
        self._evaluator = evaluator
        self._known: dict[tuple[str, int], Evaluation] = {}
        self._num_proposals = 0

    def evaluation(self, request: EvaluationRequest) -> Evaluation:
        """The evaluation of a request on the search panel.

        Raises:
            BudgetSpentError: It would have to be charged, and nothing is left.
        """
        return self._charged(self.task.space.key(self.task.space.from_json(request.genome)), request)

    def loss(self, genome: Genome) -> float:
        """The leading objective of a genome on the first replicate, turned so that lower is better; inf if it failed.

        Raises:
            BudgetSpentError: See ``evaluation``.
        """
        request = EvaluationRequest(self.task.space.to_json(genome), SEARCH_PANEL, 0)
        evaluation = self._charged(self.task.space.key(genome), request)
        objective = self.task.objective
        return objective.loss(evaluation.objectives[objective.name]) if evaluation.is_ok else math.inf

    def _charged(self, key: str, request: EvaluationRequest) -> Evaluation:
        self._num_proposals += 1
        if (key, request.replicate) not in self._known:
            if len(self.steps) >= self.budget:
                raise BudgetSpentError
            evaluation = self._evaluator.evaluate(request)
            self._known[key, request.replicate] = evaluation
            self.steps.append(Step(key, request.genome, request.replicate, evaluation))
        if self._num_proposals > PROPOSALS_PER_EVALUATION * self.budget:
            raise BudgetSpentError
        return self._known[key, request.replicate]


@dataclass(frozen=True, slots=True)
class Leader:
    """A genome that a search found, with what the search knows of it.

    Attributes:
        key: Identity.
        genome: Canonical JSON.
        value: Mean of the leading objective over its replicates on the search panel.
    """

    key: str
    genome: str
    value: float


def leaders(steps: Sequence[Step], task: Task, *, count: int) -> list[Leader]:
    """The best genomes of some steps, best first; under noise by lower confidence bound."""
    objectives: tuple[Objective, ...] = (task.objective,)
    results: dict[str, Results] = {}
    genomes: dict[str, str] = {}
    for step in steps:
        if step.evaluation.is_ok:
            genomes.setdefault(step.key, step.genome)
            results.setdefault(step.key, Results(objectives)).add(
                step.replicate, restricted(step.evaluation, objectives)
            )
    z = CONFIDENCE_Z if task.is_noisy else 0.0
    ranked = sorted(results, key=lambda key: (-results[key].lower_confidence_bound(z), key))[:count]
    return [Leader(key, genomes[key], results[key].means[task.objective.name]) for key in ranked]


def restricted(evaluation: Evaluation, objectives: Sequence[Objective]) -> Evaluation:
    """An evaluation with some of its objectives; its metrics still hold all of them."""
    kept = {one.name: evaluation.objectives[one.name] for one in objectives} if evaluation.is_ok else {}
    return replace(evaluation, objectives=kept)
