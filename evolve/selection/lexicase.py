"""Lexicase selection: specialists breed, prompt by prompt."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import tools

from evolve.individual import Individual, Results
from evolve.seeding import seeded_globals
from evolve.selection.base import Operator, Selection
from evolve.selection.seen import Numbers, Seen
from evolve.settings import SearchSettings


class Lexicase(Selection):
    """Prompts in random order, each keeping who is within epsilon of the best there (La Cava et al. 2016,
    "Epsilon-lexicase selection for regression"); the oldest dies.

    Epsilon is the median absolute deviation of that prompt's scores among those who are left (DEAP's
    ``selAutomaticEpsilonLexicase``). A prompt's score is the mean over replicates, higher is better; prompts that not
    everybody answered are left out. Where evaluations have no scores, the objectives stand for prompts.
    """

    def __init__(self, settings: SearchSettings) -> None:
        super().__init__(settings)
        self._scores: list[Mapping[str, float]] = []  # of population[i], by prompt
        self._num_answers: Counter[str] = Counter()  # how many of the population answered a prompt
        self._common: list[str] = []
        self._cases: list[Seen] = []  # of population[i], over the common prompts; empty where they have to be made

    def parents(
        self, num_parents: int, *, rng: np.random.Generator, select: Operator | None = None
    ) -> list[Individual]:
        """One lexicase selection each, drawn with replacement. What ``select`` sees as fitness are scores by prompt."""
        if not self.population:
            return []
        if len(self._cases) != len(self.population):
            everybody = zip(self.population, self._scores, strict=True)
            self._cases = [_case(one, scores, self._common) for one, scores in everybody]
        with seeded_globals(rng):
            return [case.individual for case in (select or self.select)(self._cases, num_parents)]

    def select(self, individuals: Sequence[Any], k: int) -> Sequence[Any]:
        """DEAP's automatic ε-lexicase."""
        chosen: Sequence[Any] = tools.selAutomaticEpsilonLexicase(individuals, k)
        return chosen

    def admit(self, newcomer: Individual) -> None:
        """The oldest goes."""
        scores = mean_scores(newcomer.results)
        self.population.append(newcomer)
        self._scores.append(scores)
        self._num_answers.update(scores.keys())
        if self._cases:
            self._cases.append(_case(newcomer, scores, self._common))
        if len(self.population) > self.settings.population:
            del self.population[0], self._cases[:1]
            self._num_answers.subtract(self._scores.pop(0).keys())
        self._find_common()

    def reconsider(self, key: str) -> None:
        """Take in that the results of a key changed."""
        for index, individual in enumerate(self.population):
            if individual.key == key:
                self._num_answers.subtract(self._scores[index].keys())
                self._scores[index] = mean_scores(individual.results)
                self._num_answers.update(self._scores[index].keys())
                self._cases = []
        self._find_common()

    def restore(self, population: Sequence[Individual]) -> None:
        """See ``Selection.restore``."""
        super().restore(population)
        self._scores = [mean_scores(one.results) for one in population]
        self._num_answers = Counter(prompt for scores in self._scores for prompt in scores)
        self._cases = []
        self._find_common()

    def _find_common(self) -> None:
        size = len(self.population)
        common = sorted(prompt for prompt, count in self._num_answers.items() if count == size)
        if common != self._common:
            self._common, self._cases = common, []


def _case(individual: Individual, scores: Mapping[str, float], prompts: Sequence[str]) -> Seen:
    if not prompts:
        return Seen(individual, individual.fitness)
    return Seen(individual, Numbers([scores[prompt] for prompt in prompts if prompt in scores]))


def mean_scores(results: Results) -> Mapping[str, float]:
    """Mean over the OK replicates by prompt."""
    evaluations = [one for _, one in sorted(results.by_replicate.items()) if one.is_ok]
    if len(evaluations) == 1:
        return evaluations[0].scores
    by_prompt: dict[str, list[float]] = {}
    for evaluation in evaluations:
        for prompt, score in evaluation.scores.items():
            by_prompt.setdefault(prompt, []).append(score)
    return {prompt: math.fsum(values) / len(values) for prompt, values in by_prompt.items()}
