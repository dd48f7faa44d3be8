"""What the scores of a search say together: estimates of everybody's worth, and of children before they are scored.

The Gaussian process itself is in gaussian_process.py. What it learnt is an event of the log, so that a state follows
from its events alone; what it says of new genomes follows from the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evolve.gaussian_process import Floats, Posterior, Scores, fitted
from evolve.importance import Importance, importance
from evolve.individual import Individual, Results
from evolve.jobs import SEARCH_PANEL
from evolve.space import FeaturedSpace, SearchSpace
from evolve.state import RunState

FEWEST_SCORES = 24
"""How many scores there have to be before anything is learnt from them."""

MOST_SCORES = 300
"""From how many of the latest scores it learns: time grows with the third power of their number."""

_FIT_EVERY = 48  # scores; in between new scores count under the variances and length-scales that were found last
_DECIMALS = 6  # beyond them machines may differ

_Entry = tuple[Individual, int, float]  # who was scored, on which replicate, and how well: higher is better


class ScoreModel:
    """Learns from the scores of one run."""

    def __init__(self, space: SearchSpace[Any]) -> None:
        self._space = space
        self._features: dict[str, dict[str, float]] = {}  # by canonical JSON
        self._known: tuple[int, Posterior] | None = None  # the last posterior, and how many scores it knows

    def is_due(self, state: RunState) -> bool:
        """Whether there is something to be learnt: a batch of scores that the model does not know."""
        if state.settings.model == "none" or state.panel != SEARCH_PANEL:
            return False
        known = state.learnt["scored"] if state.learnt else 0
        return len(state.scored) >= max(FEWEST_SCORES, known + state.settings.batch)

    def learnt(self, state: RunState) -> dict[str, Any]:
        """The payload of the event that says what was learnt from all scores so far.

        ``scored``: how many scores there are; ``logs``: of variances and length-scales; ``estimates`` by key; ``mean``
        and ``reliability``: towards which number, and how far from it, one new score moves its genome.
        """
        count = len(state.scored)
        entries = _latest(state, count)
        scores = self._scores(entries)
        before = state.learnt
        if before is None or before["scored"] // _FIT_EVERY != count // _FIT_EVERY:
            logs = [round(number, _DECIMALS) for number in fitted(scores)]
        else:
            logs = before["logs"]
        posterior = Posterior(scores, logs)
        self._known = count, posterior
        worth, spread = posterior.of_scored(), np.exp(2 * np.array(logs[:5]))
        return {
            "scored": count,
            "logs": logs,
            "mean": round(float(scores.values.mean()), _DECIMALS),
            "reliability": round(float(spread[:2].sum() / spread.sum()), _DECIMALS),
            "estimates": {
                one.key: round(float(value), _DECIMALS) for (one, _, _), value in zip(entries, worth, strict=True)
            },
        }

    def promise(self, genomes: Sequence[Any], state: RunState, *, rng: np.random.Generator) -> Floats:
        """A draw of what each genome is worth (Thompson 1933), higher is better; once something was learnt."""
        assert state.learnt is not None
        count = state.learnt["scored"]
        if self._known is None or self._known[0] != count:
            self._known = count, Posterior(self._scores(_latest(state, count)), state.learnt["logs"])
        texts = [self._space.to_json(genome) for genome in genomes]
        rows = np.array([[*self._of(text).values()] for text in texts])
        means, deviations = self._known[1].of_new(rows)
        return means + deviations * rng.standard_normal(len(means))

    def importances(self, state: RunState) -> list[Importance]:
        """What mattered in every stage of a run and in the search proper, where there are scores enough to tell."""
        if not isinstance(self._space, FeaturedSpace):
            return []
        found = []
        for panel in (*(stage.panel for stage in state.run_settings.stages), state.panel):
            entries = _entries(state, panel)
            if len(entries) < FEWEST_SCORES:
                continue
            # Of a stage with many births some from all of its length: late ones are much alike.
            chosen = [entries[place * len(entries) // MOST_SCORES] for place in range(MOST_SCORES)]
            chosen = chosen if len(entries) > MOST_SCORES else entries
            found.append(importance(panel, self._scores(chosen), list(self._of(chosen[0][0].genome_json))))
        return found

    def _scores(self, entries: Sequence[_Entry]) -> Scores:
        return scores_of(
            [self._of(one.genome_json) for one, _, _ in entries],
            [one.key for one, _, _ in entries],
            [replicate for _, replicate, _ in entries],
            [value for _, _, value in entries],
        )

    def _of(self, text: str) -> dict[str, float]:
        if text not in self._features:
            assert isinstance(self._space, FeaturedSpace)
            self._features[text] = described_as(self._space.features(self._space.from_json(text)))
        return self._features[text]


def _latest(state: RunState, count: int) -> list[_Entry]:
    """The latest of the first ``count`` scores."""
    places = state.scored[max(0, count - MOST_SCORES) : count]
    return [(state.individuals[key], number, state.results[key].leading_of(number)) for key, number in places]


def _entries(state: RunState, panel: str) -> list[_Entry]:
    """All scores on a panel in the order of birth, with each replicate."""
    results: Mapping[str, Results] = state.results
    people: Iterable[Individual] = state.individuals.values()
    if panel != state.panel:
        results = {key: one for (of, key), one in state.results_before.items() if of == panel}
        people = [one for one in state.ancestors.values() if one.key in results]
    return [
        (one, replicate, results[one.key].leading_of(replicate))
        for one in people
        for replicate, evaluation in sorted(results[one.key].by_replicate.items())
        if evaluation.is_ok
    ]


def described_as(features: Mapping[str, float]) -> dict[str, float]:
    """The features of a genome in the order that all genomes have them in."""
    return dict(sorted(features.items()))


def scores_of(
    described: Sequence[Mapping[str, float]], keys: Sequence[str], draws: Sequence[int], values: Sequence[float]
) -> Scores:
    """Scores as a Gaussian process takes them, from the features, key, draw and value of each."""
    kinds = sorted({name.partition(".")[0] for name in described[0]})
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return Scores(
        features=np.array([[*one.values()] for one in described]),
        groups=[kinds.index(name.partition(".")[0]) for name in described[0]],
        genomes=[numbers[key] for key in keys],
        draws=draws,
        values=np.array(values),
    )
