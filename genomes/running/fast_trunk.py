"""The engine's forward pass of a GPT-2: what transformers computes, without its cost per call, and with memory.

Decoding one token with a small member costs transformers more in Python and in copies of the cache than in arithmetic.
Here the cache is allocated in blocks and written in place. What depends on a prompt alone is computed once for all
genomes that share a ``PrefillCache``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Any, TypeGuard

import torch
from cachetools import LRUCache
from torch.nn import functional
from transformers import GPT2LMHeadModel, PreTrainedModel

from genomes.running.trunk import ModelTrunk, Trunk, token_log_likelihoods

_BLOCK_POSITIONS = 32


class PrefillCache:
    """Tensors by key, the least recently used forgotten first.

    Keys hold everything that a value depends on, so that results are the same with and without a cache.
    """

    def __init__(self, *, capacity_bytes: int = 256 << 20) -> None:
        """Start empty.

        Args:
            capacity_bytes: The most that is kept; a single larger value is not.
        """
        self._entries: LRUCache[tuple[Any, ...], tuple[torch.Tensor, ...]] = LRUCache(capacity_bytes, _num_bytes)

    @property
    def num_bytes(self) -> int:
        """Bytes that are kept."""
        return int(self._entries.currsize)

    def recall(self, key: tuple[Any, ...], compute: Callable[[], tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
        """The tensors of a key, computed where they are not there. They are shared: never write to them."""
        tensors = self._entries.get(key)
        if tensors is None:
            tensors = compute()
            with suppress(ValueError):  # Larger than the whole cache.
                self._entries[key] = tensors
        return tensors


Attend = Callable[[int, torch.Tensor], torch.Tensor]
"""A block's attention: its number and [tokens, 3 * width] to [tokens, width]."""


