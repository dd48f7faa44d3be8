"""Arguments and options that several commands share, and what a shell completes them to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run_directories(incomplete: str) -> list[str]:
    """Directories of runs that begin with ``incomplete``: those in ``runs/``, and those beside what is typed."""
    beside = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    found = {str(database.parent) for folder in (Path("runs"), beside) for database in folder.glob("*/run.db")}
    return sorted(name for name in found if name.startswith(incomplete))


RUN_HELP = "The directory of a run, for example runs/quickstart."
WORKERS_PANEL = "Workers"

ExperimentFile = Annotated[Path, typer.Argument(help="The experiment file (YAML). `evolve init` writes one.")]
RunDirectory = Annotated[Path, typer.Argument(help=RUN_HELP, autocompletion=run_directories)]
Artifact = Annotated[Path, typer.Argument(help="The directory that `evolve export` wrote.")]
GenomeFile = Annotated[Path, typer.Argument(help="The genome file (JSON). docs/genome-file.md says how to write one.")]
MembersOf = Annotated[
    Path,
    typer.Option("--members", help="The experiment file that has the members, and the texts they are asked about."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="A setting that replaces the one of the experiment file, for example budget.births=500. "
        "The option may be given several times.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="The number of Ray workers. Without it, workers.count of the experiment is used.",
        rich_help_panel=WORKERS_PANEL,
    ),
]
Serial = Annotated[
    bool,
    typer.Option("--serial", help="Work in this process alone, without Ray.", rich_help_panel=WORKERS_PANEL),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="The address of a running Ray cluster to join. Without it, Ray is started on this machine.",
        rich_help_panel=WORKERS_PANEL,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is at the destination already.")]
Seed = Annotated[int, typer.Option(help="The seed of everything that is drawn at random.")]
ScorerDirectory = Annotated[
    Path | None,
    typer.Option(help="The directory of a saved scorer. Without it, the scorer that ships with the package is used."),
]
