"""What the modules remember with: an LSTM and a windowed attention that both forget where an episode begins."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

State = dict[str, Tensor]
"""What a module carries from tick to tick; every tensor has the batch first."""

_SQRT2 = math.sqrt(2.0)


class EpisodicLSTM(nn.Module):
    """An LSTM over windows; its state is cleared before the tick at which an episode begins."""

    def __init__(self, num_inputs: int, width: int, *, layers: int = 1) -> None:
        super().__init__()
        self._lstm = nn.LSTM(num_inputs, width, layers)

    def start(self, batch: int) -> State:
        """The cleared state."""
        shape = (batch, self._lstm.num_layers, self._lstm.hidden_size)
        return {"hidden": torch.zeros(shape), "cell": torch.zeros(shape)}

    def forward(self, inputs: Tensor, resets: Tensor, state: State) -> tuple[Tensor, State]:
        """Outputs [ticks, batch, width] and the state after the last tick."""
        hidden, cell = (state[name].transpose(0, 1).contiguous() for name in ("hidden", "cell"))
        ticks = len(inputs)
        # The fused kernel runs from one reset in the batch to the next.
        begins = [0, *(tick for tick in resets.any(1).nonzero()[:, 0].tolist() if tick > 0)]
        outputs = []
        for begin, end in zip(begins, [*begins[1:], ticks], strict=True):
            keep = (~resets[begin]).to(hidden.dtype)[None, :, None]
            output, (hidden, cell) = self._lstm(inputs[begin:end], (hidden * keep, cell * keep))
            outputs.append(output)
        carried = {"hidden": hidden.transpose(0, 1), "cell": cell.transpose(0, 1)}
        return torch.cat(outputs) if len(outputs) > 1 else outputs[0], carried


class WindowAttention(nn.Module):
    """Each tick attends to the last ``window`` ticks of its episode, itself among them.

    Recent ticks have the advantage of a bias that falls linearly with age, with a slope per head (ALiBi, Press et al.
    2022).
    """

    slopes: Tensor

    def __init__(self, width: int, *, heads: int, window: int) -> None:
        super().__init__()
        self._heads, self._window = heads, window
        self._query_key_value = nn.Linear(width, 3 * width)
        self._join = nn.Linear(width, width)
        self.register_buffer("slopes", 2.0 ** (-8.0 * (1 + torch.arange(heads)) / heads), persistent=False)

    def start(self, batch: int) -> State:
        """An empty store."""
        past, width = self._window - 1, self._join.in_features
        return {
            "keys": torch.zeros(batch, past, width),
            "values": torch.zeros(batch, past, width),
            "is_filled": torch.zeros(batch, past, dtype=torch.bool),
        }

    def forward(self, inputs: Tensor, resets: Tensor, state: State) -> tuple[Tensor, State]:
        """What each tick attends to, [ticks, batch, width], and the store after the last tick."""
        ticks, batch, width = inputs.shape
        past = self._window - 1
        query, key, value = self._query_key_value(inputs).transpose(0, 1).chunk(3, dim=-1)
        keys, values = torch.cat([state["keys"], key], dim=1), torch.cat([state["values"], value], dim=1)
        episode = resets.long().cumsum(0).transpose(0, 1)  # [batch, ticks], 0 for the one that goes on from the state
        stored = torch.where(state["is_filled"], 0, -1)
        episodes = torch.cat([stored, episode], dim=1)  # of every key
        age = (torch.arange(ticks)[:, None] + past) - torch.arange(past + ticks)  # [ticks, keys]
        in_window = (age >= 0) & (age < self._window)
        is_seen = in_window & (episodes[:, None, :] == episode[:, :, None])
        bias = -self.slopes[:, None, None] * age
        scores = bias[None].masked_fill(~is_seen[:, None], -math.inf)
        attended = nn.functional.scaled_dot_product_attention(
            self._split(query), self._split(keys), self._split(values), attn_mask=scores
        )
        attended = attended.transpose(1, 2).reshape(batch, ticks, width).transpose(0, 1)
        carried = {
            "keys": keys[:, ticks:],
            "values": values[:, ticks:],
            "is_filled": episodes[:, ticks:] == episode[:, -1:],
        }
        return self._join(attended), carried

    def _split(self, given: Tensor) -> Tensor:
        batch, length, width = given.shape
        return given.view(batch, length, self._heads, width // self._heads).transpose(1, 2)


def initialise(module: nn.Module, *, generator: torch.Generator) -> None:
    """Orthogonal weights with gain √2 and zero biases, everywhere (Saxe et al. 2014).

    With PyTorch's default initialisation learning stays on a plateau for the first 50,000 ticks and more.
    """
    for name, parameter in module.named_parameters():
        if parameter.ndim < 2:
            if "bias" in name:
                nn.init.zeros_(parameter)
        elif "_lstm" in name:
            for gate in parameter.data.chunk(4):
                nn.init.orthogonal_(gate, generator=generator)
        else:
            nn.init.orthogonal_(parameter, _SQRT2, generator=generator)
