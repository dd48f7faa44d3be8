"""What every combiner is: its description, which the graph side reads, and all of its arithmetic.

There are two kinds. A ``Combiner`` joins next-token distributions at every token; an ``AnswerCombiner`` waits for whole
answers and chooses one. A combiner has to have ``combine``; its other methods give the same faster, or fit its genes,
and those that it does not have are done without. Importing them imports no torch: the arithmetic uses the methods of
the tensors that it is given. These files travel inside exported artifacts, so they import nothing but each other,
torch, numpy and the standard library.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import torch

    from genomes.methods.combiners.given import Ballot, Fit, Floats, Foreseen, NextToken, Optimisers, Replies

NUMBERS = "numbers"
"""Name of the gene that holds a combiner's fitted numbers."""


class Method(ABC):
    """What the graph side knows of a combiner of either kind.

    Attributes:
        name: What a genome's ``method`` says.
        formula: What is computed, in one line, with its source; docs and model cards quote it.
        is_commutative: Whether inputs may change places (with their weights) without changing the result.
        has_weights: Whether each input has a positive weight, kept on its edge.
        parameters: Range of every further gene, by name (objects with ``low``/``high``/``options`` as in
            genomes/methods/ranges.py).
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    is_commutative: ClassVar[bool] = True
    has_weights: ClassVar[bool] = False
    parameters: ClassVar[Mapping[str, Any]] = {}

    def num_numbers(self, num_inputs: int, parameters: Mapping[str, Any]) -> int:
        """How many fitted numbers the gene ``numbers`` holds once it holds any; 0 for methods that learn nothing."""
        return 0

    def rearranged(self, parameters: Mapping[str, Any], slots: Sequence[int]) -> dict[str, Any]:
        """The parameters of a node whose inputs are now those that were at ``slots``, in that order."""
        return dict(parameters)


class Combiner(Method):
    """A way to join the next-token distributions of two or more inputs into one.

    Attributes:
        needs_evidence: Whether ``combine`` reads the inputs' likelihoods of the tokens so far.
        reads_prompt: Whether the weights follow from the prompt alone: see ``route``.
        reads_prompt_evidence: Whether ``route`` looks at how likely each input finds the prompt: then all of them read
            it, whoever answers.
    """

    needs_evidence: ClassVar[bool] = False
    reads_prompt: ClassVar[bool] = False
    reads_prompt_evidence: ClassVar[bool] = False

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
            weights: float32 [inputs], positive, summing to 1; equal where the method has no weights. Where the method
                reads the prompt, what ``route`` gave: [inputs, batch], zero for inputs that were not computed.
            evidence: float32 [inputs, batch, positions]: log-likelihood in nats that each input gave to the tokens up
                to and including the one at each position (padding counts nothing).
            parameters: The node's genes, all present.
        """

    def route(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor:
        """Each input's weight for each prompt: float32 [inputs, batch], columns summing to 1.

        An input of weight zero is not computed for that prompt and its answer. Asked once per prompt, and only where
        the method reads the prompt.

        Args:
            prompts: Token ids of every prompt.
            weights: As in ``combine``, [inputs].
            evidence: float32 [inputs, batch]: log-likelihood in nats that each input gave to the prompt, its first
                token left out; zeros unless the method reads it.
            parameters: The node's genes.
        """
        raise NotImplementedError(f"The combiner {self.name!r} reads the prompt; it has to say how: give it 'route'.")

    def active_share(self, num_inputs: int, parameters: Mapping[str, Any]) -> float:
        """The share of its inputs that are computed for a prompt, in (0, 1]; below 1 where ``route`` skips some."""
        return 1.0

    def combine_probabilities(
        self,
        inputs: Sequence[NextToken],
        *,
        weights: torch.Tensor,
        evidence: torch.Tensor,
        parameters: Mapping[str, Any],
    ) -> torch.Tensor | None:
        """What ``combine`` gives at one token, as probabilities: float32 [rows, vocabulary].

        For methods that need fewer exponentials for it, which cost more than anything but the members. None where
        ``combine`` is to be asked.

        Args:
            inputs: The inputs' distributions, in slot order.
            weights: As in ``combine``, and on the CPU where they are the same for all rows.
            evidence: As in ``combine``: [inputs, rows].
            parameters: The node's genes.
        """
        return None

    def target_log_probabilities(self, given: Foreseen) -> Floats | None:
        """What ``combine`` gives to known tokens, from what its inputs gave to these alone: float32 [tokens].

        None where that does not follow from what is given; whole distributions are then combined.
        """
        return None

    def answer_log_probabilities(self, given: Replies) -> Floats | None:
        """The same for the tokens of replies, where whole distributions are needed, but for less than ``combine`` does.

        Asked where ``target_log_probabilities`` gives None.
        """
        return None

    def fitted(self, given: Replies, *, optimisers: Optimisers) -> Fit | None:
        """The genes under which the replies are likeliest; None where they do not follow from what is given."""
        return None

    @property
    def is_fittable(self) -> bool:
        """Whether ``fitted`` gives genes: where a method has its own."""
        return type(self).fitted is not Combiner.fitted


class AnswerCombiner(Method):
    """A way to choose one of the whole answers that two or more inputs wrote.

    Its inputs may have different tokenizers, since they meet as text. It has to have the parameter ``num_samples``: how
    many candidates each input writes where answers are sampled.
    """

    @abstractmethod
    def choose(self, ballot: Ballot, *, parameters: Mapping[str, Any]) -> int:
        """The index of the chosen candidate; the first of equals."""

    def reads_likelihoods(self, parameters: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether ``choose`` reads the conditional and the unconditional log-likelihoods."""
        return False, False
