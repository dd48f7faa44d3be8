"""The forward pass of MiniLM in whole numbers, which is what scores are made with. Tests compare it with the library's.

Sums of whole numbers are exact, in whatever order and company they are made. That is why int8 is not only the faster
arithmetic here (four times as many products per second as float32 on a CPU with VNNI) but the safer one: the vector of
a text cannot depend on the batch it stands in. Rows are read without padding, rows of one length together.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch.nn import functional

Vectors = npt.NDArray[np.float32]
"""Vectors in rows; of texts at unit length."""

DIMENSION = 384
_NUM_LAYERS = 6
_NUM_HEADS = 12
_EPSILON = 1e-12  # Of the layer norms; BERT's.

# Seven bits, not eight: CPUs without VNNI add two products of an unsigned and a signed byte in 16 bits, and
# 2 x 255 x 63 fits there while 2 x 255 x 127 does not. So the nodes of a mixed cluster agree.
_LARGEST_WEIGHT = 63
_LARGEST_ACTIVATION = 127
_LEAST_RANGE = 1e-12  # A row of zeros is divided by this instead of by zero.


class _Norm(NamedTuple):
    weight: torch.Tensor
    bias: torch.Tensor

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(values, (DIMENSION,), self.weight, self.bias, _EPSILON)


class _Linear(NamedTuple):
    """A layer with weights in whole numbers, a scale for each output; inputs are scaled row by row as they come."""

    weight: torch.Tensor  # int8 [inputs, outputs]
    scale: torch.Tensor  # float32 [outputs], of weights and inputs together
    bias: torch.Tensor  # float32 [outputs]

    @staticmethod
    def of(tensors: dict[str, torch.Tensor], *names: str) -> _Linear:
        """Layers that read the same input, side by side."""
        weight = torch.cat([tensors[f"{name}.weight"] for name in names])
        scale = weight.abs().amax(dim=1) / _LARGEST_WEIGHT
        whole = (weight / scale[:, None]).round().to(torch.int8).t().contiguous()
        bias = torch.cat([tensors[f"{name}.bias"] for name in names])
        return _Linear(whole, scale / _LARGEST_ACTIVATION, bias)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        largest = torch.maximum(inputs.amax(dim=1, keepdim=True), -inputs.amin(dim=1, keepdim=True))
        largest.clamp_(min=_LEAST_RANGE)
        whole = (inputs * (_LARGEST_ACTIVATION / largest)).round_().to(torch.int8)
        sums = torch._int_mm(whole, self.weight)
        return sums.float().mul_(largest).mul_(self.scale).add_(self.bias)


class _Layer(NamedTuple):
    attention: _Linear  # queries, keys and values, each by head
    attended: _Linear
    attended_norm: _Norm
    inner: _Linear
    outer: _Linear
    outer_norm: _Norm


class Int8Network:
    """MiniLM with every matrix product in int8 and everything between them in float32.

    All tokens of a call stand in one matrix, whatever text they belong to; only attention looks at texts. Word vectors
    stay in the mapped file, whose pages all processes of a machine share.
    """

    dimension = DIMENSION

    def __init__(self, directory: Path) -> None:
        tensors = load_file(directory / "model.safetensors")
        self._words = tensors["embeddings.word_embeddings.weight"]
        kind = tensors["embeddings.token_type_embeddings.weight"][0]
        self._positions = tensors["embeddings.position_embeddings.weight"] + kind
        self._norm = _norm(tensors, "embeddings.LayerNorm")
        self._layers = [_layer(tensors, f"encoder.layer.{number}") for number in range(_NUM_LAYERS)]

    @torch.inference_mode()
    def vectors(self, rows: Sequence[Sequence[int]]) -> tuple[Vectors, list[Vectors]]:
        """Unit vectors float32 [rows, 384], and the last hidden states of each row, float32 [pieces of the row, 384].

        Args:
            rows: Word pieces with their special tokens, in order of their lengths.
        """
        groups = [(length, len(list(group))) for length, group in groupby(map(len, rows))]
        ends = list(accumulate((length * count for length, count in groups), initial=0))
        parts = [(slice(*ends), length) for ends, (length, _) in zip(pairwise(ends), groups, strict=True)]
        tokens = torch.tensor([token for row in rows for token in row])
        places = torch.cat([torch.arange(length).repeat(count) for length, count in groups])
        states = self._norm(self._words[tokens] + self._positions[places])
        for layer in self._layers:
            attended = _attended(layer.attention(states), parts)
            states = layer.attended_norm(layer.attended(attended).add_(states))
            states = layer.outer_norm(layer.outer(functional.gelu(layer.inner(states))).add_(states))
        hidden = [states[part].view(-1, length, DIMENSION) for part, length in parts]
        units = functional.normalize(torch.cat([group.mean(dim=1) for group in hidden]), dim=1)
        return units.numpy(), [states for group in hidden for states in group.numpy()]


def _attended(joined: torch.Tensor, parts: Sequence[tuple[slice, int]]) -> torch.Tensor:
    """What every token reads of its own text, [tokens, 384], of queries, keys and values [tokens, 3 x 384]."""
    size = DIMENSION // _NUM_HEADS
    attended = joined.new_empty(len(joined), DIMENSION)
    for part, length in parts:
        # [3, texts, heads, length, size]
        queries, keys, values = joined[part].view(-1, length, 3, _NUM_HEADS, size).permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(queries, keys, values)
        attended[part].view(-1, length, _NUM_HEADS, size).copy_(read.transpose(1, 2))
    return attended


def _layer(tensors: dict[str, torch.Tensor], prefix: str) -> _Layer:
    attention = f"{prefix}.attention"
    return _Layer(
        attention=_Linear.of(tensors, *(f"{attention}.self.{name}" for name in ("query", "key", "value"))),
        attended=_Linear.of(tensors, f"{attention}.output.dense"),
        attended_norm=_norm(tensors, f"{attention}.output.LayerNorm"),
        inner=_Linear.of(tensors, f"{prefix}.intermediate.dense"),
        outer=_Linear.of(tensors, f"{prefix}.output.dense"),
        outer_norm=_norm(tensors, f"{prefix}.output.LayerNorm"),
    )


def _norm(tensors: dict[str, torch.Tensor], name: str) -> _Norm:
    # Copies, so that the pages of the file around them can go.
    return _Norm(tensors[f"{name}.weight"].clone(), tensors[f"{name}.bias"].clone())
