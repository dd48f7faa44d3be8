"""Greedy ensemble selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from experiments.compare.baselines.base import Baseline, MethodUnfitError, Setting
from experiments.compare.baselines.best_member import single_members
from experiments.compare.bench import Bench
from experiments.compare.task import Task
from genomes.breeding.editing import Blueprint, Input
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.methods.combiners import Weighted

_MAX_BAG = 100


class GreedySelection(Baseline):
    """Ensemble selection with replacement (Caruana et al. 2004, "Ensemble selection from libraries of models").

    Starts from the best member. Each step tries to add one more copy of every member to the bag, whose mean is a
    mixture with weights by multiplicity, and takes the best even where it is no better; at the end the best bag of all
    steps counts. The library is the experiment's members at their default temperature. Bags with more members than
    ``space.max_member_nodes``, or above ``space.max_active_parameters``, are not tried.
    """

    name = "greedy_selection"
    label = "greedy ensemble selection"
    is_seeded = False

    def prepared(self, setting: Setting) -> Task:
        """See the base class."""
        if Weighted.name not in setting.task.space.methods or not setting.task.space.max_combiners:
            raise MethodUnfitError(
                f"{self.name!r} needs the method {Weighted.name!r}, and space.methods is "
                f"{setting.task.space.methods!r} with max_combiners "
                f"{setting.task.space.max_combiners!r}. Add the method, or leave {self.name!r} out."
            )
        return setting.task

    def search(self, bench: Bench) -> None:
        """See the base class."""
        space = bench.task.space
        singles = single_members(space)
        losses = {name: bench.loss(genome) for name, genome in singles.items()}
        bag = Counter([min(losses, key=lambda name: (losses[name], name))])
        while bag.total() < _MAX_BAG:
            steps = {}
            for name in singles:
                larger = bag + Counter([name])
                mixture = _mixture(larger, singles)
                if len(larger) <= space.max_member_nodes and space.affords(mixture):
                    steps[name] = bench.loss(mixture)
            bag += Counter([min(steps, key=lambda name: (steps[name], name))])


def _mixture(bag: Mapping[str, int], singles: Mapping[str, Genome]) -> Genome:
    """The mean of a bag of members."""
    if len(bag) == 1:
        return singles[next(iter(bag))]
    blueprint = Blueprint()
    inputs = []
    for name, count in sorted(bag.items()):
        (node,) = singles[name].of_type(MemberNode).values()
        inputs.append(Input(blueprint.add(node), "distribution", float(count)))
    joined = blueprint.add(CombinerNode(Weighted.name), inputs)
    (response,) = next(iter(singles.values())).of_type(ResponseNode).values()
    blueprint.add(response, [Input(joined, "distribution")])
    return blueprint.genome()
