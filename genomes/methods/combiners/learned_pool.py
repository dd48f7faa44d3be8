"""Linear pools whose weights follow from the context by numbers that are fitted to replies: what they share.

The loss that numbers are fitted by is here; genomes/running/fitting.py collects what they are fitted to.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genomes.methods.combiners.base import NUMBERS, Combiner

if TYPE_CHECKING:
    import torch

_NUM_STEPS = 60
_START_SCALE = 0.1
_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Cases:
    """What the numbers of one combiner are fitted to.

    Attributes:
        features: float64 [inputs, tokens, features].
        log_likelihoods: What each input gave to each token of the replies, float64 [inputs, tokens], in nats.
    """

    features: torch.Tensor
    log_likelihoods: torch.Tensor


class LearnedPool(Combiner):
    """A linear pool, p(x) = sum_k g_k p_k(x), whose log-weights are learned scores of features.

    It has to have the parameter ``decay``, which its numbers are held small with. A node without fitted numbers has
    scores of zero, so that a hand-written genome runs without data.
    """

    @abstractmethod
    def features(
        self,
        log_probabilities: torch.Tensor,
        *,
        evidence: torch.Tensor,
        prompts: Sequence[Sequence[int]],
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """What scores are computed from: float32 [inputs, batch, positions, features].

        Args:
            log_probabilities: As in ``combine``.
            evidence: As in ``combine``.
            prompts: Token ids of every prompt, where the method reads the prompt.
            parameters: The node's genes.
        """

    @abstractmethod
    def scores(self, features: torch.Tensor, numbers: torch.Tensor, parameters: Mapping[str, Any]) -> torch.Tensor:
        """Differentiable log-weights, not normalised: [inputs, batch, positions]."""

    def fitted_numbers(
        self, cases: Cases, *, weights: torch.Tensor, parameters: Mapping[str, Any]
    ) -> tuple[float, ...]:
        """The numbers under which the pool finds the tokens likeliest, less ``decay`` times their sum of squares.

        Found by L-BFGS in float64 from a fixed start.

        Args:
            cases: The tokens.
            weights: The inputs' shares, [inputs], summing to 1.
            parameters: The node's genes.
        """
        import torch  # Late: the graph side reads these descriptions and loads no torch.

        count = self.num_numbers(len(weights), parameters)
        start = torch.randn(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * _START_SCALE
        numbers = start.to(cases.features.device).requires_grad_(True)
        decay = float(parameters["decay"])
        search = torch.optim.LBFGS([numbers], max_iter=_NUM_STEPS, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            search.zero_grad()
            scores = self.scores(features[:, None], numbers, parameters)[:, 0]
            gates = (weights.log()[:, None] + scores).log_softmax(dim=0)
            total = -(gates + log_likelihoods).logsumexp(dim=0).mean() + decay * numbers.square().sum()
            total.backward()  # type: ignore[no-untyped-call]
            return total

        with torch.inference_mode(mode=False), torch.enable_grad():
            features, log_likelihoods = cases.features.clone(), cases.log_likelihoods.clone()
            search.step(loss)  # type: ignore[no-untyped-call]
        return tuple(round(number, _DECIMALS) for number in numbers.tolist())


def numbers_of(parameters: Mapping[str, Any], like: torch.Tensor) -> torch.Tensor | None:
    """The fitted numbers as a tensor; None where there are none."""
    return like.new_tensor(parameters[NUMBERS]) if parameters[NUMBERS] else None
