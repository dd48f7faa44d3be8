"""``evolve agent``: what there is to do with exported agents, the second kind of genome."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.arguments import Artifact, Seed

app = typer.Typer(name="agent", help="Watch agents that were evolved.", no_args_is_help=True)


@app.command()
def watch(
    artifact: Artifact,
    to: Annotated[Path, typer.Option(help="The animation to write, a GIF file.")],
    seed: Seed = 0,
) -> None:
    """Write an animation of one episode in the life of an exported agent."""
    from experiments.commands.watch import watch_agent

    watch_agent(artifact, to=to, seed=seed)
