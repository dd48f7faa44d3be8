"""A Gaussian process over scores of genomes: what a genome is worth, once luck and the draw's prompts are taken off.

A score is a smooth function of the genome's description, plus what the genome has beyond that, plus how easy the
prompts of its draw were, for everybody and for genomes of its kind, plus noise:

    y = f(x) + genome + draw + h_draw(x) + noise,    f, h_draw ~ GP(0, s^2 exp(-1/2 sum_g |x - x'|_g^2 / l_g^2))

Variances and length-scales maximise their posterior under wide log-normal priors (Rasmussen and Williams 2006, chapters
2 and 5). For a few hundred scores; time grows with the third power of their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]

_MAX_STEPS = 25
_PRIOR_SPREAD = 1.0  # of every logarithm
_JITTER = 1e-6  # of all variance, on the diagonal: scores without noise leave a matrix that is singular to rounding

# Standard deviations, in units of that of the scores: of f, of what genomes have beyond it, of draws, of draws for
# genomes of a kind, of noise. Then the length-scales.
_PRIOR_DEVIATIONS = np.array([0.8, 0.2, 0.4, 0.3, 0.8])
_PRIOR_LENGTH = 1.0


@dataclass(frozen=True)
class Scores:
    """What was scored, an entry per evaluation.

    Attributes:
        features: Description of the genome, float64 [scores, features]; each feature spreads over about one unit.
        groups: For each feature the number of its group, from 0; a group has one length-scale.
        genomes: A number for each genome.
        draws: A number for each draw of prompts.
        values: The scores.
    """

    features: Floats
    groups: Sequence[int]
    genomes: Sequence[int]
    draws: Sequence[int]
    values: Floats

    @cached_property
    def distances(self) -> Floats:
        """Squared distances by group, [groups, scores, scores]."""
        return squared_distances(self.features, self.features, self.groups)

    @cached_property
    def same_genome(self) -> Floats:
        """1 where two scores are of one genome, [scores, scores]."""
        same: Floats = np.equal.outer(np.array(self.genomes), np.array(self.genomes)).astype(float)
        return same

    @cached_property
    def same_draw(self) -> Floats:
        """1 where two scores are of one draw, [scores, scores]."""
        same: Floats = np.equal.outer(np.array(self.draws), np.array(self.draws)).astype(float)
        return same

    @property
    def scale(self) -> float:
        """Standard deviation of the scores, 1 where there is none."""
        return float(self.values.std()) or 1.0

    @property
    def centred(self) -> Floats:
        """The scores less their mean, in units of their standard deviation."""
        units: Floats = (self.values - self.values.mean()) / self.scale
        return units


def squared_distances(one: Floats, other: Floats, groups: Sequence[int]) -> Floats:
    """Squared Euclidean distances between rows, by group of columns: [groups, rows of one, rows of other]."""
    distances = np.zeros((max(groups) + 1, len(one), len(other)))
    for column, group in enumerate(groups):
        distances[group] += np.subtract.outer(one[:, column], other[:, column]) ** 2
    return distances


def _likeness(logs: Floats, distances: Floats) -> Floats:
    """How alike genomes are, in (0, 1], from their squared distances by group and the logarithms' length-scales."""
    alike: Floats = np.exp(-0.5 * np.tensordot(np.exp(-2 * logs[5:]), distances, axes=1))
    return alike


def fitted(scores: Scores) -> tuple[float, ...]:
    """The logarithms of five standard deviations and of a length-scale per group that are likeliest, see the module."""
    num_groups = max(scores.groups) + 1
    prior = np.log(np.concatenate([_PRIOR_DEVIATIONS, np.full(num_groups, _PRIOR_LENGTH)]))
    found = minimize(
        _loss, prior, args=(prior, scores, scores.centred), jac=True, method="L-BFGS-B", options={"maxiter": _MAX_STEPS}
    )
    return tuple(float(number) for number in found.x)


def _loss(logs: Floats, prior: Floats, scores: Scores, centred: Floats) -> tuple[float, Floats]:
    """Minus the log-posterior of the logarithms, up to a constant, with its gradient."""
    variances = np.exp(2 * logs[:5])
    weights = np.exp(-2 * logs[5:])
    shape = _likeness(logs, scores.distances)
    same_draw, identity = scores.same_draw, np.eye(len(centred))
    terms = [shape, scores.same_genome, same_draw, same_draw * shape, identity]
    covariance = np.tensordot(variances, np.stack(terms), axes=1)
    factor = cho_factor(covariance + _JITTER * variances.sum() * identity, lower=True)
    solved = cho_solve(factor, centred)
    loss = 0.5 * centred @ solved + np.log(np.diag(factor[0])).sum()
    inner = np.outer(solved, solved) - cho_solve(factor, identity)
    smooth = (variances[0] + variances[3] * same_draw) * shape
    gradient = [
        -(inner * (term + _JITTER * identity)).sum() * variance for variance, term in zip(variances, terms, strict=True)
    ]
    gradient += [
        -0.5 * (inner * smooth * distance).sum() * weight
        for weight, distance in zip(weights, scores.distances, strict=True)
    ]
    away = (logs - prior) / _PRIOR_SPREAD
    return float(loss + 0.5 * away @ away), np.array(gradient) + away / _PRIOR_SPREAD


class Posterior:
    """What scores say of genomes, under given logarithms."""

    def __init__(self, scores: Scores, logs: Sequence[float]) -> None:
        self._scores = scores
        self._logs = np.array(logs)
        self._variances = np.exp(2 * self._logs[:5])
        shape = _likeness(self._logs, scores.distances)
        smooth, genome, draw, kind, noise = self._variances
        self._worth = smooth * shape + genome * scores.same_genome
        alone = noise + _JITTER * self._variances.sum()
        covariance = self._worth + scores.same_draw * (draw + kind * shape) + alone * np.eye(len(shape))
        self._factor = cho_factor(covariance, lower=True)
        self._mean = float(scores.values.mean())
        self._solved = cho_solve(self._factor, scores.centred)

    @property
    def weights(self) -> Floats:
        """What f is of likenesses to the scores, [scores]: its mean at x is the sum of weight times likeness to x."""
        weights: Floats = self._variances[0] * self._solved
        return weights

    def likeness_by_group(self) -> Floats:
        """How alike the scored genomes are in each group of features, [groups, scores, scores]; f has their product."""
        alike: Floats = np.exp(-0.5 * np.exp(-2 * self._logs[5:])[:, None, None] * self._scores.distances)
        return alike

    def of_scored(self) -> Floats:
        """The mean worth of the genome of every score, in units of the scores."""
        worth: Floats = self._mean + self._scores.scale * (self._worth @ self._solved)
        return worth

    def of_new(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the worth of genomes that were never scored: each [rows].

        Args:
            features: Their descriptions, [rows, features].
        """
        distances = squared_distances(features, self._scores.features, self._scores.groups)
        cross = self._variances[0] * _likeness(self._logs, distances)
        means = self._mean + self._scores.scale * (cross @ self._solved)
        explained = (cross * cho_solve(self._factor, cross.T).T).sum(axis=1)
        variances = self._variances[0] + self._variances[1] - explained
        return means, self._scores.scale * np.sqrt(np.maximum(variances, 0.0))
