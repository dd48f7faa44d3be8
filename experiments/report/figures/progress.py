"""The best and the median of the leading objective against evaluations, of one run or of several."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.report.figures.figure import DASHES, SERIES, Figure, axis, objective_axis, plain, translucent
from experiments.runs.story import RunStory

_Z = 1.96  # Two-sided 95 %.


def progress(stories: Mapping[str, RunStory]) -> Figure:
    """One line per run for the incumbent with its 95 % interval; the population's median where there is one run.

    Args:
        stories: Runs by label, the first one leads: its objective is drawn, runs of another one are left out.
    """
    objective = next(iter(stories.values())).state.objectives[0]
    shown = {label: one for label, one in stories.items() if one.state.objectives[0] == objective}
    traces: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for place, (label, story) in enumerate(shown.items()):
        traces += _best(label, story, rows, place=place)
        if place == 0:
            traces += _population(label, story, rows)
    left_out = [label for label in stories if label not in shown]
    return Figure(
        name="progress",
        title=f"Best and median {objective.name.replace('_', ' ')}",
        caption=(
            "Steps: the individual with the best lower confidence bound so far, its mean over replicates and the 95 % "
            "interval of that mean over prompts (1.96 standard errors). It may fall when a leader is scored again on "
            "fresh prompts. Dotted: the median of the population, with its quartiles."
            + (f" Led by another objective and not drawn: {', '.join(left_out)}." if left_out else "")
        ),
        traces=traces,
        layout={"xaxis": axis("evaluations", rangemode="tozero"), "yaxis": objective_axis(objective)},
        make_table=lambda: pd.DataFrame(
            rows, columns=["run", "series", "evaluations", "births", "seconds", "id", "value", "low", "high"]
        ),
    )


def _best(label: str, story: RunStory, rows: list[dict[str, Any]], *, place: int) -> list[dict[str, Any]]:
    points = [
        (one.evaluations, one.mean, _Z * one.standard_error if math.isfinite(one.standard_error) else 0.0, one)
        for one in story.best
    ]
    if not points:
        return []
    rows += [
        {
            "run": label,
            "series": "best",
            "evaluations": evaluations,
            "births": one.births,
            "seconds": round(one.elapsed_seconds, 3),
            "id": one.id,
            "value": mean,
            "low": mean - margin,
            "high": mean + margin,
        }
        for evaluations, mean, margin, one in points
    ]
    points.append((max(story.state.num_evaluations, points[-1][0]), *points[-1][1:]))  # The last step reaches today.
    xs = [evaluations for evaluations, *_ in points]
    colour, dash = SERIES[place % len(SERIES)], DASHES[place % len(DASHES)]
    return [
        *_band(xs, [m - e for _, m, e, _ in points], [m + e for _, m, e, _ in points], colour, shape="hv"),
        {
            "type": "scatter",
            "mode": "lines",
            "name": plain(f"{label}: best"),
            "x": xs,
            "y": [mean for _, mean, _, _ in points],
            "customdata": [one.id for *_, one in points],
            "line": {"shape": "hv", "color": colour, "width": 2.5, "dash": dash},
            "hovertemplate": "%{y:.4g} after %{x} evaluations (%{customdata})<extra></extra>",
        },
    ]


def _population(label: str, story: RunStory, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    samples = story.samples.points
    if not samples:
        return []
    rows += [
        {
            "run": label,
            "series": "population median and quartiles",
            "evaluations": one.evaluations,
            "value": one.median,
            "low": one.lower_quartile,
            "high": one.upper_quartile,
        }
        for one in samples
    ]
    xs = [one.evaluations for one in samples]
    lows, highs = [one.lower_quartile for one in samples], [one.upper_quartile for one in samples]
    return [
        *_band(xs, lows, highs, SERIES[2], shape="linear"),
        {
            "type": "scatter",
            "mode": "lines",
            "name": plain(f"{label}: population median"),
            "x": xs,
            "y": [one.median for one in samples],
            "line": {"color": SERIES[2], "width": 2, "dash": "dot"},
            "hovertemplate": "median %{y:.4g} after %{x} evaluations<extra></extra>",
        },
    ]


def _band(xs: list[int], lows: list[float], highs: list[float], colour: str, *, shape: str) -> list[dict[str, Any]]:
    hidden = {"type": "scatter", "mode": "lines", "x": xs, "hoverinfo": "skip", "showlegend": False}
    line = {"width": 0, "shape": shape}
    return [
        {**hidden, "y": lows, "line": line},
        {**hidden, "y": highs, "line": line, "fill": "tonexty", "fillcolor": translucent(colour, 0.18)},
    ]
