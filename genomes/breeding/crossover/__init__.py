"""Crossovers: one operator per file, ``operator(genome, other, space, *, rng) -> genome``, registered here.

The contract is that of mutations; the first parent gives the frame. The weights complete those of the mutations.
"""

from genomes.breeding.crossover.graft import graft
from genomes.breeding.crossover.mix_response import mix_response

CROSSOVERS = {
    "graft": (graft, 0.06),
    "mix_response": (mix_response, 0.02),
}

__all__ = ["CROSSOVERS", "graft", "mix_response"]
