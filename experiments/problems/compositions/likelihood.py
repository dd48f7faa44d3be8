"""The evaluator of searches on likelihood: whole panels from kept member outputs, in milliseconds per genome.

Its values are those of the objective ``nll`` (fitness/objectives/nll.py) up to rounding; which genomes cost a forward
pass all the same is said in genomes/teacher_forcing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.evaluator import EvaluationRequest
from experiments.corpora.documents import Example
from experiments.problems.compositions.fitting import evaluation_set_of, forcing_on
from fitness.likelihood import nll_nats_per_token
from fitness.objectives import OBJECTIVES
from fitness.panels import NUM_PROMPTS
from fitness.result import Evaluation, Objective, Outcome
from genomes.breeding.space import CompositionSpace
from genomes.graph.errors import GenomeFormatError
from genomes.graph.serialization import genome_from_json
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store
from genomes.methods.plugins import load_plugins

if TYPE_CHECKING:
    from genomes.running.teacher_forcing import TeacherForcing
    from genomes.running.teacher_forcing.learned_fitting import KeptFitter

_CODE_VERSION = 2  # Part of the version: raise it when a change here or in genomes/teacher_forcing changes values.


@dataclass(frozen=True)
class LikelihoodEvaluatorFactory:
    """Makes the evaluator in any process.

    Attributes:
        catalogue: Where the members are.
        space: Limits that genomes are checked against.
        panels: Examples by panel, that of the search first; an evaluation reads all of its panel.
        store_root: Where member outputs are kept.
    """

    catalogue: MemberCatalogue
    space: CompositionSpace
    panels: Mapping[str, Sequence[Example]]
    store_root: Path

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Likelihood leads."""
        return OBJECTIVES["nll"].objective, OBJECTIVES["active_parameters"].objective

    @cached_property
    def version(self) -> str:
        """A hash over everything that decides an evaluation's result besides the request."""
        document = {
            "code": _CODE_VERSION,
            "members": {name: self.catalogue.info(name).key for name in sorted(self.catalogue.names)},
            "panels": {name: [asdict(example) for example in panel] for name, panel in self.panels.items()},
        }
        return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()

    def __call__(self) -> LikelihoodEvaluator:
        """The evaluator; members are loaded when they are first needed."""
        space = self.space
        load_plugins(modules=space.plugins, methods=space.methods, merge_methods=space.merge_methods)
        return LikelihoodEvaluator(self)


class LikelihoodEvaluator:
    """Scores genomes by the likelihood of the human replies. Replicates do not differ.

    Numbers of learned combiners are fitted to the first panel, as in a run's evaluations.
    """

    def __init__(self, factory: LikelihoodEvaluatorFactory) -> None:
        self._factory = factory
        self._panels: dict[str, TeacherForcing] = {}

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """Nats per token of every reply of the panel, and their mean."""
        from genomes.running.compilation import compile_genome

        try:
            genome = genome_from_json(request.genome)
        except GenomeFormatError as error:
            return Evaluation.failed(Outcome.INVALID, str(error))
        if problems := self._factory.space.problems(genome):
            return Evaluation.failed(Outcome.INVALID, "; ".join(problems))
        genome = self._fitter.fitted(genome)
        (likelihoods,) = self._forcing(request.panel).reply_likelihoods([genome])
        examples = self._factory.panels[request.panel]
        nll = {
            example.id: nll_nats_per_token([likelihood])
            for example, likelihood in zip(examples, likelihoods, strict=True)
        }
        parameters = float(compile_genome(genome, self._factory.catalogue).active_parameters_per_token)
        objectives = {"nll": sum(nll.values()) / len(nll), "active_parameters": parameters}
        return Evaluation.ok(
            objectives,
            scores=nll,
            metrics={**objectives, NUM_PROMPTS: len(nll)},
            details={"nll": nll},
            groups={example.id: example.group for example in examples}
            if request.panel in ("validation", "test")
            else None,
        )

    @cached_property
    def _fitter(self) -> KeptFitter:
        from genomes.running.teacher_forcing.learned_fitting import KeptFitter

        panel = next(iter(self._factory.panels))
        replied = evaluation_set_of(self._factory.panels[panel])
        return KeptFitter(self._forcing(panel), replied, self._factory.catalogue)

    def _forcing(self, panel: str) -> TeacherForcing:
        if panel not in self._panels:
            allowed = self._factory.space.member_temperature
            self._panels[panel] = forcing_on(
                self._factory.panels[panel],
                self._factory.catalogue,
                (allowed.low, allowed.high),
                store=Store(self._factory.store_root),
            )
        return self._panels[panel]
