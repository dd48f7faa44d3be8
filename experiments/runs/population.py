"""What a population looks like at one moment: quartiles of the leading objective, diversity, building blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evolve.state import RunState
from experiments.problems.views import Blocks, GenomeView
from experiments.runs.thinning import evenly

_MOST_COMPARED = 200  # Individuals whose distances are taken, spread evenly; all pairs of an archive would be too many.


@dataclass(frozen=True, slots=True)
class PopulationSample:
    """A population after so many evaluations.

    Attributes:
        evaluations: Evaluations paid for.
        lower_quartile: Of the leading objective, as are ``median`` and ``upper_quartile``.
        distinct_share: Different genomes per individual, in (0, 1].
        distance: Mean Jaccard distance of two individuals' building blocks, in [0, 1]; 0 where all have the same ones.
        usage: By group and building block, the share of the individuals that have it at least once.
    """

    evaluations: int
    lower_quartile: float
    median: float
    upper_quartile: float
    distinct_share: float
    distance: float
    usage: Mapping[str, Mapping[str, float]]


def sample_population(state: RunState, view: GenomeView) -> PopulationSample:
    """A sample of a state whose population is not empty."""
    people = state.population
    leading = state.objectives[0].name
    quartiles = np.quantile([one.results.means[leading] for one in people], [0.25, 0.5, 0.75])
    blocks = [view.blocks(one.genome_json) for one in people]
    return PopulationSample(
        evaluations=state.num_evaluations,
        lower_quartile=float(quartiles[0]),
        median=float(quartiles[1]),
        upper_quartile=float(quartiles[2]),
        distinct_share=len({one.key for one in people}) / len(people),
        distance=mean_jaccard_distance(evenly(blocks, _MOST_COMPARED)),
        usage=_usage(blocks),
    )


def mean_jaccard_distance(blocks: Sequence[Blocks]) -> float:
    """Mean over all pairs of one minus shared blocks over all blocks, counted as multisets (Ruzicka 1958)."""
    names = sorted({(group, name) for one in blocks for group, counts in one.items() for name in counts})
    if len(blocks) < 2 or not names:
        return 0.0
    counts = np.array([[one.get(group, {}).get(name, 0) for group, name in names] for one in blocks])
    first, second = np.triu_indices(len(blocks), k=1)
    shared = np.minimum(counts[first], counts[second]).sum(axis=1)
    either = np.maximum(counts[first], counts[second]).sum(axis=1)
    return float(np.mean(1 - shared / np.maximum(either, 1)))


def _usage(blocks: Sequence[Blocks]) -> dict[str, dict[str, float]]:
    groups = sorted({group for one in blocks for group in one})
    usage: dict[str, dict[str, float]] = {}
    for group in groups:
        names = sorted({name for one in blocks for name in one.get(group, {})})
        usage[group] = {name: sum(name in one.get(group, {}) for one in blocks) / len(blocks) for name in names}
    return usage
