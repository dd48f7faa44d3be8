"""From a population to offspring: selection and the operators of a space in a DEAP toolbox, drawn by weight.

Offspring that break a rule of the space are thrown away here and reported; nothing invalid is ever evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import base

from evolve.errors import OperatorError
from evolve.selection import operator_for
from evolve.settings import SearchSettings
from evolve.space import InheritingSpace, SearchSpace, StagedSpace


@dataclass(frozen=True, slots=True)
class Offspring:
    """A genome and what bred it; ``operator`` is empty where no operator found anything to change."""

    genome: Any
    operator: str


def toolbox_for(space: SearchSpace[Any], settings: SearchSettings) -> base.Toolbox:
    """The toolbox that births are planned with; whoever hands jobs to an evaluator has another (evolve/workers/).

    ``select(island, k, rng=)`` gives k parents, chosen by the island's mode or by ``settings.select``.
    ``mate(genome, other, rng=)`` and ``mutate(genome, rng=)`` draw an operator by weight and give an ``Offspring``.
    ``random(rng=)`` gives a genome, and ``inherit(child, parent)`` the child as it is to be evaluated. For stages
    ``reduce(genome)`` and ``complete(genome, rng=)`` are what ``StagedSpace`` says, and ``refine(genome, rng=)`` takes
    the place of ``mutate`` after one.

    Raises:
        SettingsError: ``settings.select`` names no function.
    """
    operator = operator_for(settings)
    refinements = space.refinements if isinstance(space, StagedSpace) else space.mutations
    toolbox = base.Toolbox()
    toolbox.register("select", lambda island, k, *, rng: island.parents(k, rng=rng, select=operator))
    toolbox.register("random", space.random)
    toolbox.register("mate", _apply_one, space.crossovers, "Crossover")
    toolbox.register("mutate", _apply_one, space.mutations, "Mutation")
    toolbox.register("refine", _apply_one, refinements, "Mutation")
    toolbox.register("reduce", space.reduced if isinstance(space, StagedSpace) else lambda genome: genome)
    toolbox.register("complete", space.completed if isinstance(space, StagedSpace) else lambda genome, rng: genome)
    toolbox.register("inherit", space.inherit if isinstance(space, InheritingSpace) else lambda child, parent: child)
    return toolbox


def vary(
    parents: Sequence[Any],
    toolbox: base.Toolbox,
    settings: SearchSettings,
    *,
    rng: np.random.Generator,
    is_after_stage: bool = False,
) -> Offspring:
    """Crossover where there are two parents, then one mutation and a geometric number of further ones."""
    mutate = toolbox.refine if is_after_stage else toolbox.mutate
    genome, names = parents[0], []
    if len(parents) > 1:
        step = toolbox.mate(genome, parents[1], rng=rng)
        genome, names = step.genome, [step.operator]
    while True:
        step = mutate(genome, rng=rng)
        genome = step.genome
        names.append(step.operator)
        if rng.random() >= settings.extra_mutation_probability:
            if genome is not parents[0]:
                genome = toolbox.inherit(genome, parents[0])
            return Offspring(genome, "+".join(name for name in names if name))


def _apply_one(
    operators: Mapping[str, tuple[Callable[..., Any], float]],
    kind: str,
    *genomes: Any,
    rng: np.random.Generator,
) -> Offspring:
    # Sorted, so that the order in which a space lists its operators does not matter.
    names = sorted(operators)
    weights = np.array([operators[name][1] for name in names], dtype=float)
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    try:
        changed = operators[name][0](*genomes, rng=rng)
    except Exception as error:
        raise OperatorError(
            f"{kind} {name!r} raised {error!r} on {genomes!r}. Operators have to give a valid genome, or the one they "
            "were given where there is nothing to change; fix it and resume the run."
        ) from error
    return Offspring(changed, "" if changed is genomes[0] else name)
