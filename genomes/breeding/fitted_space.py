"""A space of compositions whose genomes are born at their best weights.

Birth is where fitting belongs: what is logged, keyed, told apart and bred from is the fitted genome, so a resume needs
no arrays, children start from fitted parents, and genomes that differ in nothing but weights are duplicates. The engine
knows none of this: it asks the space for founders, random genomes and children, and gets them fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome


@dataclass(frozen=True, kw_only=True)
class FittedSpace(CompositionSpace):
    """A space with a fit.

    Attributes:
        fitted: Gives a genome with other weights and nothing else changed; the same for equal genomes, and for its own
            result. Spaces travel to other processes, so it has to be picklable.
    """

    fitted: Callable[[Genome], Genome]

    def founders(self) -> list[tuple[str, Genome]]:
        """Those of any space, fitted; founders that became one genome stay two names of it."""
        return [(name, self.fitted(genome)) for name, genome in super().founders()]

    def random(self, *, rng: np.random.Generator) -> Genome:
        """A random valid genome, fitted."""
        return self.fitted(super().random(rng=rng))

    def inherit(self, child: Genome, parent: Genome) -> Genome:
        """The child, fitted; weights of its parent do not count."""
        return self.fitted(child)
