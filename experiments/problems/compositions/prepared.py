"""An experiment on compositions that is ready to be searched. It is made in preparation.py; nothing is loaded here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.config import ExperimentConfig
    from experiments.corpora.documents import Document
    from experiments.problems.compositions.evaluator import CompositionEvaluatorFactory
    from genomes.breeding.space import CompositionSpace
    from genomes.members.catalogue import MemberCatalogue


@dataclass(frozen=True)
class PreparedCompositions:
    """What a run needs of its experiment.

    Attributes:
        config: The experiment.
        space: The search space.
        factory: Makes evaluators, here or in workers.
        documents: Every document by domain.
    """

    config: ExperimentConfig
    space: CompositionSpace
    factory: CompositionEvaluatorFactory
    documents: Mapping[str, Sequence[Document]]

    @property
    def catalogue(self) -> MemberCatalogue:
        """The members."""
        return self.factory.catalogue
