"""``evolve scorer``: the coherence scorer on texts of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.arguments import AsJson, ExperimentFile, Overwrite, ScorerDirectory, Settings

app = typer.Typer(name="scorer", help="Use, check and fit the coherence scorer.", no_args_is_help=True)


@app.command()
def score(
    file: Annotated[
        Path,
        typer.Argument(
            help='The file to score, in JSON lines. A line is a reply {"ctx": ["..."], "resp": "..."} or a whole '
            'dialogue {"turns": ["...", "..."]}.'
        ),
    ],
    to: Annotated[Path, typer.Option(help="The file to write.")],
    scorer: ScorerDirectory = None,
    overwrite: Overwrite = False,
) -> None:
    """Score the coherence of replies or of whole dialogues, with every term and guard of the score."""
    from experiments.commands.score import score_file

    score_file(file, to=to, scorer_directory=scorer, overwrite=overwrite)


@app.command()
def validate(
    file: Annotated[
        Path,
        typer.Argument(
            help='The file of rated replies, in JSON lines: {"ctx": ["..."], "resp": "...", "r": {"Overall": 4}}.'
        ),
    ],
    criterion: Annotated[str, typer.Option(help="The name of the rating to compare with, for example Overall.")],
    scorer: ScorerDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Compare the scorer with people's ratings of the same replies, with bootstrap intervals."""
    from experiments.commands.validate_scorer import print_validation

    print_validation(file, criterion=criterion, scorer_directory=scorer, as_json=as_json)


@app.command()
def fit(
    experiment: ExperimentFile,
    to: Annotated[Path, typer.Option(help="The directory to write. `--scorer` of the other commands reads it.")],
    settings: Settings = None,
    overwrite: Overwrite = False,
) -> None:
    """Fit a scorer to the training texts of an experiment. This takes minutes."""
    from experiments.commands.fit_scorer import fit_scorer_to

    fit_scorer_to(experiment, to, settings=tuple(settings or ()), overwrite=overwrite)
