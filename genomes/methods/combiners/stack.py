"""A small learned model that weighs the inputs by what their outputs look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.combiners.base import NUMBERS
from genomes.methods.combiners.learned_pool import LearnedPool, numbers_of
from genomes.methods.combiners.pooling import pooled
from genomes.methods.ranges import Choice, Numbers, Real

if TYPE_CHECKING:
    import torch

_NUM_CANDIDATES = 3
_NUM_FEATURES = 4 + _NUM_CANDIDATES


class Stack(LearnedPool):
    """Stacked generalisation (Wolpert 1992) with weights that are functions of features (Sill et al. 2009).

    Features of each input, at every token: its entropy, its top log-probability, its log-probabilities of the mean
    distribution's three top candidates, how much the mean agrees with its top choice, and how much worse than the best
    input it foresaw the text (left out where ``features`` is ``outputs``). One network, a linear map beside ``hidden``
    tanh units, scores every input alike: its numbers depend neither on how many inputs there are nor on their order.
    Numbers: linear coefficients, then the units' coefficients, constants and output coefficients.
    """

    name = "stack"
    formula = (
        "p(x) = sum_k g_k p_k(x), g = softmax_k f_θ(features of p_k)  [feature-weighted stacking, Sill et al. 2009]"
    )
    needs_evidence = True
    parameters: ClassVar[Mapping[str, Any]] = {
        "decay": Real(1e-5, 0.1, 1e-3, is_log=True),
        "features": Choice(("all", "outputs")),
        "hidden": Choice((4, 0, 8, 16)),
        NUMBERS: Numbers(),
    }

    def num_numbers(self, num_inputs: int, parameters: Mapping[str, Any]) -> int:
        """See the base class."""
        return _NUM_FEATURES + (_NUM_FEATURES + 2) * int(parameters["hidden"])

    def features(
        self,
        log_probabilities: torch.Tensor,
        *,
        evidence: torch.Tensor,
        prompts: Sequence[Sequence[int]],
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        import torch  # Late: the graph side reads these descriptions and loads no torch.

        num_inputs, *shape, vocabulary_size = log_probabilities.shape
        finite = log_probabilities.clamp_min(-1e30)
        mean = log_probabilities.exp().mean(dim=0)
        candidates = mean.topk(min(_NUM_CANDIDATES, vocabulary_size), dim=-1).indices
        foreseen = finite.gather(-1, candidates.expand(num_inputs, *candidates.shape)).clamp_min(-20.0) / 20.0
        absent = foreseen.new_zeros(num_inputs, *shape, _NUM_CANDIDATES - foreseen.shape[-1])
        tops = finite.max(dim=-1)
        agreement = mean.expand(num_inputs, *mean.shape).gather(-1, tops.indices[..., None])
        lag = evidence.clamp_min(-1e30)
        lag = ((lag - lag.amax(dim=0)) / 10.0).tanh() * (parameters["features"] == "all")
        entropy = -(finite.exp() * finite).sum(dim=-1, keepdim=True) / 10.0
        top = tops.values[..., None].clamp_min(-10.0) / 10.0
        return torch.cat([entropy, top, foreseen, absent, agreement, lag[..., None]], dim=-1)

    def scores(self, features: torch.Tensor, numbers: torch.Tensor, parameters: Mapping[str, Any]) -> torch.Tensor:
        """See the base class."""
        hidden = int(parameters["hidden"])
        linear, first = numbers[:_NUM_FEATURES], numbers[_NUM_FEATURES : -2 * hidden or None]
        scores: torch.Tensor = features @ linear
        if hidden:
            constants, second = numbers[-2 * hidden : -hidden], numbers[-hidden:]
            scores = scores + (features @ first.view(_NUM_FEATURES, hidden) + constants).tanh() @ second
        return scores

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        scores = log_probabilities.new_zeros(log_probabilities.shape[:3])
        numbers = numbers_of(parameters, log_probabilities)
        if numbers is not None:
            features = self.features(log_probabilities, evidence=evidence, prompts=(), parameters=parameters)
            scores = self.scores(features, numbers, parameters)
        return pooled(log_probabilities, scores.log_softmax(dim=0))
