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
        """Nothing is kept per token."""

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


class RowsLayer(StateLayer):
    """Which rows of the batch a stream reads, ``store``d as bool [batch]; its own cache holds those rows alone."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Make row i what row ``beam_idx[i]`` was, whether it is read or not."""
        if not self.state:
            return
        (is_read,) = self.state
        indices = beam_idx.to(is_read.device)
        places = is_read.cumsum(dim=0) - 1
        if bool(is_read.any()):
            for layer in self._stream.layers:
                layer.batch_select_indices(places[indices[is_read[indices]]])
        super().reorder_cache(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Put ``repeats`` copies of each row in its place."""
        if self.state:
            num_rows = self.state[0].shape[0]
            self.reorder_cache(torch.arange(num_rows, device=self.state[0].device).repeat_interleave(repeats))

    def reset(self) -> None:
        """Forget."""
        super().reset()
        for layer in self._stream.layers:
            layer.reset()


class CompositeCache(Cache):  # type: ignore[misc]
    """One cache for each stream that answers, its drafts' padding mask, and one state for each evidence combiner.

    Attributes:
        streams: The streams' own caches by stream index.
        prefix_masks: By stream index, ``store``s bool [batch, positions]: which of the positions before the prompt
            hold a draft rather than padding.
        evidence: By value index, ``store``s float32 [batch, inputs] evidence so far, float32 [batch, inputs,
            vocabulary] log-probabilities of the next token, and bool [batch] whether the newest token is real.
        routes: By index of the values that choose their inputs by the prompt, ``store``s their weights, float32
            [batch, inputs].
        rows: By stream index, which rows the stream reads; empty where every stream reads every row.
        text: ``store``s the tokens read so far, [batch, positions], and how many of each row's are the prompt (-1
            where that is not known), [batch]; kept by runtimes that may have to start again.
        dropped: Members that failed since the first token, each with the reason.
        num_tokens: Tokens read so far, padding and prompt included, drafts not.
        prompt_lengths: How many tokens of each row are the prompt, [batch], where the first input will be longer than
            that; else None.
    """

    def __init__(
        self, streams: dict[int, Any], evidence_values: Sequence[int], routed_values: Sequence[int] = ()
    ) -> None:
        """Start empty.

        Args:
            streams: An empty cache for every answering stream, by stream index.
            evidence_values: Indices of the values that keep evidence.
            routed_values: Indices of the values that choose their inputs by the prompt.
        """
        self.dropped: dict[str, str] = {}
        self.text = StateLayer()
        self.prompt_lengths: torch.Tensor | None = None
        self.restart(streams, evidence_values, routed_values)

    def restart(self, streams: dict[int, Any], evidence_values: Sequence[int], routed_values: Sequence[int]) -> None:
        """Become the empty cache of another program; text and dropped members stay. Arguments as in ``__init__``."""
        self.streams = streams
        self.prefix_masks = {index: StateLayer() for index in streams}
        self.evidence = {index: StateLayer() for index in evidence_values}
        self.routes = {index: StateLayer() for index in routed_values}
        self.rows = {index: RowsLayer(cache) for index, cache in streams.items()} if routed_values else {}
        self.num_tokens = 0
        # Rows that are skipped have no place in a stream's own layers, so RowsLayer stands for these.
        layers = [*self.rows.values()] or [layer for cache in streams.values() for layer in cache.layers]
        states = [*self.prefix_masks.values(), *self.evidence.values(), *self.routes.values(), self.text]
        super().__init__(layers=[*layers, *states])

    @property
    def is_compileable(self) -> bool:
        """False: drafts and evidence have shapes that change."""
        return False

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens read so far, the same for every stream; drafts do not count."""
        return self.num_tokens

    @property
    def is_croppable(self) -> bool:
        """Whether ``crop`` can forget tokens: not where a combiner keeps evidence."""
        return not self.evidence

    def activate_past_recording(self) -> None:
        """Say that ``crop`` will be called, as assisted decoding does before its first token.

        Raises:
            NotImplementedError: The cache cannot be cropped.
        """
        self._require_croppable("Assisted decoding drafts tokens and forgets some of them")
        super().activate_past_recording()

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the newest tokens; drafts and routes stay.

        Args:
            tokens_to_remove: Their number, negative as in transformers; 0 forgets none.

        Raises:
            NotImplementedError: A combiner keeps evidence.
            ValueError: The number is positive, or nothing would be left.
        """
        self._require_croppable(f"crop({tokens_to_remove!r})")
        if tokens_to_remove > 0 or self.num_tokens + tokens_to_remove < min(1, self.num_tokens):
            raise ValueError(
                f"crop({tokens_to_remove!r}): the cache holds {self.num_tokens} tokens; allowed are numbers from "
                f"{min(0, 1 - self.num_tokens)} to 0, minus the number of tokens to forget. reset() forgets everything."
            )
        if tokens_to_remove == 0:
            return
        for stream in self.streams.values():
            stream.crop(tokens_to_remove)
        if self.text.state:
            tokens, lengths = self.text.state
            self.text.store(tokens[:, :tokens_to_remove], lengths)
        self.num_tokens += tokens_to_remove

    def _require_croppable(self, what: str) -> None:
        if not self.is_croppable:
            raise NotImplementedError(
                f"{what}: this composite cannot forget tokens, because a combiner keeps the sum of their evidence and "
                "not its parts. Decode without an assistant or prompt lookup."
            )

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.num_tokens = 0
