"""Measuring the Pareto front of a run: who is on it, which of them are measured, and who holds on new prompts.

Who is on the front is decided on search prompts (``RunState.pareto_front``). Its members are measured anew on the
validation prompts, so that nobody shines by luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evolve.individual import Individual
from experiments.problems.compositions.front import Front, FrontMember
from experiments.problems.compositions.measuring import Measuring
from experiments.problems.compositions.view import CompositionView
from fitness.panels import interval_of
from fitness.result import Objective


def measured_front(measuring: Measuring, *, winner: str) -> Front | None:
    """The front of a run that selected on two or more objectives; None of any other, or where none is asked for.

    Members that cannot be scored on the validation prompts are left out.

    Args:
        measuring: Measures; its run is at the end of its budget.
        winner: Canonical JSON of the genome that the final comparison chose.
    """
    run, prepared = measuring.run, measuring.prepared
    objectives, report = prepared.factory.objectives, prepared.config.report
    if len(objectives) < 2 or not report.front_members:
        return None
    found = run.state.pareto_front
    chosen = thinned(found, count=report.front_members)
    view, members = CompositionView(), []
    tests = measuring.on_panel([one.genome_json for one in chosen], "validation", what="Pareto front")
    for one, test in zip(chosen, tests, strict=True):
        if not test.is_ok:
            continue
        validation = {
            objective.name: interval_of(
                [test], objective.name, resamples=report.bootstrap_resamples, seed=prepared.config.seed
            )
            for objective in objectives
        }
        is_winner = one.genome_json == winner
        structure = view.summary(one.genome_json)
        members.append(
            FrontMember(one.key, one.id, structure, one.results.means, validation, False, is_winner, one.genome_json)
        )
    return Front(objectives, tuple(_judged(members, objectives)), len(found))


def thinned(front: Sequence[Individual], *, count: int) -> list[Individual]:
    """At most ``count`` individuals that span a front: the best in each objective, then always the farthest from all.

    Distances are Euclidean, each objective scaled to its range over the front; ties go to the smaller key.
    """
    people = sorted(front, key=lambda one: one.key)
    if len(people) <= count:
        return people
    values = np.array([one.fitness.wvalues for one in people])
    spread = np.ptp(values, axis=0)
    values = values / np.where(spread > 0, spread, 1.0)
    chosen = list(dict.fromkeys(int(place) for place in values.argmax(axis=0)))[:count]
    while len(chosen) < count:
        distances = np.linalg.norm(values[:, None] - values[chosen], axis=2).min(axis=1)
        chosen.append(int(distances.argmax()))
    return [people[place] for place in sorted(chosen)]


def _judged(members: Sequence[FrontMember], objectives: Sequence[Objective]) -> list[FrontMember]:
    values = np.array(
        [[objective.sign * one.validation[objective.name].value for objective in objectives] for one in members]
    ).reshape(len(members), len(objectives))
    judged = []
    for one, own in zip(members, values, strict=True):
        dominating = (values >= own).all(axis=1) & (values > own).any(axis=1)
        judged.append(replace(one, is_dominated=bool(dominating.any())))
    leading = objectives[0]
    return sorted(judged, key=lambda one: (-leading.sign * one.validation[leading.name].value, one.key))
