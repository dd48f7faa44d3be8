"""How an individual came about: its ancestors back to founders and random genomes, with what each step gained."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evolve.individual import Individual
from experiments.report.figures.figure import BLUE, GREY, ORANGE, VERMILION, Figure, axis, objective_axis, plain
from experiments.runs.story import Birth, RunStory

_MOST_ANCESTORS = 150


def ancestors(story: RunStory, individual: Individual, *, most: int = _MOST_ANCESTORS) -> list[Birth]:
    """The births an individual descends from, itself included, by number; the nearest ones where there are too many."""
    found: dict[str, Birth] = {}
    waiting = [individual.birth]
    while waiting and len(found) < most:
        birth = story.births[waiting.pop(0)]
        if birth.id not in found:
            found[birth.id] = birth
            waiting += [int(parent[1:]) for parent in birth.parents if int(parent[1:]) < len(story.births)]
    return sorted(found.values(), key=lambda birth: birth.number)


def lineage(story: RunStory, individual: Individual | None) -> Figure:
    """Ancestors by birth and leading objective, each joined to its parents; of nobody where there is no individual."""
    objective = story.state.objectives[0]
    births = ancestors(story, individual) if individual is not None else []
    rows = [_row(story, birth) for birth in births]
    marks = [row for row in rows if row["value"] is not None]
    place = {row["id"]: (row["birth"], row["value"]) for row in marks}
    pairs = [(parent, birth.id) for birth in births for parent in birth.parents]
    steps = [(place[parent], place[child]) for parent, child in pairs if parent in place and child in place]
    traces: list[dict[str, Any]] = []
    if steps:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [x for start, end in steps for x in (start[0], end[0], None)],
                "y": [y for start, end in steps for y in (start[1], end[1], None)],
                "line": {"color": GREY, "width": 1.2},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
    last = "" if individual is None else individual.id
    kinds = (
        ("winner", VERMILION, "star", 16),
        ("founder or random", GREY, "square", 10),
        ("by mutation", BLUE, "circle", 10),
        ("by crossover", ORANGE, "diamond", 10),
    )
    for label, colour, symbol, size in kinds:
        if group := [row for row in marks if _kind(row, last) == label]:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label,
                    "x": [row["birth"] for row in group],
                    "y": [row["value"] for row in group],
                    "customdata": [row["id"] for row in group],
                    "text": [plain(f"{row['id']} by {row['operator']}: {row['summary']}") for row in group],
                    "marker": {"color": colour, "symbol": symbol, "size": size},
                    "hovertemplate": "%{text}<br>%{y:.4g}<extra></extra>",
                }
            )
    table = pd.DataFrame(rows, columns=["id", "birth", "operator", "parents", "value", "gain", "summary"])
    return Figure(
        name="lineage",
        title="How it came about",
        caption=(
            "The winner (star) and its ancestors by birth, with the mean that each has now. “gain” in the table is "
            "what the step gained over the better parent when it was born, turned so that more is better; first "
            "scores are noisy, so single steps are not to be trusted."
        ),
        traces=traces if steps else [],
        layout={"xaxis": axis("birth"), "yaxis": objective_axis(objective), "hovermode": "closest"},
        make_table=lambda: table,
        nothing="Nothing scored yet." if individual is None else "It has no ancestors: nothing was changed to get it.",
        listing=table,
    )


def _row(story: RunStory, birth: Birth) -> dict[str, Any]:
    means = birth.results.means
    return {
        "id": birth.id,
        "birth": birth.number,
        "operator": birth.operator,
        "parents": " ".join(birth.parents),
        "num_parents": len(birth.parents),
        "value": means.get(story.state.objectives[0].name),
        "gain": birth.gain,
        "summary": story.view.summary(birth.genome),
    }


def _kind(row: dict[str, Any], winner: str) -> str:
    if row["id"] == winner:
        return "winner"
    return ("founder or random", "by mutation", "by crossover")[min(row["num_parents"], 2)]
