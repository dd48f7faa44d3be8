"""Likelihoods of many genomes on one evaluation set as arithmetic on what their members gave to it, once.

The slow twin is ``Phenotype.reply_likelihoods``, which runs every member anew. Genomes that cannot be computed from
kept outputs are given to it, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from genomes.graph.genome import Genome
from genomes.members.store import Store
from genomes.running.compilation import compile_genome
from genomes.running.member_loader import MemberLoader
from genomes.running.phenotype import ReplyLikelihood
from genomes.running.teacher_forcing.computation import GenomeLikelihoods, NotKeptError
from genomes.running.teacher_forcing.evaluation_set import EvaluationSet
from genomes.running.teacher_forcing.kept import KeptOutputs
from genomes.running.teacher_forcing.outputs import Betas


class TeacherForcing:
    """Scores genomes over the members of a catalogue on one evaluation set.

    Args:
        catalogue: Loads the members.
        evaluation_set: The replies.
        store: Where outputs are kept, for all processes that use it; see outputs.py.
        temperatures: Range of member temperatures that tables are made for; others are left to the phenotype.

    Attributes:
        kept: What genomes share.
        num_fallbacks: How many genomes were left to the phenotype.
    """

    def __init__(
        self,
        catalogue: MemberLoader,
        evaluation_set: EvaluationSet,
        *,
        store: Store,
        temperatures: tuple[float, float] = (0.4, 2.5),
    ) -> None:
        low, high = temperatures
        if not 0 < low < high:
            raise ValueError(f"temperatures is {temperatures!r}; allowed are two numbers above 0, the lower one first.")
        self.num_fallbacks = 0
        self._catalogue = catalogue
        self._set = evaluation_set
        # Temperature 1 is always in: most genes have it.
        betas = Betas(min(1.0, 1 / high), max(1.0, 1 / low))
        self.kept = KeptOutputs(catalogue, evaluation_set, store=store, betas=betas)

    def reply_likelihoods(self, genomes: Sequence[Genome]) -> list[list[ReplyLikelihood]]:
        """For each genome the likelihood of every reply, as ``Phenotype.reply_likelihoods`` gives it.

        Values of equal sub-graphs (by Merkle key) are computed once, in this call and across calls.

        Raises:
            ValueError: A reply is longer than a genome's members read.
        """
        return [self._of_genome(genome) for genome in genomes]

    def kept_likelihoods(self, genome: Genome) -> list[ReplyLikelihood]:
        """The likelihood of every reply, from kept outputs alone.

        Raises:
            NotKeptError: They do not give it; the message says why.
        """
        return GenomeLikelihoods(self.kept, genome).compute()

    def _of_genome(self, genome: Genome) -> list[ReplyLikelihood]:
        try:
            return self.kept_likelihoods(genome)
        except NotKeptError:
            self.num_fallbacks += 1
            return compile_genome(genome, self._catalogue).reply_likelihoods(self._set.contexts, self._set.replies)
