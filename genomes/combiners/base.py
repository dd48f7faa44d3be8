"""What every combiner is: its description, which the graph side reads, and its arithmetic on log-probabilities.

Importing a combiner imports no torch: the arithmetic uses the methods of the tensors that it is given. These files
travel inside exported artifacts, so they import nothing but each other, torch and the standard library.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch


class Combiner(ABC):
    """A way to join the next-token distributions of two or more inputs into one.

    Attributes:
        name: What a genome's ``method`` says.
        formula: What is computed, in one line, with its source; docs and model cards quote it.
        is_commutative: Whether inputs may change places (with their weights) without changing the result.
        has_weights: Whether each input has a positive weight, kept on its edge.
        needs_evidence: Whether ``combine`` reads the inputs' likelihoods of the tokens so far.
        parameters: Range of every further gene, by name (objects with ``low``/``high``/``options`` as in
            genomes/parameters.py).
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    is_commutative: ClassVar[bool] = True
    has_weights: ClassVar[bool] = False
    needs_evidence: ClassVar[bool] = False
    parameters: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def combine(
        self,
        log_probabilities: torch.Tensor,
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """The joint log-probabilities: float32 [batch, positions, vocabulary], each row normalised.

        Args:
            log_probabilities: float32 [inputs, batch, positions, vocabulary], normalised, in slot order.
            weights: float32 [inputs], positive, summing to 1; equal where the method has no weights.
            evidence: float32 [inputs, batch, positions]: log-likelihood in nats that each input gave to the tokens up
                to and including the one at each position (padding counts nothing).
            parameters: The node's genes, all present.
        """
