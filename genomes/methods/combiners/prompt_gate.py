"""A gate that looks at the prompt once and leaves most inputs uncomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.combiners.base import NUMBERS
from genomes.methods.combiners.learned_pool import LearnedPool, numbers_of
from genomes.methods.combiners.pooling import routed_pool, strongest
from genomes.methods.ranges import Choice, Integer, Numbers, Real

if TYPE_CHECKING:
    import torch

# Knuth's multiplicative hash: neighbours among token ids fall into different buckets.
_MULTIPLIER, _MODULUS, _SHIFT = 2654435761, 1 << 32, 16


class PromptGate(LearnedPool):
    """Sparsely gated mixture (Shazeer et al. 2017), gated once per prompt.

    The prompt is read as a bag of tokens, hashed into ``buckets`` counts (Weinberger et al. 2009) and scaled to length
    one. Each input has a linear score of it; the ``active`` best are mixed, the others are not even run. Numbers: for
    each input in slot order its coefficients and then its constant.
    """

    name = "prompt_gate"
    formula = (
        "p(x) = sum_k g_k p_k(x), g ∝ top_n(w_k exp(a_k·φ(prompt) + b_k))  "
        "[sparsely gated mixture, Shazeer et al. 2017]"
    )
    has_weights = True
    reads_prompt = True
    parameters: ClassVar[Mapping[str, Any]] = {
        "active": Integer(1, 6, 2),
        "buckets": Choice((64, 16, 256)),
        "decay": Real(1e-4, 1.0, 1e-2, is_log=True),
        NUMBERS: Numbers(),
    }

    def num_numbers(self, num_inputs: int, parameters: Mapping[str, Any]) -> int:
        """See the base class."""
        return num_inputs * (int(parameters["buckets"]) + 1)

    def rearranged(self, parameters: Mapping[str, Any], slots: Sequence[int]) -> dict[str, Any]:
        """See the base class."""
        if not parameters.get(NUMBERS):
            return dict(parameters)
        size, numbers = int(parameters["buckets"]) + 1, parameters[NUMBERS]
        kept = tuple(number for slot in slots for number in numbers[slot * size : (slot + 1) * size])
        return {**parameters, NUMBERS: kept}

    def active_share(self, num_inputs: int, parameters: Mapping[str, Any]) -> float:
        """See the base class."""
        return min(int(parameters["active"]), num_inputs) / num_inputs

    def features(
        self,
        log_probabilities: torch.Tensor,
        *,
        evidence: torch.Tensor,
        prompts: Sequence[Sequence[int]],
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        num_inputs, num_rows, num_positions = log_probabilities.shape[:3]
        counts = self._counts(prompts, int(parameters["buckets"]), like=log_probabilities)
        return counts[None, :, None].expand(num_inputs, num_rows, num_positions, -1)

    def scores(self, features: torch.Tensor, numbers: torch.Tensor, parameters: Mapping[str, Any]) -> torch.Tensor:
        """See the base class."""
        blocks = numbers.view(features.shape[0], -1)
        return (features * blocks[:, None, None, :-1]).sum(dim=-1) + blocks[:, None, None, -1]

    def route(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        log_weights = weights.log()[:, None].expand(-1, len(prompts))
        numbers = numbers_of(parameters, weights)
        if numbers is not None:
            counts = self._counts(prompts, int(parameters["buckets"]), like=weights)
            features = counts[None, :, None].expand(len(weights), -1, -1, -1)
            log_weights = log_weights + self.scores(features, numbers, parameters)[..., 0]
        return strongest(log_weights, int(parameters["active"])).exp()

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        return routed_pool(log_probabilities, weights)

    def _counts(self, prompts: Sequence[Sequence[int]], num_buckets: int, *, like: torch.Tensor) -> torch.Tensor:
        rows = []
        for prompt in prompts:
            counts = [0.0] * num_buckets
            for token in prompt:
                counts[(token * _MULTIPLIER % _MODULUS >> _SHIFT) % num_buckets] += 1.0
            norm = sum(count * count for count in counts) ** 0.5
            rows.append([count / norm if norm else 0.0 for count in counts])
        return like.new_tensor(rows)
