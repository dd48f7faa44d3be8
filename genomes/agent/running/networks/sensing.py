"""PerceptionNet: from what the senses bring to a vector, with a short memory of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genomes.agent.graph.modules import Module
from genomes.agent.running.networks.recurrence import EpisodicLSTM, State, WindowAttention

BODY_SIZE = 4

_PLANES = 3
_LARGE = 8  # Grids with more rows are halved twice.


class PerceptionNet(nn.Module):
    """Two convolutions, an LSTM, attention over its last outputs; all three reach the output.

    Args:
        module: The genes.
        width: Of the output.
        grid_size: Rows and columns of the grid that is seen.
        has_body: Whether the body comes in as well.
    """

    def __init__(self, module: Module, *, width: int, grid_size: int, has_body: bool) -> None:
        super().__init__()
        genes = module.genes
        channels, features = int(genes["channels"]), int(genes["features"])
        stride = 2 if grid_size > _LARGE else 1
        self._has_body = has_body
        self._convolutions = nn.Sequential(
            nn.Conv2d(_PLANES, channels, 3, stride=stride, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, features, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        side = math.ceil(math.ceil(grid_size / stride) / 2)
        self._embed = nn.Linear(features * side**2 + (BODY_SIZE if has_body else 0), width)
        self._memory = EpisodicLSTM(width, width)
        self._attention = WindowAttention(width, heads=int(genes["heads"]), window=int(genes["window"]))
        self._join = nn.Linear(3 * width, width)

    def start(self, batch: int) -> State:
        """See the package."""
        return {**self._memory.start(batch), **self._attention.start(batch)}

    def forward(self, inputs: dict[str, list[Tensor]], resets: Tensor, state: State) -> tuple[Tensor, State]:
        """``inputs`` holds ``grid`` [ticks, batch, 3, size, size] and, where it has one, ``body`` [ticks, batch, 4]."""
        grid = inputs["grid"][0]
        seen = self._convolutions(grid.flatten(0, 1)).unflatten(0, grid.shape[:2])
        parts = [seen, *inputs["body"]] if self._has_body else [seen]
        embedded = torch.relu(self._embed(torch.cat(parts, dim=-1)))
        remembered, carried = self._memory(embedded, resets, state)
        attended, store = self._attention(remembered, resets, state)
        joined = self._join(torch.cat([embedded, remembered, attended], dim=-1))
        return torch.tanh(joined), {**carried, **store}
