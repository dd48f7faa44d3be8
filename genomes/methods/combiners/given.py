"""What those who run and fit combiners give to them, and what comes back: the types, and nothing that computes.

A combiner meets its inputs in four ways. As log-probabilities, which ``combine`` reads (base.py); as probabilities of
the next token (``NextToken``); as what they gave to known tokens (``Foreseen``, and ``Replies`` with whole
distributions); and as answers to choose from (``Ballot``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Floats = npt.NDArray[np.float32]
    Doubles = npt.NDArray[np.float64]


class NextToken(Protocol):
    """One input's distribution over the next token of every row."""

    @property
    def probabilities(self) -> torch.Tensor:
        """Float32 [rows, vocabulary], rows summing to 1; computed when first asked for, and not to be written into."""
        ...


class KeptMember(Protocol):
    """A member's own outputs at known tokens, before its temperature."""

    @property
    def temperature(self) -> float:
        """What its logits are divided by."""
        ...

    @property
    def targets(self) -> Floats:
        """Log-probability of each token at temperature 1: float32 [tokens]."""
        ...

    @property
    def distributions(self) -> npt.NDArray[np.float16]:
        """Log-probabilities of the whole vocabulary at temperature 1: float16 [tokens, vocabulary]."""
        ...


class Foreseen(Protocol):
    """What a combiner's inputs gave to known tokens, in slot order. Tables are computed when they are first read."""

    @property
    def weights(self) -> Sequence[float]:
        """One per input, positive, summing to 1; equal where the method has no weights."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The node's genes, all present."""
        ...

    @property
    def targets(self) -> Floats:
        """Log-probability that each input gave to each token: float32 [inputs, tokens]."""
        ...

    @property
    def hits(self) -> npt.NDArray[np.bool_] | None:
        """Whether each token was the input's top choice: bool [inputs, tokens]; None where that is not known."""
        ...

    @property
    def evidence(self) -> Floats:
        """Log-likelihood in nats that each input gave to all tokens before each one: float32 [inputs, tokens]."""
        ...

    @property
    def routes(self) -> Floats:
        """What ``Combiner.route`` gave to the prompt of each token: float32 [inputs, tokens]; the weights without."""
        ...


class Replies(Foreseen, Protocol):
    """The same of the tokens of given replies, where whole distributions can be had too."""

    @property
    def shares(self) -> Doubles:
        """How much each token counts where every reply counts the same: float64 [tokens], summing to 1."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """How many tokens a distribution has."""
        ...

    @property
    def members(self) -> Sequence[KeptMember] | None:
        """The inputs as members; None where one of them is a combiner."""
        ...

    def distributions(self, tokens: slice) -> torch.Tensor:
        """Each input's log-probabilities at some of the tokens: float32 [inputs, tokens, vocabulary]."""
        ...


class Optimisers(Protocol):
    """The optimisers that fits share, which genomes/methods/optimisers.py describes; it does not travel."""

    def mixture_weights(self, log_likelihoods: Doubles, counts: Doubles) -> Doubles:
        """The weights of a mixture."""
        ...

    def gated_weights(
        self, log_likelihoods: Doubles, counts: Doubles, signals: Doubles, *, low: float, high: float
    ) -> tuple[Doubles, float]:
        """The weights of a mixture that follows signals, and the signals' scale."""
        ...

    def pool_exponents(
        self,
        log_likelihoods: Doubles,
        counts: Doubles,
        expected: Callable[[Doubles], tuple[float, Doubles]],
        *,
        start: Doubles,
        highest: float,
    ) -> Doubles:
        """The exponents of a log-linear pool."""
        ...


@dataclass(frozen=True, slots=True)
class Fit:
    """Genes of one combiner under which given replies are likeliest; who asked for them rounds them to what genes are.

    Attributes:
        weights: By slot, none below 0; only ratios count. None where the method has no weights.
        parameters: The parameters that were fitted; all others stay as they are.
    """

    weights: Sequence[float] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ballot:
    """The candidates for one answer.

    Attributes:
        answers: Token ids of every candidate, without the token that closed it.
        authors: The input that wrote each candidate.
        conditional: By input and candidate, the log-likelihood in nats of the candidate after the prompt; empty where
            the method does not ask for it.
        unconditional: The same after no prompt at all; empty where the method does not ask for it.
        num_tokens: By input and candidate, the number of tokens that these run over; empty like ``conditional``.
    """

    answers: tuple[tuple[int, ...], ...]
    authors: tuple[int, ...]
    conditional: tuple[tuple[float, ...], ...] = ()
    unconditional: tuple[tuple[float, ...], ...] = ()
    num_tokens: tuple[tuple[int, ...], ...] = ()
