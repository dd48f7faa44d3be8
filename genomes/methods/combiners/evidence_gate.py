"""A gate that lets those inputs answer that foresaw the prompt best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genomes.methods.combiners.base import Combiner
from genomes.methods.combiners.pooling import log_sum_exp, pooled_probabilities, routed_pool, strongest
from genomes.methods.ranges import Integer, Real

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Floats, Foreseen, NextToken


class EvidenceGate(Combiner):
    """Routing by evidence, once per prompt: experts under which the prompt is likely (PackLLM, Mavromatis et al. 2024).

    Every input reads the prompt, and the ``active`` ones with the highest posterior answer it; the others write
    nothing. Nothing is trained. The edge weights are the prior, and ``tempering`` scales the evidence: where one input
    is active it only weighs the prior against the prompt. ``bayesian`` lets all inputs answer and learns from the
    answer too.
    """

    name = "evidence_gate"
    formula = (
        "p(x) = sum_k g_k p_k(x), g ∝ top_n(w_k p_k(prompt)^τ)  "
        "[perplexity-based fusion, Mavromatis et al. 2024, arXiv:2404.11531]"
    )
    has_weights = True
    reads_prompt = True
    reads_prompt_evidence = True
    parameters: ClassVar[Mapping[str, Any]] = {
        "active": Integer(1, 6, 1),
        "tempering": Real(0.02, 2.0, 1.0, is_log=True),
    }

    def active_share(self, num_inputs: int, parameters: Mapping[str, Any]) -> float:
        """See the base class."""
        return min(int(parameters["active"]), num_inputs) / num_inputs

    def route(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        # Where no input foresaw the prompt at all, the evidence is -inf for all of them and says nothing.
        log_posterior = weights.log()[:, None] + float(parameters["tempering"]) * evidence.clamp_min(-1e30)
        return strongest(log_posterior, int(parameters["active"])).exp()

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

    def combine_probabilities(
        self,
        inputs: Sequence[NextToken],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """See the base class."""
        return pooled_probabilities(inputs, list(weights[..., None]))

    def target_log_probabilities(self, given: Foreseen) -> Floats:
        """See the base class."""
        with np.errstate(divide="ignore"):  # Inputs that do not answer have the log of 0.
            joint: Floats = log_sum_exp(given.targets + np.log(given.routes))
        return joint
