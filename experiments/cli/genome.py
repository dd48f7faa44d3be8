"""``evolve genome``: what there is to do with compositions in files, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments.cli.arguments import AsJson, GenomeFile, MembersOf, Settings

app = typer.Typer(name="genome", help="Score, draw and check compositions that you wrote.", no_args_is_help=True)


@app.command()
def evaluate(
    genome: GenomeFile,
    members: MembersOf,
    panel: Annotated[
        Literal["validation", "test", "search"],
        typer.Option(help="The prompts to answer. Leave the test prompts for the last word."),
    ] = "validation",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Score a composition on every objective, with intervals."""
    from experiments.commands.evaluate import evaluate_genome

    evaluate_genome(genome, members, panel=panel, settings=tuple(settings or ()), as_json=as_json)


@app.command()
def check(genome: GenomeFile, members: MembersOf, settings: Settings = None) -> None:
    """List every rule that a composition breaks. The exit code is 1 if there is any."""
    from experiments.commands.genome_file import check_genome_file

    if check_genome_file(genome, members, settings=tuple(settings or ())):
        raise typer.Exit(1)


@app.command()
def draw(
    genome: GenomeFile,
    to: Annotated[Path | None, typer.Option(help="The SVG file to write. Without it, the picture is printed.")] = None,
) -> None:
    """Draw a composition as a picture (SVG) that needs nothing else."""
    from experiments.commands.genome_file import draw_genome_file

    draw_genome_file(genome, to=to)


@app.command()
def schema() -> None:
    """Print the JSON Schema of genome files, for editors and other programs."""
    import json

    from genomes.graph.serialization import genome_schema

    print(json.dumps(genome_schema(), indent=2))
