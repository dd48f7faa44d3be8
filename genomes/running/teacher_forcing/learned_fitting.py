"""Fitting learned combiners from kept outputs: genomes/running/fitting.py without a forward pass per combiner."""

from __future__ import annotations

import torch

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode
from genomes.graph.parts import part_of
from genomes.methods.combiners import Cases, LearnedPool
from genomes.running.fitting import Fitter
from genomes.running.member_loader import MemberLoader
from genomes.running.teacher_forcing.computation import GenomeLikelihoods, NotKeptError
from genomes.running.teacher_forcing.evaluation_set import EvaluationSet
from genomes.running.teacher_forcing.likelihoods import TeacherForcing

_NUMBERS_PER_PIECE = 2_000_000


class KeptFitter(Fitter):
    """A fitter whose slow twin is ``Fitter``: its numbers up to what rounding the kept distributions does to them.

    Args:
        forcing: Holds the members' outputs on the replies.
        evaluation_set: The replies that it was made for; what it does not keep is computed anew.
        catalogue: Loads the members.
    """

    def __init__(self, forcing: TeacherForcing, evaluation_set: EvaluationSet, catalogue: MemberLoader) -> None:
        super().__init__(evaluation_set.contexts, evaluation_set.replies, catalogue)
        self._forcing = forcing

    def _cases(self, combiner: LearnedPool, node: CombinerNode, genome: Genome, node_id: str) -> Cases:
        try:
            return self._kept_cases(combiner, node, part_of(genome, node_id))
        except NotKeptError:
            return super()._cases(combiner, node, genome, node_id)

    def _kept_cases(self, combiner: LearnedPool, node: CombinerNode, genome: Genome) -> Cases:
        given = GenomeLikelihoods(self._forcing.kept, genome).top_inputs()
        targets = torch.from_numpy(given.targets)
        evidence = torch.from_numpy(given.evidence) if combiner.needs_evidence else torch.zeros_like(targets)
        size = max(1, _NUMBERS_PER_PIECE // (len(targets) * given.vocabulary_size))
        features = []
        for start in range(0, targets.shape[1], size):
            piece = slice(start, start + size)
            found = combiner.features(
                given.distributions(piece)[:, :, None],
                evidence=evidence[:, piece, None],
                prompts=given.prompts(piece) if combiner.reads_prompt else [],
                parameters=node.parameters,
            )
            features.append(found[:, :, 0])
        return Cases(torch.cat(features, dim=1).double(), targets.double())
