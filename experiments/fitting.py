"""Numbers of learned combiners, fitted to the human replies of the search prompts: for evaluations and exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.config import ExperimentConfig
from experiments.corpora.documents import Example
from experiments.corpora.panels import load_documents, panels_of
from genomes.genome import Genome
from genomes.nodes import CombinerNode

if TYPE_CHECKING:
    from genomes.fitting import Fitter
    from genomes.members.catalogue import MemberCatalogue
    from genomes.phenotype import PrefillCache


def fitter_on(
    examples: Sequence[Example], catalogue: MemberCatalogue, *, prefill_cache: PrefillCache | None = None
) -> Fitter:
    """A fitter to the human replies of some prompts."""
    from genomes.fitting import Fitter

    return Fitter(
        [example.context for example in examples],
        [example.reply for example in examples],
        catalogue,
        prefill_cache=prefill_cache,
    )


def fitted_for_export(genome: Genome, config: ExperimentConfig, catalogue: MemberCatalogue) -> Genome:
    """The genome with the numbers that evaluations gave it; documents are read only where it learns any."""
    from genomes.fitting import is_unfitted

    if not any(is_unfitted(node) for node in genome.of_type(CombinerNode).values()):
        return genome
    panels = {str(split): panel for split, panel in panels_of(config.data, load_documents(config.data)).items()}
    return fitter_on(panels["search"], catalogue).fitted(genome)
