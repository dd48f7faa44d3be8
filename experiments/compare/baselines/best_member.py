"""The best of the members by itself."""

from __future__ import annotations

from experiments.compare.baselines.base import Baseline
from experiments.compare.bench import Bench
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome


class BestMember(Baseline):
    """Every member alone, with default settings: what a composition has to beat to be worth its parameters.

    Members that run more parameters than ``space.max_active_parameters`` are left out.
    """

    name = "best_member"
    label = "best single member"
    is_seeded = False

    def search(self, bench: Bench) -> None:
        """See the base class."""
        for genome in single_members(bench.task.space).values():
            bench.loss(genome)


def single_members(space: CompositionSpace) -> dict[str, Genome]:
    """Every member alone that the space allows, by its name."""
    prefix = "single:"
    return {name.removeprefix(prefix): genome for name, genome in space.founders() if name.startswith(prefix)}
