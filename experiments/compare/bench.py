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

from evolve.evaluator import BatchEvaluator, EvaluationRequest, Evaluator
from evolve.gaussian_process import Posterior, Scores, fitted
from evolve.individual import Results
from evolve.jobs import SEARCH_PANEL
from evolve.score_model import FEWEST_SCORES, MOST_SCORES, described_as, scores_of
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
        self._draws: dict[str, int] = {}  # by key, the replicate that ``losses`` asked for
        self._num_batches = 0
        self._num_proposals = 0

    def evaluations(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        """The evaluations of some requests, together where the evaluator takes them so.

        Those of a stage before the search proper ask for no answers and are free.

        Raises:
            BudgetSpentError: One would have to be charged, and nothing is left; what could be paid for is in ``steps``.
        """
        space = self.task.space
        keys = [space.key(space.from_json(request.genome)) for request in requests]
        self._num_proposals += len(requests)
        free = [request for request in requests if request.panel != SEARCH_PANEL]
        found = dict(zip(free, evaluated(self._evaluator, free), strict=True))
        wanted = {
            (key, request.replicate): request
            for key, request in zip(keys, requests, strict=True)
            if request not in found and (key, request.replicate) not in self._known
        }
        affordable = dict(list(wanted.items())[: self.budget - len(self.steps)])
        new = evaluated(self._evaluator, list(affordable.values()))
        for (address, request), evaluation in zip(affordable.items(), new, strict=True):
            self._known[address] = evaluation
            self.steps.append(Step(address[0], request.genome, address[1], evaluation))
        if len(affordable) < len(wanted) or self._num_proposals > PROPOSALS_PER_EVALUATION * self.budget:
            raise BudgetSpentError
        return [
            found[request] if request in found else self._known[key, request.replicate]
            for key, request in zip(keys, requests, strict=True)
        ]

    def losses(self, genomes: Sequence[Genome]) -> list[float]:
        """The leading objective of some genomes, turned so that lower is better; inf for those that failed.

        A genome that was asked for before has the value that it had. The others have the same draw: the first one
        where the search's draws are the same, and else one that nobody had before.

        Raises:
            BudgetSpentError: See ``evaluations``.
        """
        draw = self._num_batches if self._has_fresh_draws else 0
        draws = [self._draws.setdefault(self.task.space.key(genome), draw) for genome in genomes]
        return self._losses(genomes, draws)

    def losses_anew(self, genomes: Sequence[Genome]) -> list[float]:
        """Like ``losses``, on a draw that none of these genomes had before."""
        keys = [self.task.space.key(genome) for genome in genomes]
        known = [sum(key == asked for asked, _ in self._known) for key in keys]
        return self._losses(genomes, [self._num_batches] * len(genomes) if self._has_fresh_draws else known)

    def loss(self, genome: Genome) -> float:
        """``losses`` of one genome."""
        return self.losses([genome])[0]

    @property
    def _has_fresh_draws(self) -> bool:
        return self.task.is_noisy and self.search.draws == "fresh"

    def _losses(self, genomes: Sequence[Genome], draws: Sequence[int]) -> list[float]:
        space, objective = self.task.space, self.task.objective
        self._num_batches += 1
        requests = [
            EvaluationRequest(space.to_json(genome), SEARCH_PANEL, own)
            for genome, own in zip(genomes, draws, strict=True)
        ]
        size = self.search.batch if self.task.is_noisy else max(1, len(requests))
        found = [one for start in range(0, len(requests), size) for one in self.evaluations(requests[start:][:size])]
        return [objective.loss(one.objectives[objective.name]) if one.is_ok else math.inf for one in found]


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


def evaluated(evaluator: Evaluator, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
    """The evaluations of requests in their order, made together where that is faster."""
    if len(requests) > 1 and isinstance(evaluator, BatchEvaluator):
        return list(evaluator.evaluate_batch(requests))
    return [evaluator.evaluate(request) for request in requests]


def leaders(steps: Sequence[Step], task: Task, *, count: int) -> list[Leader]:
    """The best genomes of some steps, best first; under noise as a model of all scores estimates them.

    That is the model of ``search.model: gp``, whatever the method. It needs some scores; by fewer, the best are those
    with the highest lower confidence bounds.
    """
    objectives: tuple[Objective, ...] = (task.objective,)
    results: dict[str, Results] = {}
    genomes: dict[str, str] = {}
    for step in steps:
        if step.evaluation.is_ok:
            genomes.setdefault(step.key, step.genome)
            results.setdefault(step.key, Results(objectives)).add(
                step.replicate, restricted(step.evaluation, objectives)
            )
    scored = [step for step in steps if step.evaluation.is_ok]
    if task.is_noisy and len(scored) >= FEWEST_SCORES:
        for key, worth in _worth(scored[-MOST_SCORES:], task).items():
            results[key].estimate(worth)
        ranked = sorted(results, key=lambda key: (-results[key].leading, key))[:count]
    else:
        z = CONFIDENCE_Z if task.is_noisy else 0.0
        ranked = sorted(results, key=lambda key: (-results[key].lower_confidence_bound(z), key))[:count]
    return [Leader(key, genomes[key], results[key].means[task.objective.name]) for key in ranked]


def _worth(steps: Sequence[Step], task: Task) -> dict[str, float]:
    scores = scores_in(steps, task)
    worth = Posterior(scores, fitted(scores)).of_scored().tolist()
    return dict(zip([step.key for step in steps], worth, strict=True))


def scores_in(steps: Sequence[Step], task: Task) -> Scores:
    """What a Gaussian process learns from: the scores of some steps that are OK, higher is better."""
    objective = task.objective
    described = [described_as(task.space.features(task.space.from_json(step.genome))) for step in steps]
    keys, draws = [step.key for step in steps], [step.replicate for step in steps]
    values = [objective.sign * step.evaluation.objectives[objective.name] for step in steps]
    return scores_of(described, keys, draws, values)


def restricted(evaluation: Evaluation, objectives: Sequence[Objective]) -> Evaluation:
    """An evaluation with some of its objectives; its metrics still hold all of them."""
    kept = {one.name: evaluation.objectives[one.name] for one in objectives} if evaluation.is_ok else {}
    return replace(evaluation, objectives=kept)
