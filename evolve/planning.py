"""What to do next: job j as a function of the run's seed and the state after commits 0..j-lag.

The caller asks at exactly that moment (``is_due``), so that the answer does not depend on which results came in first,
on how many workers there are, or on whether the run was resumed. A plan is never bounded by the budget: the budget only
says how many of the jobs are carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from evolve.errors import SettingsError, SpaceError
from evolve.individual import Individual
from evolve.jobs import SEARCH_PANEL, Job
from evolve.score_model import ScoreModel
from evolve.seeding import generator
from evolve.settings import SearchSettings
from evolve.space import FeaturedSpace, SearchSpace, StagedSpace
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
            SettingsError: A model is to learn from genomes that have no features.
            SpaceError: There is no mutation, a weight is not positive, or a founder is invalid.
        """
        if not space.mutations:
            raise SpaceError("The search space has no mutations; the engine needs at least one.")
        refinements = space.refinements if isinstance(space, StagedSpace) else {}
        for operators in (space.mutations, space.crossovers, refinements):
            for name, (_, weight) in sorted(operators.items()):
                if not weight > 0:
                    raise SpaceError(f"Operator {name!r} has weight {weight!r}; weights have to be above 0.")
        if settings.model != "none" and not isinstance(space, FeaturedSpace):
            raise SettingsError(
                f"search.model is {settings.model!r}, and genomes of this kind of experiment have no description in "
                "numbers that a model could learn from; use 'none'."
            )
        self._space = space
        self._stages = settings.stages
        self._seed = seed
        self._toolbox = toolbox_for(space, settings)
        self.model = ScoreModel(space)
        self._founders = [(f"founder:{name}", genome) for name, genome in space.founders()]
        self._founders += [(f"inherited:{name}", space.from_json(genome)) for name, genome in inherited]
        for name, genome in self._founders:
            if problems := space.problems(genome):
                name = name.partition(":")[2]
                raise SpaceError(f"Founder {name!r} is invalid: {' '.join(problems)} Fix or leave out this founder.")

    def is_due(self, state: RunState) -> bool:
        """Whether the next job has to be planned from the state as it is now."""
        return state.num_planned < state.num_commits + state.settings.lag and not state.awaits_stage

    def next_stage(self, state: RunState) -> dict[str, Any]:
        """The payload of the event that begins the next stage, once the present one has committed all of its jobs.

        The best of the present stage are handed on in turns, one of each kind: who differs from a better one in nothing
        that has a name (members, methods) is passed over. What the stage could not see is drawn for each.
        """
        stage = self._stages[state.stage]
        of_kind: dict[tuple[str, ...], Individual] = {}
        for key in state.ranked_keys(len(state.individuals)):
            described = self._space.describe(self._space.from_json(state.individuals[key].genome_json))
            kind = tuple(value for value in described.values() if isinstance(value, str))
            of_kind.setdefault(kind or (key,), state.individuals[key])
        best = list(of_kind.values())[: stage.parents]
        founders = []
        for number in range(stage.founders if best else 0):
            parent = best[number % len(best)]
            rng = generator(self._seed, "complete", state.stage, number)
            genome = self._toolbox.complete(self._space.from_json(parent.genome_json), rng=rng)
            founders.append([parent.id, self._space.to_json(genome)])
        return {"number": state.stage + 1, "founders": founders}

    def next_job(self, state: RunState) -> Job:
        """The job with number ``state.num_planned``."""
        settings = state.settings
        births = state.num_births_planned - state.births_before_stage
        if state.stage == 0 and births < len(self._founders):
            name, genome = self._founders[births]
            return self._birth(state, self._seen(state, Offspring(genome, name)))
        if births < len(state.founders):
            parent, text = state.founders[births]
            return self._birth(state, Offspring(self._space.from_json(text), "stage"), parents=(parent,))
        if settings.rungs > 1:
            key = state.rungs.next_key(state.num_replicates_planned)
            if key is not None:
                return self._another_replicate(state, key, kind="promote")
        if state.founders:
            is_opening = not state.num_births_of_stage
        else:
            is_opening = births < settings.initial_births or state.num_births < settings.tournament
        if is_opening:
            return self._random_birth(state)
        every = settings.rescore_every
        if every is not None and state.num_planned % every == 0:
            key = self._to_rescore(state)
            if key is not None:
                return self._another_replicate(state, key, kind="rescore")
        return self._bred_birth(state)

    def _to_rescore(self, state: RunState) -> str | None:
        """Of the leaders the one with the fewest replicates, planned ones included; the better one on ties."""
        leaders = [
            key
            for key in state.ranked_keys(state.settings.rescore_top)
            if not state.is_quarantined(key) and (key, self._next_replicate(state, key)) not in state.requests
        ]
        return min(leaders, key=lambda key: state.num_replicates_planned[key], default=None)

    def _next_replicate(self, state: RunState, key: str) -> int:
        """The replicate that somebody would be scored on next: the draw of this batch, or the first one unknown."""
        if state.settings.draws == "fresh":
            return state.num_planned // state.settings.batch
        return state.num_replicates_planned.get(key, 0)

    def _another_replicate(self, state: RunState, key: str, *, kind: Literal["rescore", "promote"]) -> Job:
        replicate = self._next_replicate(state, key)
        return Job(
            number=state.num_planned,
            kind=kind,
            key=key,
            genome=state.individuals[key].genome_json,
            replicate=replicate,
            source=None,
            is_remembered=self._is_remembered(state, key, replicate),
            births_before=state.num_births_planned,
            evaluations_before=state.num_evaluations_planned,
            panel=state.panel,
        )

    def _bred_birth(self, state: RunState) -> Job:
        rng = generator(self._seed, "select", state.num_planned)
        if rng.random() < state.settings.random_immigrant_probability:
            return self._random_birth(state)
        has_crossover = bool(self._space.crossovers) and rng.random() < state.settings.crossover_probability
        island = state.islands.of_birth(state.num_births_planned)
        parents = self._toolbox.select(island, 2 if has_crossover else 1, rng=rng)
        if not parents:
            return self._random_birth(state)
        if rng.random() < state.settings.leader_probability:
            parents[0] = state.leader_of(island.population) or parents[0]
        genomes = [self._space.from_json(parent.genome_json) for parent in parents]
        ids = tuple(dict.fromkeys(parent.id for parent in parents))
        rng = generator(self._seed, "vary", state.num_planned)
        rejected: list[str] = []
        children: list[Offspring] = []
        wanted = state.settings.candidates if state.learnt else 1
        num_attempts = 0
        while len(children) < wanted and num_attempts < wanted * state.settings.max_attempts:
            num_attempts += 1
            child = vary(genomes, self._toolbox, state.settings, rng=rng, is_after_stage=state.stage > 0)
            offspring = self._seen(state, child)
            if not offspring.operator:
                continue
            if problems := self._space.problems(offspring.genome):
                rejected.append(f"{offspring.operator}: {problems[0]}")
            elif self._is_new(state, offspring):
                children.append(offspring)
        if not children:
            return self._random_birth(state, rejected, num_attempts=num_attempts)
        chosen = self._most_promising(children, state, rng=rng)
        return self._birth(state, chosen, parents=ids, num_attempts=num_attempts, rejected=rejected)

    def _most_promising(self, children: Sequence[Offspring], state: RunState, *, rng: np.random.Generator) -> Offspring:
        if len(children) == 1:
            return children[0]
        return children[int(self.model.promise([child.genome for child in children], state, rng=rng).argmax())]

    def _random_birth(self, state: RunState, rejected: Sequence[str] = (), *, num_attempts: int = 0) -> Job:
        """A random genome, drawn anew while it was seen before; in the end a duplicate is taken."""
        rng = generator(self._seed, "random", state.num_planned)
        for _ in range(state.settings.max_attempts):
            num_attempts += 1
            offspring = self._seen(state, Offspring(self._toolbox.random(rng=rng), "random"))
            if problems := self._space.problems(offspring.genome):
                raise SpaceError(
                    f"A random genome of the search space is invalid: {' '.join(problems)} "
                    f"(job {state.num_planned!r}, run seed {self._seed!r}). Fix the space's random()."
                )
            if self._is_new(state, offspring):
                break
        return self._birth(state, offspring, num_attempts=num_attempts, rejected=rejected)

    def _is_remembered(self, state: RunState, key: str, replicate: int) -> bool:
        return state.panel == SEARCH_PANEL and (key, replicate) in state.memo

    def _seen(self, state: RunState, offspring: Offspring) -> Offspring:
        """The offspring as the present stage sees it."""
        if state.panel == SEARCH_PANEL:
            return offspring
        return replace(offspring, genome=self._toolbox.reduce(offspring.genome))

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
        replicate = state.replicates.get(key)
        if replicate is None:
            replicate = state.memo_replicates.get(key, self._next_replicate(state, key))
        source = state.sharable(key, replicate)
        return Job(
            number=state.num_planned,
            kind="birth",
            key=key,
            genome=self._space.to_json(offspring.genome),
            replicate=replicate,
            source=source,
            is_remembered=source is None and self._is_remembered(state, key, replicate),
            births_before=state.num_births_planned,
            evaluations_before=state.num_evaluations_planned,
            parents=parents,
            operator=offspring.operator,
            num_attempts=num_attempts,
            rejected=tuple(rejected),
            panel=state.panel,
        )
