"""Every individual by its objectives, and the front of those that none dominates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from evolve.individual import Individual
from experiments.report.figures.figure import BLUE, GREY, ORANGE, VERMILION, Figure, axis, objective_axis, plain
from experiments.runs.story import RunStory


def pareto(story: RunStory, *, chosen: Individual | None, max_points: int) -> Figure:
    """The first objective against the second one; against the birth where there is only one.

    Args:
        story: The run.
        chosen: Its winner, marked with a star.
        max_points: Most individuals drawn besides front and population; see ``drawn_individuals``.
    """
    state = story.state
    front, population = set(_keys(state.pareto_front)), set(_keys(state.population))
    drawn = drawn_individuals(story, max_points=max_points)
    groups = (
        ("others", [one for one in drawn if one.key not in front | population], GREY, "circle-open", 6),
        ("population", [one for one in drawn if one.key in population - front], BLUE, "circle", 8),
        ("Pareto front", [one for one in drawn if one.key in front], ORANGE, "diamond", 12),
        ("winner", [chosen] if chosen is not None else [], VERMILION, "star", 16),
    )
    has_two = len(state.objectives) > 1
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers" if label == "Pareto front" and has_two else "markers",
            "name": label,
            "x": [_place(story, one) for one in people],
            "y": [one.results.means[state.objectives[0].name] for one in people],
            "customdata": [one.id for one in people],
            "text": [plain(f"{one.id}: {story.view.summary(one.genome_json)}") for one in people],
            "marker": {"color": colour, "symbol": symbol, "size": size, "line": {"width": 1.2, "color": colour}},
            "line": {"color": colour, "width": 1, "dash": "dot"},
            "hovertemplate": "%{text}<br>%{y:.4g} at %{x:.4g}<extra></extra>",
        }
        for label, unordered, colour, symbol, size in groups
        if (people := sorted(unordered, key=lambda one: _place(story, one)))
    ]
    left_out = len(state.individuals) - len(drawn)
    return Figure(
        name="pareto",
        title="Pareto front" if has_two else "Individuals",
        caption=(
            f"Means of the {len(state.individuals)} scored genomes over their replicates"
            f"{f', {left_out} of them left out evenly' if left_out else ''}. Diamonds are dominated by nobody in the "
            "population and the hall of fame. Choose a point to see its genome, or a name in the table below."
        ),
        traces=traces,
        layout={
            "xaxis": objective_axis(state.objectives[1]) if has_two else axis("birth"),
            "yaxis": objective_axis(state.objectives[0]),
            "hovermode": "closest",
        },
        make_table=lambda: _table(story, drawn, front),
        listing=_table(story, state.pareto_front, front).drop(columns=["genome", "is_on_front"]),
    )


def drawn_individuals(story: RunStory, *, max_points: int) -> list[Individual]:
    """Front, population and hall of fame, and of the others every n-th birth, so that there are at most so many.

    n is a power of 2: those that were drawn stay drawn, until there are twice as many.
    """
    state = story.state
    always = {*_keys(state.pareto_front), *_keys(state.population), *_keys(state.hall_of_fame)}
    every = 1
    while len(state.individuals) > every * max_points:
        every *= 2
    drawn = [one for one in list(state.individuals.values())[::every] if one.key not in always]
    return [state.individuals[key] for key in sorted(always)] + drawn


def _keys(individuals: Sequence[Individual]) -> list[str]:
    return [one.key for one in individuals]


def _place(story: RunStory, one: Individual) -> float:
    objectives = story.state.objectives
    return one.results.means[objectives[1].name] if len(objectives) > 1 else float(one.birth)


def _table(story: RunStory, drawn: Sequence[Individual], front: set[str]) -> pd.DataFrame:
    names = [objective.name for objective in story.state.objectives]
    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "birth": one.birth,
            "operator": one.operator,
            **one.results.means,
            "standard_error": one.results.standard_error,
            "num_replicates": one.results.num_replicates,
            "is_on_front": one.key in front,
            "summary": story.view.summary(one.genome_json),
            "genome": one.genome_json,
        }
        for one in sorted(drawn, key=lambda one: one.birth)
    ]
    columns = ["id", "birth", "operator", *names, "standard_error", "num_replicates", "is_on_front", "summary"]
    return pd.DataFrame(rows, columns=[*columns, "genome"])
