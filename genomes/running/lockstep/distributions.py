"""What a genome makes of its members' logits at one token: the values of its program.

Probabilities instead of their logarithms where that saves exponentials, which cost more than anything but the members:
one rule per linear pool. Other methods run as genomes/methods/combiners/ has them; rules are tested against these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from genomes.methods.combiners import COMBINERS
from genomes.running.program import CombinerValue, MemberValue, Program


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


Rule = Callable[[Sequence[Distribution], torch.Tensor, torch.Tensor, Mapping[str, Any]], torch.Tensor]
"""Inputs, weights [inputs], evidence [inputs, rows] and genes to probabilities [rows, vocabulary]."""


def _mean(inputs: Sequence[Distribution], weights: torch.Tensor, evidence: torch.Tensor, _: object) -> torch.Tensor:
    return _pool(inputs, [1.0 / len(inputs)] * len(inputs))


def _weighted(inputs: Sequence[Distribution], weights: torch.Tensor, evidence: torch.Tensor, _: object) -> torch.Tensor:
    return _pool(inputs, weights.tolist())


def _bayesian(
    inputs: Sequence[Distribution], weights: torch.Tensor, evidence: torch.Tensor, parameters: Mapping[str, Any]
) -> torch.Tensor:
    log_posterior = weights.log()[:, None] + float(parameters["tempering"]) * evidence.clamp_min(-1e30)
    return _pool(inputs, list(log_posterior.softmax(dim=0)[..., None]))


def _vote(
    inputs: Sequence[Distribution], weights: torch.Tensor, evidence: torch.Tensor, parameters: Mapping[str, Any]
) -> torch.Tensor:
    smoothing = float(parameters["smoothing"])
    pooled = _pool(inputs, [smoothing / len(inputs)] * len(inputs))
    for one in inputs:
        ballot = one.probabilities.argmax(dim=-1, keepdim=True)
        pooled.scatter_add_(-1, ballot, pooled.new_full(ballot.shape, (1.0 - smoothing) / len(inputs)))
    return pooled


RULES: Mapping[str, Rule] = {"mean": _mean, "weighted": _weighted, "bayesian": _bayesian, "vote": _vote}
"""The rules by method."""


def _pool(inputs: Sequence[Distribution], weights: Sequence[Any]) -> torch.Tensor:
    pooled: torch.Tensor = inputs[0].probabilities * weights[0]
    for one, weight in zip(inputs[1:], weights[1:], strict=True):
        if isinstance(weight, float):
            pooled.add_(one.probabilities, alpha=weight)
        else:
            pooled.addcmul_(one.probabilities, weight)
    return pooled


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
    for index, value in enumerate(program.values):
        if isinstance(value, MemberValue):
            scores = logits[value.stream]
            values.append(Distribution(logits=scores if value.temperature == 1.0 else scores / value.temperature))
        else:
            values.append(_combined(value, [values[source] for source in value.inputs], index, evidence, routes))
    return values


def _combined(
    value: CombinerValue,
    inputs: Sequence[Distribution],
    index: int,
    evidence: Mapping[int, torch.Tensor],
    routes: Mapping[int, torch.Tensor],
) -> Distribution:
    parameters = dict(value.parameters)
    weights = routes[index].T if index in routes else torch.tensor(value.weights)
    if index not in evidence and value.method in RULES:
        return Distribution(probabilities=RULES[value.method](inputs, weights, weights, parameters))
    if value.method in RULES:
        return Distribution(probabilities=RULES[value.method](inputs, weights, evidence[index].T, parameters))
    logs = torch.stack([one.logs for one in inputs])[:, :, None]
    known = evidence[index].T[..., None] if index in evidence else logs.new_zeros(()).expand(logs.shape[:3])
    joint = COMBINERS[value.method].combine(
        logs, weights=weights.to(logs.device), evidence=known, parameters=parameters
    )
    return Distribution(logits=joint[:, 0])
