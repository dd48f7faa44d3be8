"""``evolve runs``: what there is to do with whole runs, and with several of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments.cli.arguments import (
    Address,
    AsJson,
    RunDirectory,
    Serial,
    Settings,
    Workers,
    run_directories,
)

app = typer.Typer(name="runs", help="List, compare, tabulate, check and branch off runs.", no_args_is_help=True)

_TRACKERS = "Trackers"


@app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(help="The folder that holds the directories of runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder, the latest first: kind, state, births, best result and age."""
    from experiments.commands.list_runs import print_runs

    print_runs(folder, as_json=as_json)


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="The directories of two or more runs. The others are compared with the first.",
            autocompletion=run_directories,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Compare runs: the best of each at equal cost, and their winners on test prompts with intervals."""
    from experiments.commands.compare_runs import print_comparison

    print_comparison(runs, as_json=as_json)


@app.command()
def history(
    run: RunDirectory,
    file_format: Annotated[
        Literal["csv", "parquet", "json", "logbook"],
        typer.Option("--format", help="The format of the table; logbook: statistics of the population over the run."),
    ] = "csv",
    to: Annotated[
        Path | None, typer.Option(help="The file to write. Without it, the table is printed; parquet needs a file.")
    ] = None,
    to_tensorboard: Annotated[
        Path | None,
        typer.Option(help="Write series into this log directory of TensorBoard instead.", rich_help_panel=_TRACKERS),
    ] = None,
    to_mlflow: Annotated[
        str | None,
        typer.Option(help="Send series to this tracking address of MLflow instead.", rich_help_panel=_TRACKERS),
    ] = None,
) -> None:
    """Write the history of a run as a table with one row per birth, or send it to TensorBoard or MLflow."""
    from experiments.commands.history import send_history, write_history

    if to_tensorboard is not None or to_mlflow is not None:
        send_history(run, tensorboard=to_tensorboard, mlflow=to_mlflow)
    else:
        write_history(run, file_format=file_format, to=to)


@app.command()
def replay(
    run: RunDirectory,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also compare the result with every state that the run stored.")
    ] = False,
) -> None:
    """Compute the state of a run again from its log, and say what came out."""
    from experiments.commands.replay import replay_run

    replay_run(run, verify=verify)


@app.command()
def fork(
    run: RunDirectory,
    to: Annotated[Path, typer.Option(help="The directory of the new run, for example runs/wider.")],
    workers: Workers = None,
    serial: Serial = False,
    address: Address = None,
    settings: Settings = None,
) -> None:
    """Start a new run from the leaders of another one, with other settings (--set search.mode=aging)."""
    from experiments.commands.fork import fork_run
    from experiments.config.execution import Execution

    execution = Execution(workers=workers, serial=serial, address=address, settings=tuple(settings or ()))
    fork_run(run, to=to, execution=execution)
