"""A space of compositions that can be counted out: every gene on a grid, every member once, one combiner at most.

Operators are those of any space; what they give is moved to the nearest point of the grid. It serves comparisons with a
known optimum (benchmarks/known_optimum.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, product

import numpy as np

from genomes.breeding.editing import Blueprint, Input
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode
from genomes.methods.combiners import COMBINERS


@dataclass(frozen=True)
class GridSpace(CompositionSpace):
    """A space with finitely many genomes, apart from the settings of the answer.

    Attributes:
        temperatures: Values of every member's temperature.
        weights: Values of every weight, relative to the largest of a node; 1 is one of them.
        grids: Values of the methods' parameters by name; a parameter that is not there keeps its default.

    Raises:
        ValueError: The limits allow nesting, drafts or fewer members than there are, or 1 is no weight.
    """

    temperatures: tuple[float, ...] = (1.0,)
    weights: tuple[float, ...] = (1.0, 0.5, 0.25)
    grids: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value, allowed in (
            ("max_combiners", self.max_combiners, 1),
            ("max_drafts", self.max_drafts, 0),
            ("max_member_nodes", self.max_member_nodes, len(self.members)),
        ):
            if value != allowed:
                raise ValueError(f"{name} is {value!r}; a grid space over {len(self.members)} members has {allowed}.")
        if 1.0 not in self.weights:
            raise ValueError(
                f"weights is {self.weights!r}; the largest weight of a node is 1.0, which has to be there."
            )

    @property
    def mutations(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """Those of any space, on the grid."""
        return {
            name: (partial(self._on_grid, operator), weight) for name, (operator, weight) in super().mutations.items()
        }

    @property
    def crossovers(self) -> Mapping[str, tuple[Callable[..., Genome], float]]:
        """Those of any space, on the grid."""
        return {
            name: (partial(self._on_grid, operator), weight) for name, (operator, weight) in super().crossovers.items()
        }

    def founders(self) -> list[tuple[str, Genome]]:
        """Those of any space, on the grid."""
        return [(name, self.snapped(genome)) for name, genome in super().founders()]

    def random(self, *, rng: np.random.Generator) -> Genome:
        """What a random genome of any space is on the grid; not uniform over the grid."""
        return self.snapped(super().random(rng=rng))

    def problems(self, genome: Genome) -> list[str]:
        """Every broken rule; the last one is to be on the grid."""
        found = super().problems(genome)
        if not found and not self._is_on_grid(genome):
            found.append("[grid] A gene is off the grid or a member is there twice; move it with GridSpace.snapped.")
        return found

    def snapped(self, genome: Genome) -> Genome:
        """The nearest genome of the grid; members that stand more than once count once."""
        if self._is_on_grid(genome):
            return genome
        blueprint = Blueprint(genome)
        for node_id, member in genome.of_type(MemberNode).items():
            temperature = _nearest(member.temperature, self.temperatures)
            blueprint.nodes[node_id] = replace(member, temperature=temperature)
        for node_id, combiner in genome.of_type(CombinerNode).items():
            ranges = COMBINERS[combiner.method].parameters
            blueprint.nodes[node_id] = CombinerNode(
                combiner.method,
                {
                    name: _nearest(float(combiner.parameters[name]), self._grid(combiner.method, name))
                    for name in ranges
                },
            )
            once: dict[str, Input] = {}
            for given in blueprint.inputs[node_id]:
                source = genome.nodes[given.source]
                once.setdefault(source.member if isinstance(source, MemberNode) else given.source, given)
            largest = max((given.weight or 0.0 for given in once.values()), default=0.0)
            blueprint.inputs[node_id] = [
                given if given.weight is None else replace(given, weight=_nearest(given.weight / largest, self.weights))
                for given in once.values()
            ]
        blueprint.tidy()
        return blueprint.genome()

    def enumerate(self) -> Iterator[Genome]:
        """Every genome once, with the default settings of the answer."""
        defaults = super().founders()[0][1]
        for size in range(1, len(self.members) + 1):
            for names in combinations(self.members, size):
                for temperatures in product(self.temperatures, repeat=size):
                    nodes = [MemberNode(name, temperature=at) for name, at in zip(names, temperatures, strict=True)]
                    if size == 1:
                        yield _joined(nodes, None, [None], defaults)
                        continue
                    for method in self.methods:
                        yield from self._joined_by(method, nodes, defaults)

    def _joined_by(self, method: str, nodes: Sequence[MemberNode], like: Genome) -> Iterator[Genome]:
        ranges = sorted(COMBINERS[method].parameters)
        weights: list[tuple[float | None, ...]] = [(None,) * len(nodes)]
        if COMBINERS[method].has_weights:
            every = product(self.weights, repeat=len(nodes))
            weights = [some for some in every if max(some) == 1.0]
        for values in product(*(self._grid(method, name) for name in ranges)):
            combiner = CombinerNode(method, dict(zip(ranges, values, strict=True)))
            for some in weights:
                yield _joined(nodes, combiner, some, like)

    def _grid(self, method: str, name: str) -> tuple[float, ...]:
        return self.grids.get(name, (float(COMBINERS[method].parameters[name].default),))

    def _on_grid(self, operator: Callable[..., Genome], *genomes: Genome, rng: np.random.Generator) -> Genome:
        child = operator(*genomes, rng=rng)
        if self._is_on_grid(child):
            return child
        snapped = self.snapped(child)
        return genomes[0] if self.key(snapped) == self.key(genomes[0]) else snapped

    def _is_on_grid(self, genome: Genome) -> bool:
        members = [member.member for member in genome.of_type(MemberNode).values()]
        if len(set(members)) < len(members):
            return False
        if any(member.temperature not in self.temperatures for member in genome.of_type(MemberNode).values()):
            return False
        for node_id, combiner in genome.of_type(CombinerNode).items():
            if any(value not in self._grid(combiner.method, name) for name, value in combiner.parameters.items()):
                return False
            weights = [edge.weight for edge in genome.inputs(node_id) if edge.weight is not None]
            if any(weight / max(weights) not in self.weights for weight in weights):
                return False
        return True


def _nearest(value: float, grid: Sequence[float]) -> float:
    return min(grid, key=lambda point: (abs(math.log(point / value)), point))


def _joined(
    nodes: Sequence[MemberNode], combiner: CombinerNode | None, weights: Sequence[float | None], like: Genome
) -> Genome:
    blueprint = Blueprint(like)
    (taken,) = blueprint.inputs[blueprint.response_id]
    inputs = [Input(blueprint.add(node), "distribution", weight) for node, weight in zip(nodes, weights, strict=True)]
    top = inputs[0].source if combiner is None else blueprint.add(combiner, inputs)
    blueprint.redirect(blueprint.response_id, taken.source, top)
    return blueprint.genome()
