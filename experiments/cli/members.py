"""``evolve members``: the models that the genomes of an experiment are composed of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.arguments import ExperimentFile, Serial, Settings

app = typer.Typer(name="members", help="Show and train the members of an experiment.", no_args_is_help=True)


@app.command("list")
def list_members(experiment: ExperimentFile, settings: Settings = None) -> None:
    """Show the members of an experiment: where each comes from, how large it is, and whether it is there."""
    from experiments.commands.members import print_members

    print_members(experiment, settings=tuple(settings or ()))


@app.command("train")
def train_members(
    experiment: ExperimentFile,
    serial: Serial = False,
    settings: Settings = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Also write the trained members into this directory, in half precision.")
    ] = None,
) -> None:
    """Train the members that an experiment has recipes for. Those in the cache are not trained again."""
    from experiments.commands.members import train_experiment_members

    train_experiment_members(experiment, serial=serial, settings=tuple(settings or ()), bundle=bundle)
