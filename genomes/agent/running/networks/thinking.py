"""PlanningNet, MemoryNet and ConceptionNet: from vectors to a vector. Each keeps a path past its own memory."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from genomes.agent.graph.modules import Module
from genomes.agent.running.networks.recurrence import EpisodicLSTM, State, WindowAttention

Inputs = dict[str, list[Tensor]]


class PlanningNet(nn.Module):
    """An LSTM over what comes in.

    Args:
        module: The genes.
        num_inputs: Numbers that come in, all connections together.
        width: Of the output.
    """

    def __init__(self, module: Module, *, num_inputs: int, width: int) -> None:
        super().__init__()
        self._memory = EpisodicLSTM(num_inputs, width, layers=int(module.genes["layers"]))
        self._join = nn.Linear(num_inputs + width, width)

    def start(self, batch: int) -> State:
        """See the package."""
        return self._memory.start(batch)

    def forward(self, inputs: Inputs, resets: Tensor, state: State) -> tuple[Tensor, State]:
        """Output [ticks, batch, width] and state."""
        given = torch.cat(inputs["inputs"], dim=-1)
        remembered, carried = self._memory(given, resets, state)
        return torch.tanh(self._join(torch.cat([given, remembered], dim=-1))), carried


class MemoryNet(nn.Module):
    """Attention over a store of what came in during the last ``window`` ticks; arguments as for ``PlanningNet``."""

    def __init__(self, module: Module, *, num_inputs: int, width: int) -> None:
        super().__init__()
        genes = module.genes
        self._embed = nn.Linear(num_inputs, width)
        self._attention = WindowAttention(width, heads=int(genes["heads"]), window=int(genes["window"]))
        self._join = nn.Linear(2 * width, width)

    def start(self, batch: int) -> State:
        """See the package."""
        return self._attention.start(batch)

    def forward(self, inputs: Inputs, resets: Tensor, state: State) -> tuple[Tensor, State]:
        """Output [ticks, batch, width] and state."""
        embedded = torch.tanh(self._embed(torch.cat(inputs["inputs"], dim=-1)))
        attended, carried = self._attention(embedded, resets, state)
        return torch.tanh(self._join(torch.cat([embedded, attended], dim=-1))), carried


class ConceptionNet(nn.Module):
    """One or two layers that join what comes in; remembers nothing. Arguments as for ``PlanningNet``."""

    def __init__(self, module: Module, *, num_inputs: int, width: int) -> None:
        super().__init__()
        sizes = [num_inputs, *[width] * int(module.genes["layers"])]
        self._layers = nn.Sequential(*(layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.Tanh())))

    def start(self, batch: int) -> State:
        """Nothing is carried."""
        return {}

    def forward(self, inputs: Inputs, resets: Tensor, state: State) -> tuple[Tensor, State]:
        """Output [ticks, batch, width] and state."""
        return self._layers(torch.cat(inputs["inputs"], dim=-1)), {}
