"""Which genes the scores of a search hung on: the variance of what a Gaussian process learnt, divided among them.

A functional analysis of variance (Hutter, Hoos and Leyton-Brown 2014; for Gaussian processes Marrel and others 2009):
the process's mean is averaged over all genes but those of one group, which leaves what that group does by itself. What
no group does by itself is interaction. The kernel is a product over groups, so all of it has closed forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evolve.gaussian_process import Floats, Posterior, Scores, fitted


@dataclass(frozen=True)
class Importance:
    """What mattered on one panel.

    Attributes:
        panel: On which panel the genomes were scored.
        num_scores: From how many scores this was learnt.
        heritable: The share of the variance of one score that is the genome's, in [0, 1]; the rest is luck.
        groups: The share of the model's variance that each group of genes has by itself, in [0, 1]; largest first.
        interactions: The share that groups have only together.
        genes: By how much a score rises with one standard deviation of a gene, the group's other genes being equal;
            in units of the objective, better is positive; the strongest first.
    """

    panel: str
    num_scores: int
    heritable: float
    groups: dict[str, float]
    interactions: float
    genes: dict[str, float]


def importance(panel: str, scores: Scores, names: Sequence[str]) -> Importance:
    """What mattered for some scores.

    Args:
        panel: Where they are from.
        scores: Scores, higher is better.
        names: Of the features, ``group.what``.
    """
    logs = fitted(scores)
    posterior = Posterior(scores, logs)
    alike = posterior.likeness_by_group()
    weights = posterior.weights
    averages = alike.mean(axis=1)  # [groups, scores]: what remains of a group's factor where it is averaged out
    alone = np.array([weights * np.delete(averages, group, axis=0).prod(axis=0) for group in range(len(alike))])
    effects = np.einsum("gij,gj->gi", alike, alone)  # of every group by itself, at the genes of every score
    everything = np.prod([kernel.T @ kernel / len(kernel) for kernel in alike], axis=0)
    mean = float(weights @ averages.prod(axis=0))
    total = float(weights @ everything @ weights) - mean**2
    shares = effects.var(axis=1) / total if total > 0 else np.zeros(len(alike))
    kinds = {group: name.partition(".")[0] for group, name in zip(scores.groups, names, strict=True)}
    groups = {kinds[group]: round(float(share), 4) for group, share in enumerate(shares)}
    variances = np.exp(2 * np.array(logs[:5]))
    return Importance(
        panel=panel,
        num_scores=len(scores.values),
        heritable=round(float(variances[:2].sum() / variances.sum()), 4),
        groups=_largest_first(groups),
        interactions=round(max(0.0, 1.0 - float(shares.sum())), 4),
        genes=_largest_first(_slopes(effects * scores.scale, scores, names)),
    )


def _slopes(effects: Floats, scores: Scores, names: Sequence[str]) -> dict[str, float]:
    """The coefficients of each group's effect on its genes, in standard deviations of these."""
    found: dict[str, float] = {}
    for group, effect in enumerate(effects):
        columns = [column for column, of in enumerate(scores.groups) if of == group]
        genes = scores.features[:, columns]
        spread = genes.std(axis=0)
        units = (genes - genes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        slopes = np.linalg.lstsq(units, effect - effect.mean(), rcond=1e-6)[0]
        found |= {names[column]: round(float(slope), 6) for column, slope in zip(columns, slopes, strict=True)}
    return found


def _largest_first(numbers: dict[str, float]) -> dict[str, float]:
    return dict(sorted(numbers.items(), key=lambda item: (-abs(item[1]), item[0])))
