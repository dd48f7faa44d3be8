"""What to do next: job j as a function of the run's seed and the state after commits 0..j-lag.

The caller asks at exactly that moment (``is_due``), so that the answer does not depend on which results came in first,
on how many workers there are, or on whether the run was resumed. A plan is never bounded by the budget: the budget only
says how many of the jobs are carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from evolve.errors import SpaceError
from evolve.jobs import Job
from evolve.seeding import generator
from evolve.settings import SearchSettings
from evolve.space import SearchSpace
from evolve.state import RunState
from evolve.variation import Offspring, toolbox_for, vary


class Planner:
    """Plans the jobs of one run."""

    def __init__(
        self,
        space: SearchSpace[Any],
        settings: SearchSettings,
        *,
        seed: int,
        inherited: Sequence[tuple[str, str]] = (),
    ) -> None:
        """For a space with its founders; all of them are born, however small the population.

        Args:
            inherited: Further founders, from the run that this one was forked from: name and canonical JSON.

        Raises:
            SpaceError: There is no mutation, a weight is not positive, or a founder is invalid.
        """
        if not space.mutations:
            raise SpaceError("The search space has no mutations; the engine needs at least one.")
        for name, (_, weight) in sorted({**space.mutations, **space.crossovers}.items()):
            if not weight > 0:
                raise SpaceError(f"Operator {name!r} has weight {weight!r}; weights have to be above 0.")
        self._space = space
        self._settings = settings
        self._seed = seed
        self._toolbox = toolbox_for(space, settings)
        self._founders = [(f"founder:{name}", genome) for name, genome in space.founders()]
        self._founders += [(f"inherited:{name}", space.from_json(genome)) for name, genome in inherited]
        for name, genome in self._founders:
            if problems := space.problems(genome):
                name = name.partition(":")[2]
                raise SpaceError(f"Founder {name!r} is invalid: {' '.join(problems)} Fix or leave out this founder.")

    def is_due(self, state: RunState) -> bool:
        """Whether the next job has to be planned from the state as it is now."""
        return state.num_planned < state.num_commits + self._settings.lag

    def next_job(self, state: RunState) -> Job:
        """The job with number ``state.num_planned``."""
        births = state.num_births_planned
        if births < len(self._founders):
            name, genome = self._founders[births]
            return self._birth(state, Offspring(genome, name))
        if self._settings.rungs > 1:
            key = state.rungs.next_key(state.num_replicates_planned)
            if key is not None:
                return self._another_replicate(state, key, kind="promote")
        if births < self._settings.initial_births or state.num_births < self._settings.tournament:
            return self._random_birth(state)
        every = self._settings.rescore_every
        if every is not None and state.num_planned % every == 0:
            key = self._to_rescore(state)
            if key is not None:
                return self._another_replicate(state, key, kind="rescore")
        return self._bred_birth(state)

    def _to_rescore(self, state: RunState) -> str | None:
        """Of the leaders the one with the fewest replicates, planned ones included; the better one on ties."""
        leaders = [key for key in state.ranked_keys(self._settings.rescore_top) if not state.is_quarantined(key)]
        return min(leaders, key=lambda key: state.num_replicates_planned[key], default=None)

    def _another_replicate(self, state: RunState, key: str, *, kind: Literal["rescore", "promote"]) -> Job:
        replicate = state.num_replicates_planned[key]
        return Job(
            number=state.num_planned,
            kind=kind,
            key=key,
            genome=state.individuals[key].genome_json,
            replicate=replicate,
            source=None,
            is_remembered=(key, replicate) in state.memo,
            births_before=state.num_births_planned,
            evaluations_before=state.num_evaluations_planned,
        )

    def _bred_birth(self, state: RunState) -> Job:
        rng = generator(self._seed, "select", state.num_planned)
        if rng.random() < self._settings.random_immigrant_probability:
            return self._random_birth(state)
        has_crossover = bool(self._space.crossovers) and rng.random() < self._settings.crossover_probability
        island = state.islands.of_birth(state.num_births_planned)
        parents = self._toolbox.select(island, 2 if has_crossover else 1, rng=rng)
        if not parents:
            return self._random_birth(state)
        if rng.random() < self._settings.leader_probability:
            parents[0] = state.leader_of(island.population) or parents[0]
        genomes = [self._space.from_json(parent.genome_json) for parent in parents]
        ids = tuple(dict.fromkeys(parent.id for parent in parents))
        rng = generator(self._seed, "vary", state.num_planned)
        rejected: list[str] = []
        for attempt in range(1, self._settings.max_attempts + 1):
            offspring = vary(genomes, self._toolbox, self._settings, rng=rng)
            if not offspring.operator:
                continue
            if problems := self._space.problems(offspring.genome):
                rejected.append(f"{offspring.operator}: {problems[0]}")
            elif self._is_new(state, offspring):
                return self._birth(state, offspring, parents=ids, num_attempts=attempt, rejected=rejected)
        return self._random_birth(state, rejected, num_attempts=self._settings.max_attempts)

    def _random_birth(self, state: RunState, rejected: Sequence[str] = (), *, num_attempts: int = 0) -> Job:
        """A random genome, drawn anew while it was seen before; in the end a duplicate is taken."""
        rng = generator(self._seed, "random", state.num_planned)
        for _ in range(self._settings.max_attempts):
            num_attempts += 1
            offspring = Offspring(self._toolbox.random(rng=rng), "random")
            if problems := self._space.problems(offspring.genome):
                raise SpaceError(
                    f"A random genome of the search space is invalid: {' '.join(problems)} "
                    f"(job {state.num_planned!r}, run seed {self._seed!r}). Fix the space's random()."
                )
            if self._is_new(state, offspring):
                break
        return self._birth(state, offspring, num_attempts=num_attempts, rejected=rejected)

    def _is_new(self, state: RunState, offspring: Offspring) -> bool:
        return self._space.key(offspring.genome) not in state.num_replicates_planned

    def _birth(
        self,
        state: RunState,
        offspring: Offspring,
        *,
        parents: tuple[str, ...] = (),
        num_attempts: int = 1,
        rejected: Sequence[str] = (),
    ) -> Job:
        key = self._space.key(offspring.genome)
        source = state.sharable(key, 0)
        return Job(
            number=state.num_planned,
            kind="birth",
            key=key,
            genome=self._space.to_json(offspring.genome),
            replicate=0,
            source=source,
            is_remembered=source is None and (key, 0) in state.memo,
            births_before=state.num_births_planned,
            evaluations_before=state.num_evaluations_planned,
            parents=parents,
            operator=offspring.operator,
            num_attempts=num_attempts,
            rejected=tuple(rejected),
        )
