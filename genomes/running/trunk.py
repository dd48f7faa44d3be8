"""A member's forward pass, as a composite runs it: hidden states first, logits only where they are wanted.

This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, Protocol

import torch
from transformers import DynamicCache, PreTrainedModel

from genomes.members.architectures import num_positions

# Logits of a whole text are computed for a few rows at a time, to bound the memory they take.
_LIKELIHOOD_NUMBERS = 1_000_000


class Trunk(Protocol):
    """A member's forward pass in two halves.

    Attributes:
        num_positions: Longest input in tokens.
        vocabulary_size: Size of the last dimension of the logits.
    """

    num_positions: int
    vocabulary_size: int

    def new_cache(self) -> Any:
        """An empty cache with ``layers``."""

    def hidden(self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        """Final hidden states, [batch, positions, width].

        Args:
            tokens: New tokens, [batch, positions].
            mask: Which tokens are real, earlier ones included, int64 [batch, earlier + new].
            positions: Position of each new token in its row, [batch, positions].
            cache: From ``new_cache``, holding the earlier tokens; the new ones are added. None keeps nothing.
        """

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Next-token logits, [batch, positions, vocabulary]."""

    def log_likelihoods(self, hidden: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
        """What ``token_log_likelihoods`` gives, perhaps remembered."""


class ModelTrunk:
    """The forward pass as transformers runs it, of any causal language model that is a trunk with a head on it."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._base = model.base_model
        self._head = model.get_output_embeddings()
        self._takes_positions = _takes_positions(self._base.__class__)
        self.num_positions: int = num_positions(model.config)
        self.vocabulary_size: int = model.config.vocab_size

    def new_cache(self) -> DynamicCache:
        """See ``Trunk``."""
        return DynamicCache(config=self._model.config)

    def hidden(self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        """See ``Trunk``."""
        further = {"position_ids": positions} if self._takes_positions else {}
        outputs = self._base(
            input_ids=tokens, attention_mask=mask, past_key_values=cache, use_cache=cache is not None, **further
        )
        hidden: torch.Tensor = outputs.last_hidden_state
        return hidden

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """See ``Trunk``."""
        logits: torch.Tensor = self._head(hidden)
        return logits

    def log_likelihoods(self, hidden: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
        """See ``Trunk``."""
        return token_log_likelihoods(self, hidden, tokens, temperature)


@lru_cache  # A composite of transformers makes its trunks anew for every token.
def _takes_positions(model: type[PreTrainedModel]) -> bool:
    """Whether a model is told positions; elsewhere they follow from the mask, or there are none."""
    return "position_ids" in inspect.signature(model.forward).parameters


def token_log_likelihoods(trunk: Trunk, hidden: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
    """Log-likelihood of each token but the first, given those before it: float32 [batch, positions - 1]."""
    num_rows, num_positions = tokens.shape
    size = max(1, _LIKELIHOOD_NUMBERS // (num_positions * trunk.vocabulary_size))
    parts = []
    for start in range(0, num_rows, size):
        rows = slice(start, start + size)
        logits = trunk.logits(hidden[rows, :-1]).float() / temperature
        chosen = logits.gather(-1, tokens[rows, 1:, None]).squeeze(-1)
        parts.append(chosen - logits.logsumexp(dim=-1))
    return torch.cat(parts)
