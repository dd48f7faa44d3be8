"""The verbs of every day: from an experiment file to a finished run, and ways to look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments.cli.arguments import (
    Address,
    AsJson,
    ExperimentFile,
    RunDirectory,
    Serial,
    Settings,
    Workers,
    run_directories,
)

app = typer.Typer()


@app.command()
def init(path: Annotated[Path, typer.Argument(help="The experiment file to write, for example my.yaml.")]) -> None:
    """Write a commented experiment file to start from."""
    from experiments.commands.init import init_experiment

    init_experiment(path)
    print(f"Wrote {path}. Edit it, then: evolve launch {path}")


@app.command()
def launch(
    experiment: ExperimentFile,
    workers: Workers = None,
    serial: Serial = False,
    address: Address = None,
    settings: Settings = None,
    runs: Annotated[Path, typer.Option(help="The folder that holds the directories of runs.")] = Path("runs"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and how long it would take, and stop.")
    ] = False,
) -> None:
    """Start the run of an experiment: train missing members, search, and compare the winner with the baselines."""
    from experiments.commands.launch import dry_run_experiment, launch_experiment
    from experiments.config.execution import Execution

    execution = Execution(workers=workers, serial=serial, address=address, settings=tuple(settings or ()))
    if dry_run:
        dry_run_experiment(experiment, execution=execution)
    else:
        launch_experiment(experiment, execution=execution, runs=runs)


@app.command()
def resume(
    run: RunDirectory,
    workers: Workers = None,
    serial: Serial = False,
    address: Address = None,
    settings: Settings = None,
) -> None:
    """Go on with a run that was interrupted, or give it a larger budget (--set budget.births=500)."""
    from experiments.commands.resume import resume_run
    from experiments.config.execution import Execution

    execution = Execution(workers=workers, serial=serial, address=address, settings=tuple(settings or ()))
    resume_run(run, execution=execution)


@app.command()
def status(run: RunDirectory, as_json: AsJson = False) -> None:
    """Show how far a run is, the best genome that it found, and its trajectory digest."""
    from experiments.commands.status import print_status

    print_status(run, as_json=as_json)


@app.command()
def report(
    run: RunDirectory,
    to: Annotated[
        Path | None,
        typer.Option(help="The HTML file to write. Without it, report.html in the run directory is written."),
    ] = None,
) -> None:
    """Write everything about a run into one HTML file. The run may still be in progress."""
    from experiments.commands.report import report_run

    report_run(run, to=to)


@app.command()
def compare(
    experiment: ExperimentFile,
    baselines: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME,...",
            help="The names of the methods to compare. Without it, all are compared that need no training and that the "
            "space has room for.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds each method that draws at random gets.")] = 10,
    first_seed: Annotated[
        int, typer.Option(help="The first seed; the others follow it. Take others than you developed with.")
    ] = 0,
    objective: Annotated[
        Literal["nll", "coherence"],
        typer.Option(help="What is compared. nll is fast, because it is computed from kept outputs of the members."),
    ] = "nll",
    budget: Annotated[
        int | None,
        typer.Option(help="Evaluations for each method and seed. Without it, 300 for nll and 60 for coherence."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help="The method that the others are tested against. Without it, aging, or the last method if aging is "
            "not among them."
        ),
    ] = None,
    training_tokens: Annotated[
        int | None,
        typer.Option(
            help="The most tokens that the method one_model is trained on. Without it, as many as all members together."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(help="How many processes work at the same time.")] = 1,
    to: Annotated[
        Path | None,
        typer.Option(help="The directory to write. Without it, comparisons/NAME-OBJECTIVE is written."),
    ] = None,
    settings: Settings = None,
) -> None:
    """Compare search methods and baselines at equal budget. An interrupted comparison goes on where it stopped."""
    from experiments.commands.compare import compare_methods

    compare_methods(
        experiment,
        baselines=None if baselines is None else tuple(baselines.split(",")),
        num_seeds=seeds,
        first_seed=first_seed,
        objective=objective,
        budget=budget,
        reference=reference,
        training_tokens=training_tokens,
        num_jobs=jobs,
        to=to,
        settings=tuple(settings or ()),
    )


@app.command()
def dashboard(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="The directories of the runs. A directory may be given before there is a run in it.",
            autocompletion=run_directories,
        ),
    ],
    port: Annotated[int, typer.Option(help="The port to listen on. 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool,
        typer.Option("--allow-remote", help="Let other machines read the runs. The page has no password."),
    ] = False,
) -> None:
    """Serve a live page that follows one or several runs. The page only reads them."""
    from experiments.commands.dashboard import serve_dashboard

    serve_dashboard(runs, host=host, port=port, is_remote_allowed=allow_remote)