class FastTrunk:
    """A ``Trunk`` that equals ``ModelTrunk`` up to rounding, for inference only.

    Attributes:
        key: Equal keys mean equal weights, in one precision on one device.
        prefill_cache: Remembers forward passes over prompts; None where nothing does.
        num_heads: Heads of every block.
        width: Size of hidden states.
    """

    def __init__(self, model: GPT2LMHeadModel, *, key: str, prefill_cache: PrefillCache | None = None) -> None:
        """Refer to a model's weights.

        Args:
            model: The member, in evaluation mode.
            key: Stands for the weights in the cache: equal keys mean equal weights.
            prefill_cache: Remembers forward passes over prompts.

        Raises:
            ValueError: The configuration has attention or activation of a kind that only ``ModelTrunk`` runs.
        """
        if not is_plain(model):
            raise ValueError(
                f"The member of key {key!r} is no plain GPT-2; allowed are those of is_plain. Use trunk_of."
            )
        self.num_positions: int = model.config.n_positions
        self.vocabulary_size: int = model.config.vocab_size
        self._model = model
        self.key = f"{key} {model.dtype} {model.device}"
        self.prefill_cache = prefill_cache
        self.num_heads: int = model.config.n_head
        self.width: int = model.config.n_embd
        self._blocks = [_Block(block) for block in model.transformer.h]

    def new_cache(self) -> FastCache:
        """See ``Trunk``."""
        return FastCache(len(self._blocks))

    def hidden(
        self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: FastCache | None
    ) -> torch.Tensor:
        """See ``Trunk``."""
        cache = self.new_cache() if cache is None else cache
        if self.prefill_cache is None or cache.num_tokens or tokens.shape[1] == 1:
            return self._forward(tokens, mask, positions, cache)

        def prefill() -> tuple[torch.Tensor, ...]:
            fresh = self.new_cache()
            return self._forward(tokens, mask, positions, fresh), fresh.tensor

        states, remembered = self.prefill_cache.recall(("prefill", self.key, _digest(tokens), _digest(mask)), prefill)
        cache.start_from(remembered)
        return states

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """See ``Trunk``."""
        return functional.linear(hidden, self._model.lm_head.weight)

    def log_likelihoods(self, hidden: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
        """See ``Trunk``."""

        def compute() -> tuple[torch.Tensor, ...]:
            return (token_log_likelihoods(self, hidden, tokens, temperature),)

        if self.prefill_cache is None:
            return compute()[0]
        key = "likelihoods", self.key, temperature, _digest(hidden), _digest(tokens)
        return self.prefill_cache.recall(key, compute)[0]

    def _forward(
        self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: FastCache
    ) -> torch.Tensor:
        num_rows, num_new = tokens.shape
        heads = num_rows, num_new, 3, self.num_heads, self.width // self.num_heads
        start = cache.make_room(num_rows, num_new, heads[3], heads[4], like=self._model.transformer.wte.weight)
        bias = _attention_bias(mask, num_new, cache.tensor.dtype)

        def attend(index: int, mixed: torch.Tensor) -> torch.Tensor:
            query, key, value = mixed.view(heads).permute(2, 0, 3, 1, 4)
            keys, values = cache.append(index, start, key, value)
            attended = functional.scaled_dot_product_attention(query, keys, values, attn_mask=bias)
            return attended.transpose(1, 2).reshape(num_rows * num_new, self.width)

        return self.run(tokens.flatten(), positions.flatten(), attend).view(num_rows, num_new, self.width)

    def run(self, tokens: torch.Tensor, positions: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Final hidden states of some tokens, [tokens, width], where the caller keeps keys and values.

        Args:
            tokens: Token ids, [tokens].
            positions: The position of each, [tokens].
            attend: Given a block and its queries, keys and values beside each other, [tokens, 3 * width], what every
                token attended to, [tokens, width].
        """
        transformer = self._model.transformer
        x = transformer.wte.weight[tokens] + transformer.wpe.weight[positions]
        for index, block in enumerate(self._blocks):
            x = block.output(x, attend(index, block.attention_input(x)))
        norm = transformer.ln_f
        return functional.layer_norm(x, (self.width,), norm.weight, norm.bias, norm.eps)


class FastCache:
    """Keys and values of all blocks in one tensor that grows in steps; ``layers`` has what a composite's cache needs.

    Attributes:
        tensor: [blocks, 2, batch, heads, room, head width]; the first ``num_tokens`` of ``room`` are in use.
        num_tokens: Tokens read so far, padding included.
    """

    def __init__(self, num_blocks: int) -> None:
        """Start empty."""
        self._num_blocks = num_blocks
        self.tensor = torch.empty(0)
        self.num_tokens = 0

    @property
    def layers(self) -> list[FastCache]:
        """Itself: it reorders its rows as one layer."""
        return [self]

    def start_from(self, remembered: torch.Tensor) -> None:
        """Hold a copy of another cache's ``tensor`` that is in use to its end."""
        self.tensor = functional.pad(remembered, (0, 0, 0, _BLOCK_POSITIONS))
        self.num_tokens = remembered.shape[4]

    def make_room(self, num_rows: int, num_new: int, num_heads: int, head_width: int, *, like: torch.Tensor) -> int:
        """Make place for new tokens and count them; gives the place of the first."""
        start = self.num_tokens
        self.num_tokens += num_new
        if start == 0:
            shape = self._num_blocks, 2, num_rows, num_heads, num_new, head_width
            self.tensor = like.new_empty(shape)
        elif self.num_tokens > self.tensor.shape[4]:
            self.tensor = functional.pad(self.tensor, (0, 0, 0, max(num_new, _BLOCK_POSITIONS)))
        return start

    def append(
        self, block: int, start: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write a block's new keys and values; gives views of all of them."""
        keys, values = self.tensor[block]
        keys[:, :, start : self.num_tokens] = key
        values[:, :, start : self.num_tokens] = value
        return keys[:, :, : self.num_tokens], values[:, :, : self.num_tokens]

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows."""
        self.tensor = self.tensor.index_select(2, indices)


class _Block:
    """References to one block's weights, so that decoding does not look them up."""

    def __init__(self, block: Any) -> None:
        first, second = block.ln_1, block.ln_2
        self._eps: float = first.eps
        self._shape = tuple(first.weight.shape)
        self._first, self._second = (first.weight, first.bias), (second.weight, second.bias)
        self._attention = block.attn.c_attn.bias, block.attn.c_attn.weight
        self._projection = block.attn.c_proj.bias, block.attn.c_proj.weight
        self._inner = block.mlp.c_fc.bias, block.mlp.c_fc.weight
        self._outer = block.mlp.c_proj.bias, block.mlp.c_proj.weight

    def attention_input(self, x: torch.Tensor) -> torch.Tensor:
        """Queries, keys and values beside each other."""
        normed = functional.layer_norm(x, self._shape, *self._first, self._eps)
        return torch.addmm(self._attention[0], normed, self._attention[1])

    def output(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """The block's output from its input and what its heads attended to."""
        x = x + torch.addmm(self._projection[0], attended, self._projection[1])
        normed = functional.layer_norm(x, self._shape, *self._second, self._eps)
        inner = functional.gelu(torch.addmm(self._inner[0], normed, self._inner[1]), approximate="tanh")
        return x + torch.addmm(self._outer[0], inner, self._outer[1])


def is_plain(model: PreTrainedModel) -> TypeGuard[GPT2LMHeadModel]:
    """Whether a model is a GPT-2 of the usual kind, which ``FastTrunk`` runs."""
    config = model.config
    return isinstance(model, GPT2LMHeadModel) and bool(
        config.activation_function in ("gelu_new", "gelu_pytorch_tanh")
        and config.scale_attn_weights
        and not config.scale_attn_by_inverse_layer_idx
        and not config.reorder_and_upcast_attn
        and not config.add_cross_attention
    )


def trunk_of(model: PreTrainedModel, *, key: str, prefill_cache: PrefillCache | None = None) -> Trunk:
    """The fastest trunk that runs a model."""
    return FastTrunk(model, key=key, prefill_cache=prefill_cache) if is_plain(model) else ModelTrunk(model)


def _attention_bias(mask: torch.Tensor, num_new: int, dtype: torch.dtype) -> torch.Tensor:
    """0 where a new token may attend and -inf elsewhere: [batch, 1, new, earlier + new]."""
    num_all = mask.shape[1]
    places = torch.arange(num_all, device=mask.device)
    new = places[num_all - num_new :, None]
    # A token sees itself even where it is padding: a row without any place to attend to would be NaN.
    may = (mask.bool()[:, None, :] & (places < new)) | (places == new)
    return torch.zeros(may.shape, dtype=dtype, device=mask.device).masked_fill_(~may, -math.inf)[:, None]


def _digest(tensor: torch.Tensor) -> bytes:
    numbers = tensor.cpu().contiguous().view(torch.uint8).numpy()
    return blake2b(numbers.data, digest_size=16, key=repr((tensor.dtype, *tensor.shape)).encode()).digest()


def _num_bytes(tensors: tuple[torch.Tensor, ...]) -> int:
    return sum(tensor.nelement() * tensor.element_size() for tensor in tensors)
