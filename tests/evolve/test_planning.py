"""What is planned: founders first, then random genomes, then offspring and leaders scored again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.errors import OperatorError, SpaceError
from evolve.jobs import JOB_KINDS, Job
from evolve.settings import Budget
from evolve.state import RunState
from evolve.variation import toolbox_for, vary
from tests.evolve.toy import BUDGET, SETTINGS, ToyFactory, ToyPool, ToySpace, create, nudge, redraw


def jobs_of(directory: Path, **changes: Any) -> tuple[list[Job], RunState]:
    jobs: list[Job] = []
    with create(directory, **changes) as run:
        run.advance(
            ToyPool(changes.get("factory", ToyFactory())),
            lambda event: jobs.append(Job.from_json(event.payload["job"])) if event.kind in JOB_KINDS else None,
        )
        return jobs, run.state


class TestJobs:
    def test_founders_come_first_then_random_genomes_then_offspring(self, directory: Path) -> None:
        jobs, _ = jobs_of(directory)
        births = [job for job in jobs if job.is_birth]
        assert [job.number for job in jobs] == list(range(len(jobs)))
        assert [job.births_before for job in births] == list(range(len(births)))
        assert [job.operator for job in births[:3]] == ["founder:zeros", "founder:ones", "random"]
        # Job j knows of the commits 0..j-lag; this one is the first that knows of a whole tournament.
        start = max(SETTINGS.initial_births, SETTINGS.tournament + SETTINGS.lag - 1)
        assert {job.operator for job in births[2:start]} == {"random"}
        assert sum(bool(job.parents) for job in births[start:]) > 0.8 * (len(births) - start)

    @pytest.mark.parametrize(("lag", "start"), [(1, 10), (6, 10), (7, 11), (20, 24)])
    @pytest.mark.parametrize("mode", ["aging", "nsga2", "lexicase"])
    def test_breeding_starts_after_two_tournaments_one_of_them_committed(
        self, directory: Path, lag: int, start: int, mode: Any
    ) -> None:
        settings = replace(SETTINGS, mode=mode, lag=lag, tournament=5, random_immigrant_probability=0.0)
        jobs, _ = jobs_of(directory, settings=settings)
        first = next(job for job in jobs if not job.is_birth or job.parents)
        assert first.number == start
        assert {parent for job in jobs[: start + 1] for parent in job.parents} <= {f"b{n}" for n in range(start)}

    def test_random_births_are_those_of_random_search(self, directory: Path) -> None:
        bred, _ = jobs_of(directory / "bred", settings=replace(SETTINGS, rescore_every=None))
        drawn, _ = jobs_of(directory / "drawn", settings=replace(SETTINGS, rescore_every=None, mode="random"))
        start = max(SETTINGS.initial_births, SETTINGS.tournament + SETTINGS.lag - 1)
        assert bred[:start] == drawn[:start]
        assert bred[start] != drawn[start]

    @pytest.mark.parametrize("mode", ["aging", "nsga2", "lexicase"])
    def test_the_best_of_the_population_takes_the_place_of_the_first_parent(self, directory: Path, mode: Any) -> None:
        settings = replace(
            SETTINGS,
            mode=mode,
            lag=1,
            population=BUDGET.births,
            leader_probability=1.0,
            crossover_probability=0.5,
            random_immigrant_probability=0.0,
            rescore_every=None,
        )
        jobs, state = jobs_of(directory, settings=settings)
        born = sorted(state.individuals.values(), key=lambda one: one.birth)
        first_parents = [(job, job.parents[0]) for job in jobs if job.parents]
        assert len(first_parents) > 20
        for job, parent in first_parents:
            leader = state.leader_of([one for one in born if one.birth < job.births_before])
            assert leader is not None
            assert parent == leader.id
        assert {len(job.parents) for job, _ in first_parents} == {1, 2}

    def test_all_founders_are_born_into_a_smaller_population(self, directory: Path) -> None:
        jobs, state = jobs_of(
            directory, settings=replace(SETTINGS, population=1, tournament=1), budget=Budget(births=9)
        )
        assert [job.operator.split(":")[0] for job in jobs[:2]] == ["founder", "founder"]
        assert len(state.population) == 1

    def test_every_fifth_job_scores_a_leader_on_a_fresh_replicate(self, directory: Path) -> None:
        jobs, state = jobs_of(directory)
        later = [job for job in jobs if job.number >= SETTINGS.tournament + SETTINGS.lag - 1]
        assert [job.number % 5 == 0 for job in later] == [not job.is_birth for job in later]
        rescored = Counter((job.key, job.replicate) for job in later if not job.is_birth)
        assert set(rescored.values()) == {1}
        assert all(replicate > 0 for _, replicate in rescored)
        assert max(state.results[key].num_replicates for key in state.ranked_keys(3)) > 1

    def test_leaders_take_turns(self, directory: Path) -> None:
        _, state = jobs_of(directory, settings=replace(SETTINGS, mode="random"), factory=ToyFactory(noise=0.0))
        counts = [state.num_replicates_planned[key] for key in state.ranked_keys(SETTINGS.rescore_top)]
        assert min(counts) > 1

    def test_no_rescoring_where_it_is_switched_off(self, directory: Path) -> None:
        jobs, _ = jobs_of(directory, settings=replace(SETTINGS, rescore_every=None))
        assert all(job.is_birth for job in jobs)

    def test_random_mode_never_breeds(self, directory: Path) -> None:
        jobs, _ = jobs_of(directory, settings=replace(SETTINGS, mode="random"))
        assert {job.operator for job in jobs if job.is_birth} == {"founder:zeros", "founder:ones", "random"}

    def test_duplicates_are_redrawn_while_there_is_something_new(self, directory: Path) -> None:
        jobs, _ = jobs_of(directory)
        keys = [job.key for job in jobs if job.is_birth]
        assert len(set(keys)) == len(keys)

    def test_a_job_reads_back_from_json(self, directory: Path) -> None:
        jobs, _ = jobs_of(directory)
        assert [Job.from_json(job.to_json()) for job in jobs] == jobs

    def test_offspring_that_break_rules_are_thrown_away_and_told_of(self, directory: Path) -> None:
        space = ToySpace()
        space.mutations = {**space.mutations, "spoil": (lambda genome, *, rng: (10, *genome[1:]), 3.0)}
        jobs, _ = jobs_of(directory, space=space)
        rejected = [sentence for job in jobs for sentence in job.rejected]
        assert any(sentence.startswith("spoil") and sentence.endswith("Digit 10 is no digit.") for sentence in rejected)
        assert all(not space.problems(space.from_json(job.genome)) for job in jobs)


class TestVariation:
    def test_operators_are_drawn_by_weight(self) -> None:
        space, rng = ToySpace(), np.random.default_rng(0)
        toolbox = toolbox_for(space, SETTINGS)
        drawn = Counter(toolbox.mutate((5,) * 10, rng=rng).operator for _ in range(3000))
        changed = drawn["nudge"] + drawn["redraw"] / 0.9
        assert drawn["nudge"] / changed == pytest.approx(2 / 3, abs=0.03)

    def test_number_of_mutations_is_geometric(self) -> None:
        settings = replace(SETTINGS, extra_mutation_probability=0.5)
        space, rng = ToySpace(), np.random.default_rng(0)
        space.mutations = {"redraw": (lambda genome, *, rng: (*genome,), 1.0)}
        toolbox = toolbox_for(space, settings)
        counts = Counter(vary([(5,) * 10], toolbox, settings, rng=rng).operator.count("redraw") for _ in range(2000))
        assert counts[1] / 2000 == pytest.approx(0.5, abs=0.05)
        assert counts[2] / 2000 == pytest.approx(0.25, abs=0.05)

    def test_the_order_in_which_operators_are_listed_does_not_matter(self, directory: Path) -> None:
        space = ToySpace()
        space.mutations = {"redraw": (redraw, 1.0), "nudge": (nudge, 2.0)}
        digests = []
        for name, each in (("a", ToySpace()), ("b", space)):
            with create(directory / name, space=each, budget=Budget(births=30)) as run:
                run.advance(ToyPool(ToyFactory()))
                digests.append(run.trajectory_digest)
        assert digests[0] == digests[1]


class TestBrokenSpaces:
    def test_no_mutations(self, directory: Path) -> None:
        space = ToySpace()
        space.mutations = {}
        with pytest.raises(SpaceError, match="has no mutations"):
            create(directory, space=space)

    @pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
    def test_weights(self, directory: Path, weight: float) -> None:
        space = ToySpace()
        space.mutations = {"nudge": (nudge, weight)}
        with pytest.raises(SpaceError, match=f"'nudge' has weight {weight!r}; weights have to be above 0"):
            create(directory, space=space)

    def test_invalid_founder(self, directory: Path) -> None:
        space = ToySpace()
        space.founders = lambda: [("eleven", (11,) * 10)]  # type: ignore[method-assign]
        with pytest.raises(SpaceError, match="Founder 'eleven' is invalid: Digit 11 is no digit"):
            create(directory, space=space)

    def test_invalid_random_genome(self, directory: Path) -> None:
        with (
            create(directory, space=ToySpace(highest=30)) as run,
            pytest.raises(SpaceError, match=r"A random genome .* no digit.*job 2, run seed 3"),
        ):
            run.advance(ToyPool(ToyFactory()))

    def test_an_operator_that_raises_is_named(self, directory: Path) -> None:
        def burst(genome: Any, *, rng: np.random.Generator) -> Any:
            raise KeyError("slot")

        space = ToySpace()
        space.mutations = {"burst": (burst, 1.0)}
        with (
            create(directory, space=space, budget=BUDGET) as run,
            pytest.raises(OperatorError, match=r"Mutation 'burst' raised KeyError\('slot'\) on \("),
        ):
            run.advance(ToyPool(ToyFactory()))
