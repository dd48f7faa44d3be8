"""What every merge method is: its description, which the graph side reads, and its arithmetic on one tensor.

Merging is tensor by tensor, so a method knows neither models nor layers; weights may differ from tensor to tensor
(layers.py). Importing a method imports no torch: the arithmetic uses the methods of the tensors that it is given.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Which tensor is being merged; random methods derive their draws from it.

    Attributes:
        tensor: Name of the tensor in its model, e.g. ``"transformer.wte.weight"``.
        members: Names of the members that give it, in the order of the tensors.
    """

    tensor: str
    members: tuple[str, ...]


class MergeMethod(ABC):
    """A way to join tensors of equal shape into one.

    Inputs may change places (with their weights) without changing the result: the one that is special, where there is
    one, is named as the base.

    Attributes:
        name: What a genome's ``method`` says.
        formula: What is computed, in one line, with its source; docs and model cards quote it.
        needs_base: Whether one input is the base that the others differ from.
        max_inputs: The most inputs, base included; None for any number.
        parameters: Range of every further gene, by name.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    needs_base: ClassVar[bool] = False
    max_inputs: ClassVar[int | None] = None
    parameters: ClassVar[Mapping[str, Any]] = {}

    def takes(self, num_inputs: int) -> bool:
        """Whether so many inputs are not too many."""
        return self.max_inputs is None or num_inputs <= self.max_inputs

    @abstractmethod
    def merge(
        self,
        tensors: Sequence[torch.Tensor],
        *,
        weights: Sequence[float],
        base: int | None,
        parameters: Mapping[str, Any],
        place: TensorPlace,
    ) -> torch.Tensor:
        """The merged tensor, of the shape and type of the inputs.

        Args:
            tensors: Floating-point tensors of equal shape, two or more.
            weights: One positive number per tensor; only ratios count.
            base: Index of the base, None where the method needs none.
            parameters: The node's genes, all present.
            place: Which tensor this is.
        """


def task_vectors(
    tensors: Sequence[torch.Tensor], weights: Sequence[float], base: int
) -> tuple[torch.Tensor, list[torch.Tensor], list[float]]:
    """The base, what each other tensor adds to it, and the weight of each relative to the base's weight."""
    others = [index for index in range(len(tensors)) if index != base]
    deltas = [tensors[index] - tensors[base] for index in others]
    return tensors[base], deltas, [weights[index] / weights[base] for index in others]
