"""A genome that was scored: its results over replicates, its fitness for DEAP, and its lineage.

Plain module-level classes: no ``deap.creator``, whose classes are process-global and are replaced by every unpickle.
Individuals with equal keys share one ``Results``, so a duplicate is never taken for new evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import base

from fitness.result import Evaluation, Objective


class Fitness(base.Fitness):  # type: ignore[misc]
    """DEAP's fitness with weights of its own instance, and finite values only."""

    def __init__(self, weights: Sequence[float], values: Sequence[float] = ()) -> None:
        """Both in the order of the objectives.

        Raises:
            ValueError: A weight is not +1 or -1, or a value is not finite.
        """
        if any(weight not in (1.0, -1.0) for weight in weights):
            raise ValueError(f"Weights of a fitness are {tuple(weights)!r}; each has to be 1.0 or -1.0.")
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"Values of a fitness are {tuple(values)!r}; all of them have to be finite.")
        self.weights = tuple(weights)
        super().__init__(tuple(values))

    def __deepcopy__(self, memo: dict[int, Any]) -> Fitness:
        # DEAP's own drops everything but the values.
        return Fitness(self.weights, self.values)


class ExactSum:
    """A sum that grows: what ``math.fsum`` gives for all terms so far, in whatever order they came (Shewchuk 1997)."""

    __slots__ = ("_partials",)

    def __init__(self) -> None:
        self._partials: list[float] = []  # they do not overlap, and add up to the sum exactly

    def add(self, term: float) -> None:
        """Take in one more term."""
        partials = []
        for partial in self._partials:
            high, low = (term, partial) if abs(term) > abs(partial) else (partial, term)
            term = high + low
            if error := low - (term - high):
                partials.append(error)
        self._partials = [*partials, term]

    @property
    def value(self) -> float:
        """The exact sum, rounded once."""
        return math.fsum(self._partials)


class Results:
    """All evaluations of one genome on one panel, by replicate; failed ones are kept and never counted in.

    Attributes:
        by_replicate: Evaluation by replicate, OK or failed.
        leading: Mean of the first objective, turned so that higher is better, or what a model estimates in its place;
            -inf until there is an OK evaluation.
        num_replicates: How many OK evaluations there are.
    """

    __slots__ = (
        "_fitness",
        "_objectives",
        "_standard_error",
        "_sums",
        "_weights",
        "by_replicate",
        "leading",
        "num_replicates",
    )

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = objectives
        self._weights = tuple(objective.sign for objective in objectives)
        self._standard_error: float | None = None
        self.by_replicate: dict[int, Evaluation] = {}
        self.leading = -math.inf
        self.num_replicates = 0
        self._sums: list[ExactSum] = []
        self._fitness: Fitness | None = None  # made when it is asked for: most of a long run's never are

    def add(self, replicate: int, evaluation: Evaluation) -> None:
        """Take in one evaluation; a failed one of the same replicate is replaced.

        Raises:
            ValueError: There is an OK evaluation of this replicate.
        """
        before = self.by_replicate.get(replicate)
        if before is not None and before.is_ok:
            raise ValueError(f"Replicate {replicate!r} has an OK evaluation already; a draw counts once.")
        self.by_replicate[replicate] = evaluation
        if evaluation.is_ok:
            self._standard_error = None
            self._fitness = None
            if not self._sums:
                self._sums = [ExactSum() for _ in self._objectives]
            for total, objective in zip(self._sums, self._objectives, strict=True):
                total.add(evaluation.objectives[objective.name])
            self.num_replicates += 1
            self.leading = self._weights[0] * (self._sums[0].value / self.num_replicates)

    def estimate(self, leading: float) -> None:
        """Put an estimate of the leading objective, turned so that higher is better, in the place of its mean."""
        self.leading = leading
        self._fitness = None

    @property
    def fitness(self) -> Fitness | None:
        """Means as DEAP sees them, the first one as ``leading`` says; None until there is an OK evaluation."""
        if self._fitness is None and self.num_replicates:
            _, *others = (total.value / self.num_replicates for total in self._sums)
            self._fitness = Fitness(self._weights, [self._weights[0] * self.leading, *others])
        return self._fitness

    @property
    def means(self) -> dict[str, float]:
        """Mean over replicates by objective; empty until there is an OK evaluation."""
        names = (objective.name for objective in self._objectives)
        return {name: total.value / self.num_replicates for name, total in zip(names, self._sums, strict=False)}

    @property
    def standard_error(self) -> float:
        """Standard error of the leading objective; inf where fewer than two numbers speak of it.

        It comes from the scores of all prompts over all replicates, with the scores of one prompt averaged first: a
        prompt that was seen twice is not two prompts. Where an evaluation has no scores, replicates stand for prompts.
        """
        if self._standard_error is None:
            self._standard_error = self._spread()
        return self._standard_error

    def leading_values(self, count: int) -> list[float] | None:
        """The leading objective in the first ``count`` replicates, higher is better; None unless all are OK."""
        evaluations = [self.by_replicate.get(number) for number in range(count)]
        known = all(one is not None and one.is_ok for one in evaluations)
        return [self.leading_of(number) for number in range(count)] if known else None

    def leading_of(self, replicate: int) -> float:
        """The leading objective in an OK evaluation, turned so that higher is better."""
        return self._weights[0] * self.by_replicate[replicate].objectives[self._objectives[0].name]

    def lower_confidence_bound(self, z: float) -> float:
        """Mean of the leading objective, turned so that higher is better, less ``z`` standard errors."""
        return self.leading - z * self.standard_error if z else self.leading

    def _ok(self) -> list[Evaluation]:
        # By replicate, not by arrival: spreads of floats depend on their order.
        return [self.by_replicate[number] for number in sorted(self.by_replicate) if self.by_replicate[number].is_ok]

    def _spread(self) -> float:
        by_prompt: dict[str, list[float]] = {}
        for evaluation in self._ok():
            for prompt, score in evaluation.scores.items():
                by_prompt.setdefault(prompt, []).append(score)
        values = [math.fsum(scores) / len(scores) for scores in by_prompt.values()]
        if len(values) < 2:
            values = [evaluation.objectives[self._objectives[0].name] for evaluation in self._ok()]
        return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Individual:
    """One birth whose evaluation was OK.

    Attributes:
        id: Unique in its run, e.g. ``"b17"``.
        key: Identity of the genome; several individuals may share one.
        genome_json: Canonical JSON of the genome.
        parents: Ids of the individuals it was bred from; the first gave the frame.
        operator: What bred it, e.g. ``"founder:mean"``, ``"random"`` or ``"swap_member+tweak"``.
        birth: Its number among the births of the run, counted from 0.
        results: Evaluations on the search panel, shared with all individuals of the same key.
    """

    id: str
    key: str
    genome_json: str
    parents: tuple[str, ...]
    operator: str
    birth: int
    results: Results

    def __deepcopy__(self, memo: dict[int, Any]) -> Individual:
        # Halls of fame copy whom they take in; what happened once stays one.
        return self

    @property
    def fitness(self) -> Fitness:
        """What DEAP selects on.

        Raises:
            ValueError: No evaluation of it was OK.
        """
        if self.results.fitness is None:
            raise ValueError(f"Individual {self.id!r} has no OK evaluation; only finite results are selected on.")
        return self.results.fitness

    @property
    def evaluations(self) -> Mapping[int, Evaluation]:
        """Evaluation by replicate: objectives and the score of every prompt."""
        return self.results.by_replicate


def is_twin(one: Individual, other: Individual) -> bool:
    """Whether two individuals have the same genome: DEAP's ``similar``."""
    return one.key == other.key
