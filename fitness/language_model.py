"""The protocol of what fitness scores: something that answers, and that gives likelihoods to given answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Context = Sequence[str]
"""The turns before an answer, oldest first."""


@dataclass(frozen=True, slots=True)
class ReplyLikelihood:
    """How likely a language model finds one given reply.

    Attributes:
        nll_nats: Negative log-likelihood of the reply and its end in nats, summed over tokens.
        num_tokens: Tokens that the sum runs over.
        num_bytes: UTF-8 bytes of the reply, for bits per byte across tokenizers.
    """

    nll_nats: float
    num_tokens: int
    num_bytes: int


class Likelihood(Protocol):
    """What is read of a reply's likelihood: ``ReplyLikelihood`` here, or a language model's own type like it."""

    @property
    def nll_nats(self) -> float:
        """Negative log-likelihood of the reply and its end in nats, summed over tokens."""
        ...

    @property
    def num_tokens(self) -> int:
        """Tokens that the sum runs over."""
        ...

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the reply."""
        ...


class LanguageModel(Protocol):
    """What a phenotype offers to its judges."""

    @property
    def active_parameters_per_token(self) -> int:
        """Parameters that take part in one token of an answer."""
        ...

    def answer(self, contexts: Sequence[Context], *, seeds: Sequence[int]) -> list[str]:
        """One answer per context; equal context and seed give the equal answer, whatever stands beside them."""
        ...

    def reply_likelihoods(self, contexts: Sequence[Context], replies: Sequence[str]) -> Sequence[Likelihood]:
        """The likelihood of each given reply after its context."""
        ...

    def num_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text is, as an answer: with the line break that ends it."""
        ...
