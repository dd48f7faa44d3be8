"""Local search."""

from __future__ import annotations

import numpy as np

from evolve.seeding import generator
from experiments.compare.baselines.base import Baseline
from experiments.compare.bench import Bench
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome

OFFSPRING = 8
"""λ: how many neighbours are tried before the next step."""

PATIENCE = 10
"""After so many rounds without a better neighbour, the search starts again from a random genome."""


class LocalSearch(Baseline):
    """(1+λ) local search with restarts (White et al. 2020, "Local search is state of the art for NAS benchmarks").

    Starts from the best founder. Neighbours are children by one mutation of the space, drawn by its weights; the best
    of λ takes over where it is no worse.
    """

    name = "local_search"
    label = f"(1+{OFFSPRING}) local search"

    def search(self, bench: Bench) -> None:
        """See the base class."""
        space = bench.task.space
        rng = generator(bench.seed, "local_search")
        founders = [genome for _, genome in space.founders()]
        losses = bench.losses(founders)
        loss = min(losses)
        current = founders[losses.index(loss)]
        while True:
            loss = self._climb(current, loss, bench, rng=rng)
            current = space.random(rng=rng)
            loss = bench.loss(current)

    def _climb(self, current: Genome, loss: float, bench: Bench, *, rng: np.random.Generator) -> float:
        space = bench.task.space
        num_stalls = 0
        while num_stalls < PATIENCE:
            children = [mutated(current, space, rng=rng) for _ in range(OFFSPRING)]
            losses = bench.losses(children)
            best_loss = min(losses)
            best = children[losses.index(best_loss)]
            num_stalls = 0 if best_loss < loss else num_stalls + 1
            if best_loss <= loss:
                current, loss = best, best_loss
        return loss


def mutated(genome: Genome, space: CompositionSpace, *, rng: np.random.Generator) -> Genome:
    """A child by one mutation that is drawn by weight; the genome itself where that finds nothing to change."""
    names = sorted(space.mutations)
    weights = np.array([space.mutations[name][1] for name in names])
    operator, _ = space.mutations[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
    return operator(genome, rng=rng)
