"""ActionNet, which ends the graph, and the critic, which is the learner's and no part of how an agent behaves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genomes.agent.graph.modules import Module
from genomes.agent.running.networks.recurrence import EpisodicLSTM, State

_CRITIC_WIDTH = 64


class ActionNet(nn.Module):
    """An LSTM and a linear layer to the logits of a categorical distribution over actions.

    Args:
        module: The genes.
        num_inputs: Numbers that come in, all connections together.
        width: Of the LSTM.
        num_actions: How many actions there are.
    """

    def __init__(self, module: Module, *, num_inputs: int, width: int, num_actions: int) -> None:
        super().__init__()
        self._memory = EpisodicLSTM(num_inputs, width, layers=int(module.genes["layers"]))
        self.head = nn.Linear(num_inputs + width, num_actions)

    def start(self, batch: int) -> State:
        """See the package."""
        return self._memory.start(batch)

    def forward(self, inputs: dict[str, list[Tensor]], resets: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits [ticks, batch, actions] and state."""
        given = torch.cat(inputs["inputs"], dim=-1)
        remembered, carried = self._memory(given, resets, state)
        return self.head(torch.cat([given, remembered], dim=-1)), carried


class Critic(nn.Module):
    """The value of what all modules say, the body and the reference; [..., numbers] to [...]."""

    def __init__(self, num_inputs: int) -> None:
        super().__init__()
        self._layers = nn.Sequential(nn.Linear(num_inputs, _CRITIC_WIDTH), nn.Tanh())
        self.head = nn.Linear(_CRITIC_WIDTH, 1)

    def forward(self, given: Tensor) -> Tensor:
        """The expected discounted return, in units of the learner's rewards."""
        return torch.as_tensor(self.head(self._layers(given))).squeeze(-1)
