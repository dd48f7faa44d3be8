"""What a composite remembers between tokens: every stream's keys and values, drafts, and evidence.

Everything is kept in layers, so that beam search and repeated prompts reorder all of it together.
This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


class StateLayer(CacheLayerMixin):  # type: ignore[misc]
    """Tensors that belong to the rows of a batch and are not keys or values. Empty until first ``store``."""

    is_sliding = False
    supports_early_init = False

    def __init__(self) -> None:
        super().__init__()
        self.state: tuple[torch.Tensor, ...] = ()

    def store(self, *state: torch.Tensor) -> None:
        """Keep tensors whose first dimension is the batch, in place of the earlier ones."""
        self.state = state

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Make row i what row ``beam_idx[i]`` was."""
        self.state = tuple(tensor.index_select(0, beam_idx.to(tensor.device)) for tensor in self.state)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Put ``repeats`` copies of each row in its place."""
        self.state = tuple(tensor.repeat_interleave(repeats, dim=0) for tensor in self.state)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows."""
        self.reorder_cache(indices)

    def reset(self) -> None:
        """Forget."""
        self.state = ()

    def crop(self, tokens_to_remove: int) -> None:
        """Nothing: the composite's cache refuses to forget tokens."""

    def get_seq_length(self) -> int:
        """Zero: there is nothing per token."""
        return 0

    def get_max_length(self) -> int:
        """No limit."""
        return -1

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """No keys, so no mask but that of the query."""
        return query_length, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to prepare."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Nothing to add."""
        return key_states, value_states


class CompositeCache(Cache):  # type: ignore[misc]
    """One cache for each stream that answers, its drafts' padding mask, and one state for each evidence combiner.

    Attributes:
        streams: The streams' own caches by stream index.
        prefix_masks: By stream index, ``store``s bool [batch, positions]: which of the positions before the prompt
            hold a draft rather than padding.
        evidence: By value index, ``store``s float32 [batch, inputs] evidence so far, float32 [batch, inputs,
            vocabulary] log-probabilities of the next token, and bool [batch] whether the newest token is real.
        num_tokens: Tokens read so far, padding and prompt included, drafts not.
    """

    def __init__(self, streams: dict[int, Any], evidence_values: Sequence[int]) -> None:
        """Start empty.

        Args:
            streams: An empty cache for every answering stream, by stream index.
            evidence_values: Indices of the values that keep evidence.
        """
        self.streams = streams
        self.prefix_masks = {index: StateLayer() for index in streams}
        self.evidence = {index: StateLayer() for index in evidence_values}
        self.num_tokens = 0
        layers = [layer for cache in streams.values() for layer in cache.layers]
        super().__init__(layers=[*layers, *self.prefix_masks.values(), *self.evidence.values()])

    @property
    def is_compileable(self) -> bool:
        """False: drafts and evidence have shapes that change."""
        return False

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens read so far, the same for every stream; drafts do not count."""
        return self.num_tokens

    def crop(self, tokens_to_remove: int) -> None:
        """Refuse: the evidence of earlier tokens is not kept.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            f"crop({tokens_to_remove!r}): a composite cannot forget tokens, because it keeps the sum of their evidence "
            "and not its parts. Decode without an assistant or prompt lookup."
        )

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.num_tokens = 0
