"""Members in other processes as trunks of the runtime: hidden states over gRPC, heads here.

A hidden state is some sixty times smaller than a distribution (768 numbers of GPT-2 against 50,257), so members send
the former, and the controller computes logits of the positions that it wants with its own copy of the heads. The
arithmetic after that is the runtime's own, so that served and local answers are the same.

Calls to all members are on their way before the first answer is waited for. A member's key-value cache lives in one
of its replicas; where that replica dies, another one reads the tokens again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from experiments.serve.leases import Channels, Leases
from experiments.serve.remote_caches import Patience, RemoteCache, arrived
from genomes.members.architectures import num_positions
from genomes.running.trunk import Trunk, token_log_likelihoods


class Head:
    """What the controller keeps of a member: from hidden states to logits.

    Attributes:
        num_positions: Longest input in tokens.
        vocabulary_size: Size of the last dimension of the logits.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.num_positions: int = num_positions(model.config)
        self.vocabulary_size: int = model.config.vocab_size
        head = model.get_output_embeddings()
        self._weight = head.weight.detach().float()
        self._bias = None if getattr(head, "bias", None) is None else head.bias.detach().float()

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Next-token logits, [batch, positions, vocabulary]."""
        return functional.linear(hidden, self._weight, self._bias)


class RemoteTrunks:
    """The trunks of one request: they are closed with it.

    Args:
        heads: The members' heads by name.
        leases: Finds replicas.
        channels: The process's connections.
        patience: How long to wait.
        is_eager: Wait for hidden states at once: for programs that look at them before the heads do.
    """

    def __init__(
        self,
        heads: Mapping[str, Head],
        leases: Leases,
        channels: Channels,
        patience: Patience,
        *,
        is_eager: bool = False,
    ) -> None:
        self._leases, self._channels, self._patience = leases, channels, patience
        self.is_eager = is_eager
        self.trunks: Mapping[str, Trunk] = {name: RemoteTrunk(name, head, self) for name, head in heads.items()}
        self.caches: list[RemoteCache] = []

    def new_cache(self, member: str) -> RemoteCache:
        """An empty text in some replica of a member."""
        self.caches.append(RemoteCache(member, self._leases, self._channels, self._patience))
        return self.caches[-1]

    def close(self) -> None:
        """Give all places back."""
        for cache in self.caches:
            cache.close()


class RemoteTrunk:
    """A member elsewhere, as a ``Trunk``; made by ``RemoteTrunks``."""

    def __init__(self, member: str, head: Head, request: RemoteTrunks) -> None:
        self.member = member
        self.num_positions, self.vocabulary_size = head.num_positions, head.vocabulary_size
        self._head = head
        self._request = request

    def new_cache(self) -> RemoteCache:
        """See ``Trunk``."""
        return self._request.new_cache(self.member)

    def hidden(
        self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: RemoteCache | None
    ) -> Any:
        """Hidden states that are on their way; slicing them does not wait, ``logits`` does."""
        pending = (cache or self.new_cache()).step(tokens, mask, positions)
        return pending.tensor() if self._request.is_eager else pending

    def logits(self, hidden: Any) -> torch.Tensor:
        """See ``Trunk``."""
        return self._head.logits(arrived(hidden))

    def log_likelihoods(self, hidden: Any, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
        """See ``Trunk``."""
        return token_log_likelihoods(self, arrived(hidden), tokens, temperature)
