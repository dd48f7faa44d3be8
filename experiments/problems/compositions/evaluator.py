"""The composition problem wired up: from an experiment to its search space and its evaluator.

This is the one place where genomes/ and fitness/ meet. What a genome is stays in genomes/, how good an answer is
stays in fitness/, and the search itself knows neither.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evolve.evaluator import EvaluationRequest
from evolve.seeding import integer_seed
from experiments.corpora.documents import Example
from experiments.problems.compositions.batches import BatchedModel, BatchSize, check_gpu
from experiments.problems.compositions.fitting import fitter_on
from experiments.problems.compositions.likelihood import LikelihoodEvaluatorFactory
from experiments.problems.compositions.reported import Memory, ReportedModel
from fitness.objectives import (
    OBJECTIVES,
    REPORTED,
    Examination,
    Measurement,
    NonFiniteObjectiveError,
    ObjectiveOperator,
)
from fitness.panels import NUM_PROMPTS
from fitness.result import Evaluation, Objective, Outcome
from genomes.breeding.space import CompositionSpace
from genomes.graph.errors import GenomeFormatError
from genomes.graph.serialization import genome_from_json
from genomes.members.catalogue import MemberCatalogue
from genomes.members.quiet import quiet_transformers
from genomes.members.store import default_store_root
from genomes.methods.plugins import load_plugins

if TYPE_CHECKING:
    from fitness.coherence.scorer import CoherenceScorer
    from genomes.graph.genome import Genome
    from genomes.running.fast_trunk import PrefillCache
    from genomes.running.phenotype import Phenotype

T = TypeVar("T")

LIKELIHOOD_PANEL = "likelihood"
"""The panel of a stage before the search, see ``evolve.settings.Stage``."""

RACE_PANEL = "race"
"""The search prompts with draws of answers that no evaluation of the search has, see race.py."""

LIKELIHOOD_PROMPTS = 100
"""How many search prompts it has: what members make of their replies is kept as whole distributions, 8 kB a token."""

REPORTED_WINDOW = 60
"""Prompts of one evaluation on the validation or test panel, which is scored in windows: each fits a deadline that is
made for evaluations of the search, and the windows of one genome spread over the workers."""

_SEARCHED = ("search", RACE_PANEL)  # Panels of the search prompts, which are read in draws.

_PREFILL_BYTES = 512 << 20  # Enough for every window of a search panel of a hundred prompts and five small members.

_CODE_VERSION = 2  # Part of every evaluator's version: raise it when a change here changes results.


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
        operators: The objectives, the leading one first.
        seed: Seed of the run; sampled answers derive theirs from it.
        gpu_precision: Arithmetic of members on the worker's GPU, ``"bfloat16"`` or ``"float32"``; None evaluates on the
            CPU, in float32.
        store_root: Where the member outputs of a stage on likelihood are kept.
    """

    catalogue: MemberCatalogue
    space: CompositionSpace
    scorer_directory: Path
    scorer_version: str
    panels: Mapping[str, Sequence[Example]]
    prompts_per_evaluation: int
    operators: tuple[ObjectiveOperator, ...]
    seed: int
    gpu_precision: str | None = None
    store_root: Path = field(default_factory=default_store_root)

    @cached_property
    def likelihood(self) -> LikelihoodEvaluatorFactory:
        """Makes the evaluator of a stage on likelihood, which reads the first search prompts."""
        panels = {LIKELIHOOD_PANEL: self.panels["search"][:LIKELIHOOD_PROMPTS]}
        return LikelihoodEvaluatorFactory(self.catalogue, self.space, panels, self.store_root)

    def stage_objectives(self, panel: str) -> tuple[Objective, ...]:
        """What evaluations on the panel of a stage hold; there is one such panel."""
        return self.likelihood.objectives

    @property
    def answers_per_evaluation(self) -> int:
        """Prompts that one evaluation of the search asks."""
        return min(self.prompts_per_evaluation, len(self.panels["search"]))

    @property
    def num_validation_draws(self) -> float:
        """As many prompts as how many evaluations of the search the validation panel has."""
        return len(self.panels["validation"]) / self.answers_per_evaluation

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives in order."""
        return tuple(operator.objective for operator in self.operators)

    @cached_property
    def version(self) -> str:
        """A hash over everything that decides an evaluation's result besides the request."""
        document = {
            "code": _CODE_VERSION,
            "members": {name: self.catalogue.info(name).key for name in sorted(self.catalogue.names)},
            "scorer": self.scorer_version,
            "panels": {name: [asdict(example) for example in panel] for name, panel in self.panels.items()},
            "prompts_per_evaluation": self.prompts_per_evaluation,
            "objectives": [operator.version for operator in self.operators],
            "seed": self.seed,
        }
        if self.catalogue.markers:
            document["markers"] = self.catalogue.markers
        if self.gpu_precision is not None:
            document["gpu_precision"] = self.gpu_precision
        return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()

    def num_windows(self, panel: str) -> int:
        """Replicates that read the whole validation or test panel once; as many further ones answer it once more."""
        return math.ceil(len(self.panels[panel]) / REPORTED_WINDOW)

    def window(self, panel: str, number: int) -> list[Example]:
        """The prompts of one window of a panel."""
        return list(self.panels[panel][number * REPORTED_WINDOW :][:REPORTED_WINDOW])

    def __call__(self) -> CompositionEvaluator:
        """Load every member and the scorer.

        Raises:
            MemberLoadError: A member cannot be loaded; the message names it and says what to do.
            NoGpuError: Workers are to have a GPU, and torch sees none.
        """
        from fitness.coherence.scorer import CoherenceScorer

        if self.gpu_precision is not None:
            check_gpu()
        space = self.space
        load_plugins(modules=space.plugins, methods=space.methods, merge_methods=space.merge_methods)
        for name in self.catalogue.names:
            self.catalogue.load(name)
        with quiet_transformers():
            scorer = CoherenceScorer.load(self.scorer_directory)
        return CompositionEvaluator(self, scorer)


