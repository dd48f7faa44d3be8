"""The composition problem wired up: from an experiment to its search space and its evaluator.

This is the one place where genomes/ and fitness/ meet. What a genome is stays in genomes/, how good an answer is
stays in fitness/, and the search itself knows neither.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evolve.evaluator import EvaluationRequest
from evolve.seeding import integer_seed
from experiments.corpora.documents import Example
from fitness.result import Evaluation, Objective, Outcome
from genomes.errors import GenomeFormatError
from genomes.members.catalogue import MemberCatalogue
from genomes.serialization import genome_from_json
from genomes.space import CompositionSpace

if TYPE_CHECKING:
    from fitness.coherence.scorer import CoherenceScorer
    from genomes.phenotype import Phenotype, PrefillCache

T = TypeVar("T")

OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective("coherence", "maximise", "agent level, in [0, 1]"),
        Objective("nll", "minimise", "nats per token of the human reply, mean over replies"),
        Objective("active_parameters", "minimise", "parameters run per generated token"),
    )
}

REPORTED_WINDOW = 60
"""Prompts of one evaluation on the validation or test panel, which is scored in windows: each fits a deadline that is
made for evaluations of the search, and the windows of one genome spread over the workers."""

_PREFILL_BYTES = 512 << 20  # Enough for every window of a search panel of a hundred prompts and five small members.

_CODE_VERSION = 1  # Part of every evaluator's version: raise it when a change here changes results.


@dataclass(frozen=True)
class CompositionEvaluatorFactory:
    """Makes the evaluator of an experiment in any process: names members and holds prompts, but no model.

    Attributes:
        catalogue: Where the members are.
        space: Limits that genomes are checked against.
        scorer_directory: A saved coherence scorer.
        scorer_version: Its version, part of this factory's.
        panels: Examples by panel (``search``, ``validation``, ``test``), domains taking turns.
        prompts_per_evaluation: Size of a draw from the search panel; the other panels are read in fixed windows.
        objective_names: Keys of ``OBJECTIVES``, the leading one first.
        seed: Seed of the run; sampled answers derive theirs from it.
    """

    catalogue: MemberCatalogue
    space: CompositionSpace
    scorer_directory: Path
    scorer_version: str
    panels: Mapping[str, Sequence[Example]]
    prompts_per_evaluation: int
    objective_names: tuple[str, ...]
    seed: int

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives in order."""
        return tuple(OBJECTIVES[name] for name in self.objective_names)

    @cached_property
    def version(self) -> str:
        """A hash over everything that decides an evaluation's result besides the request."""
        document = {
            "code": _CODE_VERSION,
            "members": {name: self.catalogue.info(name).key for name in sorted(self.catalogue.names)},
            "scorer": self.scorer_version,
            "panels": {name: [asdict(example) for example in panel] for name, panel in self.panels.items()},
            "prompts_per_evaluation": self.prompts_per_evaluation,
            "objectives": self.objective_names,
            "seed": self.seed,
        }
        return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()

    def num_windows(self, panel: str) -> int:
        """Replicates that read the whole validation or test panel once."""
        return math.ceil(len(self.panels[panel]) / REPORTED_WINDOW)

    def __call__(self) -> CompositionEvaluator:
        """Load every member and the scorer.

        Raises:
            MemberLoadError: A member cannot be loaded; the message names it and says what to do.
        """
        from fitness.coherence.scorer import CoherenceScorer

        for name in self.catalogue.names:
            self.catalogue.load(name)
        return CompositionEvaluator(self, CoherenceScorer.load(self.scorer_directory))


class CompositionEvaluator:
    """Scores composition genomes by what they answer. Lives in a worker; see ``CompositionEvaluatorFactory``."""

    def __init__(self, factory: CompositionEvaluatorFactory, scorer: CoherenceScorer) -> None:
        from genomes.phenotype import PrefillCache

        self._factory = factory
        self._scorer = scorer
        self._prefill: PrefillCache = PrefillCache(capacity_bytes=_PREFILL_BYTES)

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """Answer the request's prompts with its genome and score the answers.

        On the test panel the result also holds the answers, and as details per prompt the likelihood of the human
        reply (``nll``, nats per token) and that reply's own coherence (``human_coherence``).
        """
        from genomes.phenotype import compile_genome

        started = time.perf_counter()
        try:
            genome = genome_from_json(request.genome)
        except GenomeFormatError as error:
            return Evaluation.failed(Outcome.INVALID, str(error))
        problems = self._factory.space.problems(genome)
        if problems:
            return Evaluation.failed(Outcome.INVALID, "; ".join(problems))
        examples = self._draw(request)
        phenotype = compile_genome(genome, self._factory.catalogue, prefill_cache=self._prefill)
        contexts = [example.context for example in examples]
        seeds = [integer_seed(self._factory.seed, "answer", example.id, request.replicate) for example in examples]
        answers = phenotype.answer(contexts, seeds=seeds)
        scores = self._scorer.score(contexts, answers)
        agent = self._scorer.agent_score(scores, answers, human_replies=[example.reply for example in examples])
        objectives = {"coherence": agent.value, "active_parameters": float(phenotype.active_parameters_per_token)}
        metrics = {**objectives, "mean_coherence": agent.mean, "lower_quartile": agent.lower_quartile}
        details: dict[str, dict[str, float]] = {}
        is_reported = request.panel == "test"
        if is_reported or "nll" in self._factory.objective_names:
            details["nll"] = _nll_per_token(phenotype, examples)
            objectives["nll"] = metrics["nll"] = sum(details["nll"].values()) / len(examples)
        if is_reported:
            human = self._scorer.score(contexts, [example.reply for example in examples])
            details["human_coherence"] = _by_id(examples, [score.value for score in human])
        return Evaluation.ok(
            {name: objectives[name] for name in self._factory.objective_names},
            scores=_by_id(examples, [score.value for score in scores]),
            metrics=metrics,
            details=details,
            answers=_by_id(examples, answers) if is_reported else None,
            seconds=time.perf_counter() - started,
        )

    def _draw(self, request: EvaluationRequest) -> list[Example]:
        """The prompts of a request: replicate r is the r-th window of its panel; the search panel goes round."""
        panel = self._factory.panels[request.panel]
        if request.panel != "search":
            return list(panel[request.replicate * REPORTED_WINDOW :][:REPORTED_WINDOW])
        size = min(self._factory.prompts_per_evaluation, len(panel))
        start = request.replicate * size
        return [panel[(start + offset) % len(panel)] for offset in range(size)]


def _nll_per_token(phenotype: Phenotype, examples: Sequence[Example]) -> dict[str, float]:
    """Nats per token of every human reply, its closing newline included."""
    likelihoods = phenotype.reply_likelihoods(
        [example.context for example in examples], [example.reply for example in examples]
    )
    return _by_id(examples, [likelihood.nll_nats / likelihood.num_tokens for likelihood in likelihoods])


def _by_id(examples: Sequence[Example], values: Sequence[T]) -> dict[str, T]:
    return {example.id: value for example, value in zip(examples, values, strict=True)}
