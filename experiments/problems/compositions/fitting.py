"""What is fitted to the human replies of the search prompts.

Numbers of learned combiners, for evaluations and exports; and weights of genomes at birth, where ``space.fit_weights``
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.config import ExperimentConfig
from experiments.corpora.documents import Example
from experiments.corpora.panels import load_documents, panels_of
from genomes.breeding.fitted_space import FittedSpace
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store

if TYPE_CHECKING:
    from genomes.running.fast_trunk import PrefillCache
    from genomes.running.fitting import Fitter
    from genomes.running.teacher_forcing import EvaluationSet, TeacherForcing
    from genomes.running.teacher_forcing.weight_fitting import WeightFitter

_MARGIN = 0.01  # Tables reach so much further than genes, which are rounded.


def fitter_on(
    examples: Sequence[Example], catalogue: MemberCatalogue, *, prefill_cache: PrefillCache | None = None
) -> Fitter:
    """A fitter to the human replies of some prompts."""
    from genomes.running.fitting import Fitter

    return Fitter(
        [example.context for example in examples],
        [example.reply for example in examples],
        catalogue,
        prefill_cache=prefill_cache,
    )


def fitted_for_export(genome: Genome, config: ExperimentConfig, catalogue: MemberCatalogue) -> Genome:
    """The genome with the numbers that evaluations gave it; documents are read only where it learns any."""
    from genomes.running.fitting import is_unfitted

    if not any(is_unfitted(node) for node in genome.of_type(CombinerNode).values()):
        return genome
    panels = {str(split): panel for split, panel in panels_of(config.data, load_documents(config.data)).items()}
    return fitter_on(panels["search"], catalogue).fitted(genome)


@dataclass(frozen=True)
class WeightFit:
    """Fits weights to some replies in any process: names members and holds texts; outputs are loaded when first used.

    Attributes:
        catalogue: The members.
        examples: The replies.
        temperatures: Lowest and highest temperature of members.
        store_root: Where member outputs are kept.
    """

    catalogue: MemberCatalogue
    examples: tuple[Example, ...]
    temperatures: tuple[float, float]
    store_root: Path

    def __call__(self, genome: Genome) -> Genome:
        """See ``WeightFitter.fitted``."""
        return self._fitter.fitted(genome)

    @cached_property
    def _fitter(self) -> WeightFitter:
        from genomes.running.teacher_forcing.weight_fitting import WeightFitter

        return WeightFitter(forcing_on(self.examples, self.catalogue, self.temperatures, store=Store(self.store_root)))

    def __getstate__(self) -> dict[str, Any]:
        # Without the loaded outputs.
        return {field.name: getattr(self, field.name) for field in fields(self)}


def with_fitted_weights(
    space: CompositionSpace, examples: Sequence[Example], catalogue: MemberCatalogue, *, store: Store
) -> FittedSpace:
    """The same space, whose genomes are born with weights fitted to some replies."""
    temperatures = space.member_temperature.low, space.member_temperature.high
    given = {field.name: getattr(space, field.name) for field in fields(CompositionSpace)}
    return FittedSpace(**given, fitted=WeightFit(catalogue, tuple(examples), temperatures, store.root))


def forcing_on(
    examples: Sequence[Example], catalogue: MemberCatalogue, temperatures: tuple[float, float], *, store: Store
) -> TeacherForcing:
    """Teacher forcing on the human replies of some prompts, for members of temperatures within two bounds."""
    from genomes.running.teacher_forcing import TeacherForcing

    low, high = temperatures
    bounds = low * (1 - _MARGIN), high * (1 + _MARGIN)
    return TeacherForcing(catalogue, evaluation_set_of(examples), store=store, temperatures=bounds)


def evaluation_set_of(examples: Sequence[Example]) -> EvaluationSet:
    """The human replies of some prompts."""
    from genomes.running.teacher_forcing import EvaluationSet

    return EvaluationSet.of([example.context for example in examples], [example.reply for example in examples])
