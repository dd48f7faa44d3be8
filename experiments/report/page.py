"""The report: one HTML file that needs nothing else, and a folder of CSV files with the numbers behind its figures.

What is drawn comes from figures/, what is compared from the problem's headline; here it is put on the page, escaped.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from evolve.individual import Individual
from evolve.log_reading import DATABASE
from experiments.files import write_text
from experiments.problems.compositions.answers import read_answers
from experiments.problems.run_files import RANDOM_SEARCH_DIRECTORY
from experiments.problems.views import Headline
from experiments.report.answer_choice import active_guards, answers_table, chosen_prompts, shown_labels
from experiments.report.cards import card
from experiments.report.figures import (
    Figure,
    ancestors,
    diversity,
    drawn_individuals,
    failures,
    importance,
    lineage,
    operators,
    pareto,
    progress,
    usage,
    utilisation,
)
from experiments.report.tables import table_cells
from experiments.report.web_files import plotly_source, web_source
from experiments.runs.standing import standing_of
from experiments.runs.story import RunStory, Work

REPORT_FILE = "report.html"

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
_MOST_POINTS = 400
_MOST_PICTURES = 80


def write_report(directory: Path, *, to: Path | None = None) -> Path:
    """Write the report of a run as it is now, and its data beside it in ``<name>_data/``.

    Args:
        directory: The run directory; the run may be in progress, finished, failed or without a single result.
        to: The file; ``report.html`` in the run directory without.

    Returns:
        The file that was written.

    Raises:
        RunMissingError: There is no run in the directory.
        RunCorruptError: Its log is damaged.
    """
    path = to or directory / REPORT_FILE
    with ExitStack() as stack:
        story = stack.enter_context(RunStory(directory))
        story.advance()
        rival = None
        if (directory / RANDOM_SEARCH_DIRECTORY / DATABASE).exists():
            rival = stack.enter_context(RunStory(directory / RANDOM_SEARCH_DIRECTORY))
            rival.advance()
        headline = story.headline()
        chosen = _chosen(story, headline)
        figures = _figures(story, rival, chosen, headline)
        html = _html(story, figures, headline=headline, chosen=chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = {figure.name: figure.table for figure in figures}
    if headline is not None:
        tables["headline"] = headline.table
    if prompts := read_answers(directory):
        tables["answers"] = answers_table(prompts)
    _write_tables(path.with_name(f"{path.stem}_data"), tables)
    write_text(path, html)
    return path


def inline_json(document: Any) -> Markup:
    """JSON that may stand inside a script element: no text in it can end the element or begin a comment."""
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _chosen(story: RunStory, headline: Headline | None) -> Individual | None:
    if headline is not None and headline.winner_genome is not None:
        winner = story.with_genome(headline.winner_genome)
        if winner is not None:
            return winner
    return story.state.incumbent


def _figures(
    story: RunStory, rival: RunStory | None, chosen: Individual | None, headline: Headline | None
) -> list[Figure]:
    stories = {"evolution": story} | ({"random search": rival} if rival is not None else {})
    work = list(story.work)
    if rival is not None:
        work += [Work(one.worker, one.start, one.end, "random search", one.label) for one in rival.work]
    return [
        progress(stories),
        pareto(story, chosen=chosen, max_points=_MOST_POINTS),
        lineage(story, chosen),
        importance([] if headline is None else headline.importances),
        operators(story),
        diversity(story),
        *usage(story),
        utilisation(work),
        failures(story),
    ]


def _html(story: RunStory, figures: Sequence[Figure], *, headline: Headline | None, chosen: Individual | None) -> str:
    scripts = [plotly_source(), web_source("figures.js"), web_source("report.js")]
    hashes = " ".join(f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    prompts = read_answers(story.directory)
    state = story.state
    standing = standing_of(story, has_results=headline is not None)
    picture = None if chosen is None else story.view.picture(chosen.genome_json, title=f"Individual {chosen.id}")
    environment = Environment(loader=PackageLoader("experiments.report", "web"), autoescape=True)
    return environment.get_template("report.html.j2").render(
        name=story.name,
        policy=f"{_POLICY}; script-src {hashes}",
        style=Markup(web_source("style.css")),
        state=standing.state,
        explanation=standing.explanation,
        facts=standing.facts,
        headline=None if headline is None else _shown_headline(headline),
        drawing=None if picture is None else Markup(picture),
        winner_title="The winner" if headline is not None else "The best so far",
        winner_id=None if chosen is None else chosen.id,
        winner_summary=None if chosen is None else f"{chosen.id}: {story.view.summary(chosen.genome_json)}",
        figures=[_shown(figure) for figure in figures],
        groups=chosen_prompts(prompts),
        labels=shown_labels(prompts),
        guards=active_guards,
        num_answers=max((len(answers) for one in prompts[:1] for answers in one.answers.values()), default=0),
        answers=_downloadable("answers", answers_table(prompts)),
        directory=str(story.directory),
        num_events=story.num_events,
        digest=state.digest,
        seed=story.log.meta["seed"],
        data=inline_json(
            {
                "figures": [figure.spec() for figure in figures],
                "cards": _cards(story, chosen),
            }
        ),
        scripts=[Markup(text) for text in scripts],
    )


def _cards(story: RunStory, chosen: Individual | None) -> dict[str, Any]:
    """Cards of everybody who can be chosen; pictures of those that matter most, as far as there is room."""
    family = [story.individual(birth.id) for birth in ancestors(story, chosen)] if chosen is not None else []
    first = [chosen, *story.state.pareto_front, *story.state.hall_of_fame, *reversed(family)]
    ordered = [one for one in first if one is not None] + drawn_individuals(story, max_points=_MOST_POINTS)
    unique = list({one.key: one for one in ordered}.values())
    cards = {one.id: card(story, one, has_picture=rank < _MOST_PICTURES) for rank, one in enumerate(unique)}
    for birth in ancestors(story, chosen) if chosen is not None else []:
        same = story.individual(birth.id)  # A duplicate shares the card of the first birth of its genome.
        if same is not None and same.id in cards:
            cards.setdefault(birth.id, cards[same.id])
    return cards


def _shown_headline(headline: Headline) -> dict[str, Any]:
    return {
        "title": headline.title,
        "columns": headline.columns,
        "rows": headline.rows,
        "sentences": headline.sentences,
        **_downloadable("headline", headline.table),
    }


def _shown(figure: Figure) -> dict[str, Any]:
    return {
        "title": figure.title,
        "caption": figure.caption,
        "is_drawn": bool(figure.traces),
        "nothing": figure.nothing,
        "rows": None if figure.listing is None or figure.listing.empty else table_cells(figure.listing),
        **_downloadable(figure.name, figure.table),
    }


def _downloadable(name: str, table: pd.DataFrame) -> dict[str, Any]:
    csv = table.to_csv(index=False)
    address = "data:text/csv;charset=utf-8;base64," + base64.b64encode(csv.encode()).decode()
    return {"name": name, "csv": address, "num_rows": len(table)}


def _write_tables(directory: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """One CSV per figure; nothing else in the folder is touched."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(directory / f"{name}.csv", index=False)
