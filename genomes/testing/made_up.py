"""Made-up inputs of combiners: distributions, evidence, and what inputs gave to known tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    import numpy.typing as npt

VOCABULARY = 7


@dataclass(frozen=True)
class Inputs:
    """What ``Combiner.combine`` is given of its inputs.

    Attributes:
        logs: Normalised log-probabilities, float32 [inputs, rows, positions, vocabulary].
        weights: float32 [inputs], positive, summing to 1.
        evidence: float32 [inputs, rows, positions].
        prompts: Token ids of every row's prompt.
        prompt_evidence: float32 [inputs, rows].
    """

    logs: torch.Tensor
    weights: torch.Tensor
    evidence: torch.Tensor
    prompts: list[list[int]]
    prompt_evidence: torch.Tensor


def drawn_inputs(seed: int, *, num_inputs: int = 3, num_rows: int = 2, num_positions: int = 3) -> Inputs:
    """Inputs that are a function of the seed."""
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(num_inputs, num_rows, num_positions, VOCABULARY, generator=generator)
    weights = torch.rand(num_inputs, generator=generator) + 0.05
    evidence = -5 * torch.rand(num_inputs, num_rows, num_positions, generator=generator)
    prompts = [torch.randint(0, 50, (3 + row,), generator=generator).tolist() for row in range(num_rows)]
    foreseen = -5 * torch.rand(num_inputs, num_rows, generator=generator)
    return Inputs(logits.log_softmax(dim=-1), weights / weights.sum(), evidence.cumsum(dim=-1), prompts, foreseen)


def drawn_sizes(num_cases: int) -> list[tuple[int, dict[str, int]]]:
    """Seeds with sizes: two to four inputs, one to three rows, one to four positions."""
    rng = np.random.default_rng(0)
    return [
        (seed, dict(zip(("num_inputs", "num_rows", "num_positions"), rng.integers((2, 1, 1), (5, 4, 5)), strict=True)))
        for seed in range(num_cases)
    ]


@dataclass(frozen=True)
class Row:
    """See ``NextToken`` in genomes/methods/combiners/given.py."""

    probabilities: torch.Tensor


@dataclass(frozen=True)
class ToldMember:
    """See ``KeptMember`` in genomes/methods/combiners/given.py."""

    temperature: float
    targets: npt.NDArray[np.float32]
    distributions: npt.NDArray[np.float16]


class ToldReplies:
    """``Replies`` of genomes/methods/combiners/given.py: members that are told what they gave to some tokens.

    Attributes:
        tokens: What was said, int64 [tokens].
        logs: What inputs gave to all tokens, float32 [inputs, tokens, vocabulary].
    """

    vocabulary_size = VOCABULARY

    def __init__(
        self,
        seed: int,
        *,
        parameters: Mapping[str, Any],
        weights: Sequence[float],
        are_members: bool = True,
        num_tokens: int = 60,
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.parameters, self.weights = parameters, weights
        kept = (1.5 * torch.randn(len(weights), num_tokens, VOCABULARY, generator=generator)).log_softmax(dim=-1).half()
        temperatures = [0.7 + 0.3 * slot for slot in range(len(weights))]
        scales = torch.tensor(temperatures)[:, None, None]
        self.logs = (kept.float() / scales).log_softmax(dim=-1)
        # Said by the first input more than by the others, so that there is something to find.
        said = 0.7 * self.logs[0].exp() + 0.3 * self.logs.exp().mean(dim=0)
        self.tokens = said.multinomial(1, generator=generator)[:, 0]
        self.targets = self._of_tokens(self.logs)
        self.evidence: npt.NDArray[np.float32] = np.cumsum(self.targets, axis=1) - self.targets
        drawn = torch.rand(len(weights), num_tokens, generator=generator)
        self.routes: npt.NDArray[np.float32] = (drawn / drawn.sum(dim=0)).numpy()
        self.hits = (self.logs.argmax(dim=-1) == self.tokens).numpy() if are_members else None
        lengths = torch.rand(num_tokens, generator=generator).double().numpy() + 0.5
        self.shares: npt.NDArray[np.float64] = lengths / lengths.sum()
        self.members = (
            [
                ToldMember(temperature, targets, one.numpy())
                for temperature, targets, one in zip(temperatures, self._of_tokens(kept.float()), kept, strict=True)
            ]
            if are_members
            else None
        )

    def distributions(self, tokens: slice) -> torch.Tensor:
        """See ``Replies``."""
        return self.logs[:, tokens]

    def _of_tokens(self, logs: torch.Tensor) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = logs.gather(-1, self.tokens.expand(len(logs), -1)[..., None])[..., 0].numpy()
        return found
