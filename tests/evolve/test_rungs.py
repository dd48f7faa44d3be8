"""Successive halving: promotions are those of sorting every rung anew, and the test stops who is worse."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evolve.history import read_state
from evolve.individual import Results
from evolve.jobs import JOB_KINDS, Event, Job
from evolve.rungs import MIN_PAIRS, Rungs, is_worse
from evolve.settings import Budget, SearchSettings
from fitness.result import Evaluation, Objective, Outcome
from tests.evolve.toy import SETTINGS, ToyFactory, ToyPool, create

GOOD = Objective("good", "maximise", "")


class SortedAnew:
    """The obvious way: every rung is a list, sorted whenever somebody asks."""

    def __init__(self, settings: SearchSettings) -> None:
        self.factor, self.num_rungs, self.size = settings.rung_factor, settings.rungs, settings.population
        self.scores: list[dict[str, float]] = [{} for _ in range(settings.rungs)]
        self.failed: set[str] = set()
        self.climbing: list[tuple[str, int]] = []

    def enter(self, key: str, results: Results) -> None:
        if results.num_replicates < len(results.by_replicate):
            self.failed.add(key)
        for level in range(self.num_rungs - 1):
            values = results.leading_values(self.factor**level)
            if values is not None and key not in self.failed:
                self.scores[level].setdefault(key, math.fsum(values) / len(values))

    def next_key(self, num_planned: dict[str, int]) -> str | None:
        for key, wanted in self.climbing:
            if num_planned[key] < wanted and key not in self.failed:
                return key
        for level in reversed(range(self.num_rungs - 1)):
            scores = dict(list(self.scores[level].items())[-self.size :])
            for key in sorted(scores, key=lambda one: (-scores[one], one))[: len(scores) // self.factor]:
                if num_planned[key] < self.factor ** (level + 1) and key not in self.failed:
                    return key
        return None

    def plan(self, key: str) -> None:
        level = max(level for level in range(self.num_rungs - 1) if key in self.scores[level])
        if key not in [other for other, _ in self.climbing]:
            self.climbing.append((key, self.factor ** (level + 1)))
        elif dict(self.climbing)[key] != self.factor ** (level + 1):
            self.climbing = [(other, wanted) for other, wanted in self.climbing if other != key]
            self.climbing.append((key, self.factor ** (level + 1)))


@given(
    st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 5), st.integers(0, 9))), max_size=60),
    st.integers(2, 3),
    st.integers(2, 4),
)
def test_promotions_are_those_of_sorting_anew(steps: list[Any], factor: int, num_rungs: int) -> None:
    """A step plans a replicate of whoever is next (None), or commits an evaluation of a new key or a planned one."""
    settings = SearchSettings(population=7, tournament=2, rungs=num_rungs, rung_factor=factor)
    fast, slow = Rungs(settings), SortedAnew(settings)
    results: dict[str, Results] = {}
    num_planned: Counter[str] = Counter()
    on_the_way: list[tuple[str, int]] = []
    for step in steps:
        key = fast.next_key(num_planned)
        assert key == slow.next_key(num_planned)
        if step is None:
            if key is not None:
                on_the_way.append((key, num_planned[key]))
                num_planned[key] += 1
                fast.plan(key, num_planned[key], is_promotion=True)
                slow.plan(key)
            continue
        value, luck = step
        key, replicate = on_the_way.pop(0) if on_the_way and luck > 2 else (f"k{len(results)}", 0)
        if replicate == 0:
            num_planned[key] = 1
        one = results.setdefault(key, Results([GOOD]))
        is_ok = luck != 9
        ok = Evaluation.ok({"good": float(value)}, scores={})
        one.add(replicate, ok if is_ok else Evaluation.failed(Outcome.INVALID, "broken"))
        fast.enter(key, one)
        slow.enter(key, one)


def answered(offset: float, *, seed: int, replicates: int = 1, noise: float = 1.0) -> Results:
    results, rng = Results([GOOD]), np.random.default_rng(seed)
    for replicate in range(replicates):
        scores = {f"p{number}": number + offset + float(rng.normal(0, noise)) for number in range(6)}
        results.add(replicate, Evaluation.ok({"good": math.fsum(scores.values()) / 6}, scores=scores))
    return results


class TestIsWorse:
    @given(st.floats(-3, 3), st.integers(0, 99), st.sampled_from([0.01, 0.05, 0.3]))
    def test_it_is_the_one_sided_paired_t_test(self, offset: float, seed: int, probability: float) -> None:
        one, elite = answered(offset, seed=seed, replicates=2), answered(0, seed=seed + 1000, replicates=3)
        pairs = [
            (score, elite.by_replicate[replicate].scores[prompt])
            for replicate in range(2)
            for prompt, score in one.by_replicate[replicate].scores.items()
        ]
        expected = stats.ttest_rel(*zip(*pairs, strict=True), alternative="less").pvalue < probability
        assert is_worse(one, elite, probability=probability) == expected

    def test_it_never_says_so_on_a_few_prompts_or_at_probability_zero(self) -> None:
        one, elite = answered(-9, seed=0), answered(0, seed=1)
        assert is_worse(one, elite, probability=0.05)
        assert not is_worse(one, elite, probability=0.0)
        few = Results([GOOD])
        few.add(0, Evaluation.ok({"good": -9.0}, scores={f"p{number}": -9.0 for number in range(MIN_PAIRS - 1)}))
        assert not is_worse(few, elite, probability=0.05)


class TestRun:
    def jobs(self, directory: Path, **changes: Any) -> list[Job]:
        events: list[Event] = []
        settings = replace(SETTINGS, rungs=3, rung_factor=2, rescore_every=None, **changes)
        pool = ToyPool(ToyFactory(), capacity=4, seed=0)
        with create(directory, settings=settings, budget=Budget(births=200, evaluations=150)) as run:
            run.advance(pool, events.append)
            assert run.state.num_evaluations == len(pool.evaluator.requests) == 150  # what is charged was done
        return [Job.from_json(event.payload["job"]) for event in events if event.kind in JOB_KINDS]

    def test_the_better_half_climbs_and_the_best_reach_the_top(self, directory: Path) -> None:
        jobs = self.jobs(directory, stop_probability=0.0, mode="random")
        promoted = [job for job in jobs if job.kind == "promote"]
        state = read_state(directory)
        assert 0.3 < len({job.key for job in promoted}) / sum(job.is_birth for job in jobs) < 0.6
        counts = Counter(results.num_replicates for results in state.results.values())
        assert counts[1] > counts[2] > 0 < counts[4]
        assert state.results[state.ranked_keys(1)[0]].num_replicates in (2, 4)

    def test_who_is_worse_than_the_elite_is_stopped_on_the_way(self, directory: Path) -> None:
        without = sum(job.kind == "promote" for job in self.jobs(directory / "without", stop_probability=0.0))
        stopping = sum(job.kind == "promote" for job in self.jobs(directory / "stopping", stop_probability=0.4))
        assert 0 < stopping < without
