"""Bayesian optimisation with the Gaussian process of ``search.model: gp``, without a population."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evolve.gaussian_process import Posterior, fitted
from evolve.score_model import FEWEST_SCORES, MOST_SCORES, described_as
from evolve.seeding import generator
from experiments.compare.baselines.base import Baseline
from experiments.compare.baselines.local_search import mutated
from experiments.compare.bench import Bench, scores_in
from genomes.graph.genome import Genome

_BATCH = 8
_NUM_RANDOM = 96  # candidates from anywhere in the space
_NUM_LEADERS, _NUM_NEIGHBOURS = 8, 12  # and so many neighbours of each of so many leaders


class GpGuided(Baseline):
    """Every proposal is the best of some two hundred candidates under a draw of what they are worth (Thompson 1933).

    Candidates are random genomes, and mutants of those that the model thinks best. It starts from the founders and
    random genomes, and learns from the latest scores.
    """

    name = "gp"
    label = "Gaussian process, Thompson sampling"

    def search(self, bench: Bench) -> None:
        """See the base class."""
        space = bench.task.space
        rng = generator(bench.seed, "gp")
        size = bench.search.batch if bench.task.is_noisy and bench.search.batch > 1 else _BATCH
        bench.losses([genome for _, genome in space.founders()])
        while len(bench.steps) < 2 * FEWEST_SCORES:
            bench.losses([space.random(rng=rng) for _ in range(size)])
        while True:
            bench.losses(_proposals(bench, size=size, rng=rng))


def _proposals(bench: Bench, *, size: int, rng: np.random.Generator) -> list[Genome]:
    """As many genomes as are answered together, none of them proposed before."""
    space = bench.task.space
    scored = [step for step in bench.steps if step.evaluation.is_ok][-MOST_SCORES:]
    scores = scores_in(scored, bench.task)
    posterior = Posterior(scores, fitted(scores))
    best = dict.fromkeys(scored[place].genome for place in np.argsort(-posterior.of_scored(), kind="stable"))
    leaders = [space.from_json(text) for text in list(best)[:_NUM_LEADERS]]
    candidates = _candidates(leaders, bench, {step.key for step in bench.steps}, rng=rng)
    if not candidates:
        return [space.random(rng=rng)]
    rows = np.array([[*described_as(space.features(genome)).values()] for genome in candidates.values()])
    means, deviations = posterior.of_new(rows)
    draws = means + deviations * rng.standard_normal((size, len(means)))
    chosen = dict.fromkeys(int(draw.argmax()) for draw in draws)
    return [list(candidates.values())[place] for place in chosen]


def _candidates(
    leaders: Sequence[Genome], bench: Bench, known: set[str], *, rng: np.random.Generator
) -> dict[str, Genome]:
    """By key."""
    space = bench.task.space
    drawn = [space.random(rng=rng) for _ in range(_NUM_RANDOM)]
    drawn += [mutated(leader, space, rng=rng) for leader in leaders for _ in range(_NUM_NEIGHBOURS)]
    keys = [space.key(genome) for genome in drawn]
    return {
        key: genome for key, genome in zip(keys, drawn, strict=True) if key not in known and not space.problems(genome)
    }