class CompositionEvaluator:
    """Scores composition genomes by what they answer. Lives in a worker; see ``CompositionEvaluatorFactory``."""

    def __init__(self, factory: CompositionEvaluatorFactory, scorer: CoherenceScorer) -> None:
        from genomes.running.fast_trunk import PrefillCache

        self._factory = factory
        self._scorer = scorer
        self._prefill: PrefillCache = PrefillCache(capacity_bytes=_PREFILL_BYTES)
        self._batch_size = BatchSize()
        self._memory = Memory()
        self._likelihood = factory.likelihood()
        self._fitter = fitter_on(factory.panels["search"], factory.catalogue, prefill_cache=self._prefill)

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """Measure the objectives of the request's genome on the request's prompts.

        On the test panel the result also holds what every final comparison reports (``REPORTED``) and the answers.
        The first answers to its prompts come with what is the same for all answers: likelihoods, and the human
        replies' own values per prompt as details called ``human_<objective>``.
        """
        if request.panel == LIKELIHOOD_PANEL:
            return self._likelihood.evaluate(request)
        genome = self._valid(request)
        if isinstance(genome, Evaluation):
            return genome
        return self.measured(
            genome,
            self._draw(request),
            operators=self._operators(request),
            draw=_draw_of(request),
            is_reported=request.panel == "test",
            is_first=self._is_first(request),
            keeps_groups=request.panel not in _SEARCHED,
        )

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        """Like ``evaluate`` for each request; the genomes answer in lockstep, which is several times faster.

        Sums of floats depend on the batch in their last bits, and so may a token now and then. Timed objectives are
        measured alone.
        """
        from genomes.running.lockstep import Question, lockstep_models

        results: dict[int, Evaluation] = {}
        questions: list[Question] = []
        waiting: list[tuple[int, list[Example], Examination]] = []
        for place, request in enumerate(requests):
            if request.panel == LIKELIHOOD_PANEL:
                results[place] = self._likelihood.evaluate(request)
                continue
            operators, genome = self._operators(request), self._valid(request)
            if isinstance(genome, Evaluation) or any(operator.is_timed for operator in operators):
                results[place] = genome if isinstance(genome, Evaluation) else self.evaluate(request)
                continue
            examples = self._draw(request)
            phenotype = self._phenotype(genome, prefill=self._prefill)
            examination = self._examination(phenotype, examples, draw=_draw_of(request))
            questions.append(Question(phenotype, examination.contexts, examination.seeds))
            waiting.append((place, examples, examination))
        for (place, examples, examination), model in zip(waiting, lockstep_models(questions), strict=True):
            request = requests[place]
            is_searching = request.panel in _SEARCHED
            told = model if is_searching else ReportedModel(model, request.genome, self._memory)
            results[place] = self._measured(
                replace(examination, language_model=told),
                examples,
                operators=self._operators(request),
                is_reported=request.panel == "test",
                is_first=self._is_first(request),
                keeps_groups=not is_searching,  # A search makes thousands of evaluations, and draws nothing anew.
            )
        return [results[place] for place in range(len(requests))]

    def measured(
        self,
        genome: Genome,
        examples: Sequence[Example],
        *,
        operators: Sequence[ObjectiveOperator],
        draw: Sequence[str | int],
        is_reported: bool = False,
        is_first: bool = True,
        keeps_groups: bool = True,
    ) -> Evaluation:
        """What objectives say of a genome on some prompts; its scores are those of the first objective.

        Args:
            genome: A valid genome; limits of the search space do not count here.
            examples: The prompts.
            operators: What is measured. Those that the factory has not are metrics of the result.
            draw: Decides the seeds of the answers, together with run and prompt.
            is_reported: Keep the answers, and what ``is_first`` says.
            is_first: These are the first answers to the prompts, so the values of the human replies are of use.
            keeps_groups: Keep the groups of the prompts, without which there is no interval.
        """
        is_timed = any(operator.is_timed for operator in operators)
        # A clock must not tell which genomes have read these prompts before.
        phenotype = self._phenotype(genome, prefill=None if is_timed else self._prefill)
        examination = self._examination(phenotype, examples, draw=draw, is_timed=is_timed)
        return self._measured(
            examination,
            examples,
            operators=operators,
            is_reported=is_reported,
            is_first=is_first,
            keeps_groups=keeps_groups,
        )

    def _measured(
        self,
        examination: Examination,
        examples: Sequence[Example],
        *,
        operators: Sequence[ObjectiveOperator],
        is_reported: bool,
        is_first: bool,
        keeps_groups: bool,
    ) -> Evaluation:
        started = time.perf_counter()
        try:
            measurements = {operator.name: operator.measure(examination) for operator in operators}
        except NonFiniteObjectiveError as error:
            return Evaluation.failed(Outcome.NONFINITE, str(error))
        values = {name: measurement.value for name, measurement in measurements.items()}
        metrics = {name: value for one in measurements.values() for name, value in one.metrics.items()}
        details = _details(measurements)
        if is_reported and is_first:
            humans = {f"human_{operator.name}": self._memory.of_humans(operator, examination) for operator in operators}
            details |= {name: given for name, given in humans.items() if given is not None}
        if is_reported:
            details |= {name: given for one in measurements.values() for name, given in one.details.items()}
        by_id = {measure: _by_id(examples, given) for measure, given in details.items()}
        return Evaluation.ok(
            {operator.name: values[operator.name] for operator in self._factory.operators if operator.name in values},
            scores=by_id.get(operators[0].name, {}),
            metrics={**values, **metrics, NUM_PROMPTS: len(examples)},
            details=by_id,
            answers=_by_id(examples, examination.answers) if is_reported else None,
            groups=_by_id(examples, [example.group for example in examples]) if keeps_groups else None,
            seconds=time.perf_counter() - started,
        )

    def _valid(self, request: EvaluationRequest) -> Genome | Evaluation:
        """The request's genome, or the evaluation that says what is wrong with it."""
        try:
            genome = genome_from_json(request.genome)
        except GenomeFormatError as error:
            return Evaluation.failed(Outcome.INVALID, str(error))
        problems = self._factory.space.problems(genome)
        return Evaluation.failed(Outcome.INVALID, "; ".join(problems)) if problems else genome

    def _operators(self, request: EvaluationRequest) -> tuple[ObjectiveOperator, ...]:
        """What is measured: the objectives, and on the test panel what every final comparison reports."""
        operators = self._factory.operators
        if request.panel != "test":
            return operators
        names = {operator.name for operator in operators}
        further = [OBJECTIVES[name] for name in REPORTED if name not in names]
        return operators + tuple(one for one in further if one.reads_answers or self._is_first(request))

    def _is_first(self, request: EvaluationRequest) -> bool:
        """Whether a request asks for the first answers to its prompts."""
        return request.panel in _SEARCHED or request.replicate < self._factory.num_windows(request.panel)

    def _phenotype(self, genome: Genome, *, prefill: PrefillCache | None) -> Phenotype:
        from genomes.running.compilation import compile_genome

        fitted, catalogue = self._fitter.fitted(genome), self._factory.catalogue
        if self._factory.gpu_precision is None:
            return compile_genome(fitted, catalogue, prefill_cache=prefill)
        import torch

        dtype = getattr(torch, self._factory.gpu_precision)
        return compile_genome(fitted, catalogue, device="cuda", dtype=dtype, prefill_cache=prefill)

    def _examination(
        self, phenotype: Phenotype, examples: Sequence[Example], *, draw: Sequence[str | int], is_timed: bool = False
    ) -> Examination:
        is_on_gpu = self._factory.gpu_precision is not None
        return Examination(
            language_model=BatchedModel(phenotype, self._batch_size) if is_on_gpu else phenotype,
            contexts=[example.context for example in examples],
            human_replies=[example.reply for example in examples],
            seeds=[integer_seed(self._factory.seed, "answer", example.id, *draw) for example in examples],
            scorer=self._scorer,
            is_timed=is_timed,
        )

    def _draw(self, request: EvaluationRequest) -> list[Example]:
        """The prompts of a request: replicate r is the r-th window of its panel, which goes round."""
        panel = self._factory.panels["search" if request.panel in _SEARCHED else request.panel]
        if request.panel not in _SEARCHED:
            return self._factory.window(request.panel, request.replicate % self._factory.num_windows(request.panel))
        size = self._factory.answers_per_evaluation
        start = request.replicate * size
        return [panel[(start + offset) % len(panel)] for offset in range(size)]


def _draw_of(request: EvaluationRequest) -> tuple[str | int, ...]:
    return (request.replicate,) if request.panel != RACE_PANEL else (RACE_PANEL, request.replicate)


def _details(measurements: Mapping[str, Measurement]) -> dict[str, tuple[float, ...]]:
    return {name: one.per_prompt for name, one in measurements.items() if one.per_prompt is not None}


def _by_id(examples: Sequence[Example], values: Sequence[T]) -> dict[str, T]:
    return {example.id: value for example, value in zip(examples, values, strict=True)}
