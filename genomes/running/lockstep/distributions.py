"""What a genome makes of its members' logits at one token: the values of its program.

Combiners that join probabilities (``Combiner.combine_probabilities``) are given these, all others their logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from genomes.graph.program import CombinerValue, MemberValue, Program
from genomes.methods.combiners import COMBINERS


class Distribution:
    """A distribution of each row over the next token, in the forms that were asked for."""

    def __init__(self, *, logits: torch.Tensor | None = None, probabilities: torch.Tensor | None = None) -> None:
        """From either form, [rows, vocabulary]; logits need not be normalised."""
        self._logits = logits
        self._probabilities = probabilities
        self._logs: torch.Tensor | None = None

    @property
    def probabilities(self) -> torch.Tensor:
        """Float32 [rows, vocabulary], rows summing to 1."""
        if self._probabilities is None:
            assert self._logits is not None
            self._probabilities = self._logits.softmax(dim=-1)
        return self._probabilities

    @property
    def logs(self) -> torch.Tensor:
        """Their logarithms."""
        if self._logs is None:
            self._logs = self.probabilities.log() if self._logits is None else self._logits.log_softmax(dim=-1)
        return self._logs

    def log_likelihoods(self, tokens: torch.Tensor) -> torch.Tensor:
        """The log-probability of one token of each row, [rows]."""
        if self._logs is not None:
            return self._logs.gather(-1, tokens[:, None])[:, 0]
        return self.probabilities.gather(-1, tokens[:, None])[:, 0].log()


def distributions(
    program: Program,
    logits: Mapping[int, torch.Tensor],
    *,
    evidence: Mapping[int, torch.Tensor],
    routes: Mapping[int, torch.Tensor],
) -> list[Distribution]:
    """All values of a program at one token.

    Args:
        program: What to compute.
        logits: By stream, float32 [rows, vocabulary]; what a row does not read may be anything finite.
        evidence: By value that reads evidence, that of its inputs: [rows, inputs].
        routes: By value that reads the prompt, its weights: [rows, inputs].
    """
    values: list[Distribution] = []
    given = next(iter(logits.values()))
    none = given.new_zeros(()).expand(len(given), 1)
    for index, value in enumerate(program.values):
        if isinstance(value, MemberValue):
            scores = logits[value.stream]
            values.append(Distribution(logits=scores if value.temperature == 1.0 else scores / value.temperature))
        else:
            inputs = [values[source] for source in value.inputs]
            weights = routes[index].T if index in routes else torch.tensor(value.weights)
            known = evidence[index] if index in evidence else none.expand(-1, len(inputs))
            values.append(_combined(value, inputs, weights=weights, evidence=known.T))
    return values


def _combined(
    value: CombinerValue, inputs: Sequence[Distribution], *, weights: torch.Tensor, evidence: torch.Tensor
) -> Distribution:
    combiner, parameters = COMBINERS[value.method], dict(value.parameters)
    joint = combiner.combine_probabilities(inputs, weights=weights, evidence=evidence, parameters=parameters)
    if joint is not None:
        return Distribution(probabilities=joint)
    logs = torch.stack([one.logs for one in inputs])[:, :, None]
    joint = combiner.combine(logs, weights=weights.to(logs.device), evidence=evidence[..., None], parameters=parameters)
    return Distribution(logits=joint[:, 0])
