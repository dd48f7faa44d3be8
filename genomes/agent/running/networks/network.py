"""AgentNetwork: the modules of a genome wired up, for windows of ticks and batches of worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION
from genomes.agent.graph.rules import require_valid_agent
from genomes.agent.running.networks.acting import ActionNet, Critic
from genomes.agent.running.networks.control import ComparatorNet, IntrinsicNet
from genomes.agent.running.networks.recurrence import State, initialise
from genomes.agent.running.networks.sensing import BODY_SIZE, PerceptionNet
from genomes.agent.running.networks.thinking import ConceptionNet, MemoryNet, PlanningNet

AgentState = dict[str, State]
"""State of every module by id."""

_SCALARS = 2
_ACTION_GAIN, _VALUE_GAIN = 0.01, 1.0


@dataclass(frozen=True, slots=True)
class AgentOutput:
    """What a network says to a window.

    Attributes:
        logits: [ticks, batch, actions]: unnormalised log-probabilities of the actions.
        values: [ticks, batch]: the critic's, in units of the learner's rewards.
        state: After the last tick.
        signals: What left each module, by id: [ticks, batch, numbers].
    """

    logits: Tensor
    values: Tensor
    state: AgentState
    signals: Mapping[str, Tensor]


class AgentNetwork(nn.Module):
    """The phenotype of an agent.

    Args:
        genome: A valid agent.
        grid_size: Rows and columns of the grid that is seen.
        num_actions: How many actions there are.
        seed: Of the initial weights; equal genomes and seeds give equal weights.

    Raises:
        InvalidGenomeError: The agent breaks rules.
    """

    def __init__(self, genome: AgentGenome, *, grid_size: int, num_actions: int, seed: int) -> None:
        require_valid_agent(genome)
        super().__init__()
        self.genome, self.grid_size, self.num_actions = genome, grid_size, num_actions
        self._order = [name for name in genome.topological_order() if not genome.modules[name].description.is_sense]
        self._action = genome.of_kind(ACTION)[0]
        self.width = int(genome.learning["width"])
        sizes = {"vec": self.width, "scalar": _SCALARS, "logits": num_actions, "body": BODY_SIZE, "grid": 0}
        self._sizes = {name: sizes[module.description.output] for name, module in genome.modules.items()}
        # Constructors draw weights that are replaced below; the global generator stays as it was.
        with torch.random.fork_rng(devices=[]):
            self.parts = nn.ModuleDict({name: self._part(name) for name in self._order})
            self.critic = Critic(sum(self._sizes[name] for name in self._order) + BODY_SIZE + 1)
        generator = torch.Generator().manual_seed(seed)
        initialise(self, generator=generator)
        action = self.parts[self._action]
        for head, gain in ((action.head, _ACTION_GAIN), (self.critic.head, _VALUE_GAIN)):
            nn.init.orthogonal_(head.weight, gain, generator=generator)  # type: ignore[union-attr, arg-type]

    @property
    def num_parameters(self) -> int:
        """Parameters that act; the critic's are not counted."""
        return sum(parameter.numel() for parameter in self.parts.parameters())

    def start(self, batch: int) -> AgentState:
        """The state at the beginning of episodes."""
        return {name: self.parts[name].start(batch) for name in self._order}  # type: ignore[operator]

    def forward(self, observation: Mapping[str, Tensor], resets: Tensor, state: AgentState) -> AgentOutput:
        """Think through a window.

        Args:
            observation: ``grid`` [ticks, batch, 3, size, size], ``body`` [ticks, batch, 4] and, where the world sets
                references, ``reference`` [ticks, batch, 1].
            resets: bool [ticks, batch]: where an episode begins.
            state: Before the first tick.
        """
        body = observation["body"]
        signals: dict[str, Tensor] = {}
        for name, module in self.genome.modules.items():
            if module.description.is_sense:
                signals[name] = observation[module.kind]
        after: AgentState = {}
        for name in self._order:
            module = self.genome.modules[name]
            inputs: dict[str, list[Tensor]] = {}
            for one in self.genome.inputs(name):
                inputs.setdefault(one.port, []).append(signals[one.source])
            if module.kind == "intrinsic" and "reference" in observation:
                inputs["reference"] = [observation["reference"]]
            signals[name], after[name] = self.parts[name](inputs, resets, state[name])
        reference = observation.get("reference", torch.ones_like(body[..., :1]))
        seen = torch.cat([*(signals[name] for name in self._order), body, reference], dim=-1)
        return AgentOutput(signals[self._action], self.critic(seen), after, signals)

    def _part(self, name: str) -> nn.Module:
        module = self.genome.modules[name]
        given = self.genome.inputs(name)
        num_inputs = sum(self._sizes[one.source] for one in given)
        match module.kind:
            case "perception":
                has_body = any(one.port == "body" for one in given)
                return PerceptionNet(module, width=self.width, grid_size=self.grid_size, has_body=has_body)
            case "planning":
                return PlanningNet(module, num_inputs=num_inputs, width=self.width)
            case "memory":
                return MemoryNet(module, num_inputs=num_inputs, width=self.width)
            case "conception":
                return ConceptionNet(module, num_inputs=num_inputs, width=self.width)
            case "intrinsic":
                return IntrinsicNet(module)
            case "comparator":
                return ComparatorNet(width=self.width)
            case _:
                return ActionNet(module, num_inputs=num_inputs, width=self.width, num_actions=self.num_actions)


def select(state: AgentState, rows: Tensor) -> AgentState:
    """The state of some rows of the batch."""
    return {name: {key: value[rows] for key, value in part.items()} for name, part in state.items()}
