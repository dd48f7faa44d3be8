"""The control side: an intrinsic reference for the body's energy, and comparators between vectors.

After W. T. Powers (1973, chapter 5): error = reference - perception, output = leaky integral of gain times error.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genomes.agent.graph.modules import Module
from genomes.agent.running.networks.recurrence import State

_START_LEAK = 0.0  # Of the sigmoid: the integrator goes half of the way in each tick.


class IntrinsicNet(nn.Module):
    """Reference and error of the body's energy, as two numbers; reference and energy where the signal is raw.

    Args:
        module: The genes.
    """

    def __init__(self, module: Module) -> None:
        super().__init__()
        self._reference = float(module.genes["reference"])
        self._is_raw = module.genes["signal"] == "raw"
        self._gain = nn.Parameter(torch.ones(()), requires_grad=not self._is_raw)

    def start(self, batch: int) -> State:
        """Nothing is carried."""
        return {}

    def forward(self, inputs: dict[str, list[Tensor]], resets: Tensor, state: State) -> tuple[Tensor, State]:
        """``inputs`` holds ``body`` and, where the world sets references, ``reference`` [ticks, batch, 1]."""
        energy = inputs["body"][0][..., :1]
        reference = inputs["reference"][0] if "reference" in inputs else torch.full_like(energy, self._reference)
        second = energy if self._is_raw else self._gain * (reference - energy)
        return torch.cat([reference, second], dim=-1), {}


class ComparatorNet(nn.Module):
    """o_t = o_{t-1} + k (G e_t - o_{t-1}) with e = reference - perception; gain G and leak k are learnt."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self._width = width
        self._gain = nn.Parameter(torch.ones(()))
        self._leak = nn.Parameter(torch.tensor(_START_LEAK))

    def start(self, batch: int) -> State:
        """An integrator at rest."""
        return {"integral": torch.zeros(batch, self._width)}

    def forward(self, inputs: dict[str, list[Tensor]], resets: Tensor, state: State) -> tuple[Tensor, State]:
        """Output [ticks, batch, width] and state; the recursion is unrolled into one product over the window."""
        error = self._gain * (inputs["reference"][0] - inputs["perception"][0])
        ticks = torch.arange(len(error))
        episode = resets.long().cumsum(0).transpose(0, 1)
        age = ticks[:, None] - ticks
        leak = torch.sigmoid(self._leak)
        weights = torch.where(age >= 0, leak * (1 - leak) ** age.clamp(min=0), 0.0)
        same = episode[:, :, None] == episode[:, None, :]
        driven = (weights * same) @ error.transpose(0, 1)
        left = (1 - leak) ** (ticks + 1)[:, None] * (episode == 0)[..., None] * state["integral"][:, None]
        output = (driven + left).transpose(0, 1)
        return output, {"integral": output[-1]}
