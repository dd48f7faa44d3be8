"""A gate that trusts, at every token, the inputs that are sure of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.pooling import pooled, strongest
from genomes.methods.ranges import Choice, Integer, Real

if TYPE_CHECKING:
    import torch


class Gate(Combiner):
    """Mixture with weights by confidence at each token (after Jacobs et al. 1991), the surest inputs only.

    ``confidence`` is the negative entropy of an input's distribution in nats, or the log-probability of its top
    choice; ``sharpness`` scales it, ``active`` inputs count. All inputs are computed, because only their outputs say
    how sure they are; `prompt_gate` decides before.
    """

    name = "gate"
    formula = (
        "p(x) = sum_k g_k p_k(x), g ∝ top_n(w_k exp(s c_k)), c confidence  [mixture of experts, Jacobs et al. 1991]"
    )
    has_weights = True
    parameters: ClassVar[Mapping[str, Any]] = {
        "active": Integer(1, 6, 3),
        "confidence": Choice(("entropy", "top")),
        "sharpness": Real(0.1, 10.0, 1.0, is_log=True),
    }

    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        if parameters["confidence"] == "entropy":
            finite = log_probabilities.clamp_min(-1e30)
            confidence = (finite.exp() * finite).sum(dim=-1)
        else:
            confidence = log_probabilities.amax(dim=-1)
        log_weights = weights.log()[:, None, None] + float(parameters["sharpness"]) * confidence
        return pooled(log_probabilities, strongest(log_weights, int(parameters["active"])))
