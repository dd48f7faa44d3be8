"""The space of agents: limits, and everything to breed agents within them.

It offers what the engine's ``SearchSpace`` protocol asks for without importing the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from genomes.agent.breeding.editing import pick
from genomes.agent.breeding.founders import founder_agents, minimal_agent
from genomes.agent.breeding.limits import MODULE_KINDS, AgentLimits
from genomes.agent.breeding.mutation import MUTATIONS
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.identity import agent_key, canonical_agent
from genomes.agent.graph.kinds import ACTION
from genomes.agent.graph.rules import check_agent
from genomes.agent.graph.serialization import agent_from_json, agent_to_json

_RANDOM_EDITS = 8


@dataclass(frozen=True)
class AgentSpace(AgentLimits):
    """All agents within limits. Its settings are those of ``AgentLimits``."""

    @property
    def mutations(self) -> Mapping[str, tuple[Callable[..., AgentGenome], float]]:
        """Operators ``(genome, *, rng) -> genome`` by name, each with the weight that it is drawn with."""
        return {name: (partial(operator, space=self), weight) for name, (operator, weight) in MUTATIONS.items()}

    @property
    def crossovers(self) -> Mapping[str, tuple[Callable[..., AgentGenome], float]]:
        """None: what a module does is learnt together with its neighbours, and does not survive transplanting."""
        return {}

    def founders(self) -> list[tuple[str, AgentGenome]]:
        """The known agents that lie in this space, in canonical form."""
        known = founder_agents().items()
        return [(name, canonical_agent(agent)) for name, agent in known if not check_agent(agent, self)]

    def random(self, *, rng: np.random.Generator) -> AgentGenome:
        """A random valid agent in canonical form: some random edits away from perception and action alone."""
        operators = [operator for operator, _ in self.mutations.values()]
        genome = canonical_agent(minimal_agent())
        for _ in range(int(rng.integers(1, _RANDOM_EDITS + 1))):
            genome = pick(operators, rng=rng)(genome, rng=rng)
        return genome

    def inherit(self, child: AgentGenome, parent: AgentGenome) -> AgentGenome:
        """The child with its parent as ancestor, whose own line is cut to what the space allows."""
        if self.inherited_trainings == 0:
            return child
        return child.descended_from(_cut(parent, self.inherited_trainings - 1))

    def problems(self, genome: AgentGenome) -> list[str]:
        """Every broken rule, as sentences; empty where the agent is valid in this space."""
        return [str(violation) for violation in check_agent(genome, self)]

    def key(self, genome: AgentGenome) -> str:
        """The identity: equal keys mean equal behaviour of learning and acting."""
        return agent_key(genome)

    def to_json(self, genome: AgentGenome) -> str:
        """The JSON of the canonical form: equal keys give equal text."""
        return agent_to_json(canonical_agent(genome))

    def from_json(self, text: str) -> AgentGenome:
        """The agent of a text, as it stands there.

        Raises:
            GenomeFormatError: The text is no agent.
        """
        return agent_from_json(text)

    def describe(self, genome: AgentGenome) -> dict[str, float | int | str]:
        """Columns of a history: counts by kind, depth, and the learning genes.

        ``depth`` is the number of modules on the longest path from a sense to the action.
        """
        depths: dict[str, int] = {}
        for name in genome.topological_order():
            before = max((depths[one.source] for one in genome.inputs(name)), default=0)
            depths[name] = before + (not genome.modules[name].description.is_sense)
        return {
            "num_modules": sum(not module.description.is_sense for module in genome.modules.values()),
            "num_connections": len(genome.connections),
            "depth": max(depths.values(), default=0),
            "num_ancestors": genome.num_ancestors,
            **{f"num_{kind}": len(genome.of_kind(kind)) for kind in MODULE_KINDS if kind != ACTION},
            **genome.learning,
        }


def _cut(genome: AgentGenome, num_ancestors: int) -> AgentGenome:
    if genome.ancestor is None:
        return genome
    return genome.descended_from(_cut(genome.ancestor, num_ancestors - 1) if num_ancestors else None)
