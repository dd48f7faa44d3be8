"""Combiners on kept numbers: the probability of the token that came, from the inputs' probabilities of that token.

One rule per method that needs no more than that. Each gives what the method's ``combine`` gives at the given token
(genomes/methods/combiners/ has the formulas); methods without a rule are run on whole distributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genomes.running.teacher_forcing.tempering import Floats


@dataclass(frozen=True, slots=True)
class Given:
    """What a rule is given.

    Attributes:
        targets: Log-probability that each input gave to each token, float32 [inputs, rows, width].
        hits: Whether each token was the input's top choice, bool of that shape; None where the method does not vote.
        evidence: Log-likelihood that each input gave to the tokens before each one, float32 of that shape; None where
            the method does not ask for it.
        weights: As in ``Combiner.combine``.
        parameters: The node's genes.
    """

    targets: Floats
    hits: npt.NDArray[np.bool_] | None
    evidence: Floats | None
    weights: Floats
    parameters: Mapping[str, Any]


Rule = Callable[[Given], Floats]
"""Gives the log-probability of each token under the combiner: float32 [rows, width]."""


def mean(given: Given) -> Floats:
    """See genomes/methods/combiners/mean.py."""
    return log_sum_exp(given.targets) - np.float32(math.log(len(given.targets)))


def weighted(given: Given) -> Floats:
    """See genomes/methods/combiners/weighted.py."""
    return log_sum_exp(given.targets + np.log(given.weights)[:, None, None])


def bayesian(given: Given) -> Floats:
    """See genomes/methods/combiners/bayesian.py."""
    assert given.evidence is not None
    log_posterior = np.log(given.weights)[:, None, None] + np.float32(given.parameters["tempering"]) * given.evidence
    return log_sum_exp(given.targets + log_posterior) - log_sum_exp(log_posterior)


def vote(given: Given) -> Floats:
    """See genomes/methods/combiners/vote.py."""
    assert given.hits is not None
    smoothing = np.float32(given.parameters["smoothing"])
    shares = given.hits.mean(axis=0, dtype=np.float32)
    joint: Floats = np.log((1 - smoothing) * shares + smoothing * np.exp(mean(given)))
    return joint


RULES: Mapping[str, Rule] = {"mean": mean, "weighted": weighted, "bayesian": bayesian, "vote": vote}
"""The rules by method."""

VOTING = frozenset({"vote"})
"""Methods that ask for the inputs' top choices."""


def log_sum_exp(values: Floats) -> Floats:
    """The log of Σ exp over the first axis."""
    largest = values.max(axis=0)
    total: Floats = largest + np.log(np.exp(values - largest).sum(axis=0))
    return total
