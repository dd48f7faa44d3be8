"""The console script ``evolve``: a thin layer over experiments/commands/, which holds the verbs as functions.

Commands import what they need when they run, so that ``evolve --help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import click
import typer

app = typer.Typer(
    name="evolve",
    help="Evolve composites of GPT-2 models: launch, resume after anything, export the winner.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
members_app = typer.Typer(help="Show and train the members of an experiment.", no_args_is_help=True)
app.add_typer(members_app, name="members")

ExperimentFile = Annotated[Path, typer.Argument(help="Experiment file (YAML).")]
RunDirectory = Annotated[Path, typer.Argument(help="Run directory, e.g. runs/quickstart.")]
Workers = Annotated[Optional[int], typer.Option(help="Number of Ray workers, instead of workers.count.")]  # noqa: UP045
Serial = Annotated[bool, typer.Option("--serial", help="Evaluate in this process, without Ray.")]
Address = Annotated[Optional[str], typer.Option(help="Join the Ray cluster at this address.")]  # noqa: UP045
Settings = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--set", help="section.key=value, validated like the file; may be given several times."),
]


@app.command()
def init(path: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
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
    runs: Annotated[Path, typer.Option(help="Folder that holds run directories.")] = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would run, and stop.")] = False,
) -> None:
    """Start an experiment: train missing members, evolve, compare with the baselines."""
    from experiments.commands.launch import dry_run_experiment, launch_experiment
    from experiments.commands.options import Execution

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
    """Go on with a run after anything, or with a larger budget (--set budget.births=500)."""
    from experiments.commands.options import Execution
    from experiments.commands.resume import resume_run

    execution = Execution(workers=workers, serial=serial, address=address, settings=tuple(settings or ()))
    resume_run(run, execution=execution)


@app.command()
def status(
    run: RunDirectory,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show how far a run is, its best composite and its trajectory digest."""
    from experiments.commands.status import print_status

    print_status(run, as_json=as_json)


@app.command()
def history(
    run: RunDirectory,
    format: Annotated[str, typer.Option(help="csv, parquet or json.")] = "csv",  # noqa: A002
    to: Annotated[Optional[Path], typer.Option(help="File to write; standard output without.")] = None,  # noqa: UP045
) -> None:
    """Write the history of a run, one row per birth."""
    from experiments.commands.history import write_history

    write_history(run, file_format=format, to=to)


@app.command()
def replay(
    run: RunDirectory,
    verify: Annotated[bool, typer.Option("--verify", help="Fail unless the log gives the stored state.")] = False,
) -> None:
    """Fold a run's log again from its first event."""
    from experiments.commands.replay import replay_run

    replay_run(run, verify=verify)


@app.command()
def export(
    run: RunDirectory,
    to: Annotated[Path, typer.Option(help="Directory to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Write the winner: a model that AutoModelForCausalLM loads, or a trained agent."""
    from experiments.commands.export import export_winner

    export_winner(run, to, overwrite=overwrite)


@app.command()
def watch(
    artifact: Annotated[Path, typer.Argument(help="Directory that `evolve export` wrote for an agent.")],
    to: Annotated[Path, typer.Option(help="GIF to write.")],
    seed: Annotated[int, typer.Option(help="Seed of the world and of the actions.")] = 0,
) -> None:
    """Write an animation of one episode of an exported agent."""
    from experiments.commands.watch import watch_agent

    watch_agent(artifact, to=to, seed=seed)


@app.command()
def chat(
    artifact: Annotated[Path, typer.Argument(help="Directory that `evolve export` wrote.")],
    prompt: Annotated[Optional[str], typer.Option(help="Answer this and stop; without it, talk.")] = None,  # noqa: UP045
    seed: Annotated[int, typer.Option(help="Seed of the sampled answers.")] = 0,
) -> None:
    """Talk with an exported composite."""
    from experiments.commands.chat import chat_with

    chat_with(artifact, prompt=prompt, seed=seed)


@members_app.command("list")
def list_members(experiment: ExperimentFile, settings: Settings = None) -> None:
    """Show an experiment's members: source, size, whether they are there."""
    from experiments.commands.members import print_members

    print_members(experiment, settings=tuple(settings or ()))


@members_app.command("train")
def train_members(
    experiment: ExperimentFile,
    serial: Serial = False,
    settings: Settings = None,
    bundle: Annotated[Optional[Path], typer.Option(help="Also write them here in half precision.")] = None,  # noqa: UP045
) -> None:
    """Train the members that an experiment has recipes for, unless they are in the cache."""
    from experiments.commands.members import train_experiment_members

    train_experiment_members(experiment, serial=serial, settings=tuple(settings or ()), bundle=bundle)


def main() -> None:
    """Run the console script. Errors that answer the user are printed without a traceback; then it exits with 2."""
    try:
        code = app(standalone_mode=False)
    except click.Abort as abort:  # Ctrl-C; what the run has to say about it is the cause.
        print(f"\n{abort.__cause__ or 'Interrupted.'}", file=sys.stderr)
        raise SystemExit(130) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        from experiments.errors import is_answer

        if not is_answer(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    raise SystemExit(code or 0)
