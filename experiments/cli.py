"""The console script ``evolve``: a thin layer over experiments/commands/, which holds the verbs as functions.

Commands import what they need when they run, so that ``evolve --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer
from typer.exceptions import TyperException

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
    """Go on with a run after anything, or with a larger budget (--set budget.births=500)."""
    from experiments.commands.resume import resume_run
    from experiments.config.execution import Execution

    execution = Execution(workers=workers, serial=serial, address=address, settings=tuple(settings or ()))
    resume_run(run, execution=execution)


@app.command()
def fork(
    run: RunDirectory,
    to: Annotated[Path, typer.Option(help="Directory of the new run, e.g. runs/wider.")],
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
    to_tensorboard: Annotated[Optional[Path], typer.Option(help="Log directory of TensorBoard.")] = None,  # noqa: UP045
    to_mlflow: Annotated[Optional[str], typer.Option(help="Tracking address of MLflow.")] = None,  # noqa: UP045
) -> None:
    """Write the history of a run, one row per birth; or send it to TensorBoard or MLflow."""
    from experiments.commands.history import send_history, write_history

    if to_tensorboard is not None or to_mlflow is not None:
        send_history(run, tensorboard=to_tensorboard, mlflow=to_mlflow)
    else:
        write_history(run, file_format=format, to=to)


@app.command()
def report(
    run: RunDirectory,
    to: Annotated[Optional[Path], typer.Option(help="HTML file; report.html in the run without.")] = None,  # noqa: UP045
) -> None:
    """Write a run as one HTML file: result, curves, winner, lineage, answers; also while it is in progress."""
    from experiments.commands.report import report_run

    report_run(run, to=to)


@app.command()
def compare(
    experiment: ExperimentFile,
    baselines: Annotated[Optional[str], typer.Option(help="Names, with commas between.")] = None,  # noqa: UP045
    seeds: Annotated[int, typer.Option(help="Seeds of every method that draws.")] = 10,
    objective: Annotated[str, typer.Option(help="nll (fast, from kept member outputs) or coherence.")] = "nll",
    budget: Annotated[Optional[int], typer.Option(help="Evaluations per method and seed; 300 or 60.")] = None,  # noqa: UP045
    reference: Annotated[Optional[str], typer.Option(help="The method that others are tested against.")] = None,  # noqa: UP045
    training_tokens: Annotated[Optional[int], typer.Option(help="Most tokens that one_model is trained on.")] = None,  # noqa: UP045
    jobs: Annotated[int, typer.Option(help="Processes that work at a time.")] = 1,
    to: Annotated[Optional[Path], typer.Option(help="Directory; comparisons/<name>-<objective> without.")] = None,  # noqa: UP045
    settings: Settings = None,
) -> None:
    """Compare search methods and baselines at equal budget; goes on where it was interrupted."""
    from experiments.commands.compare import DEFAULT_BASELINES, compare_methods

    compare_methods(
        experiment,
        baselines=DEFAULT_BASELINES if baselines is None else tuple(baselines.split(",")),
        num_seeds=seeds,
        objective=objective,
        budget=budget,
        reference=reference,
        training_tokens=training_tokens,
        num_jobs=jobs,
        to=to,
        settings=tuple(settings or ()),
    )


@app.command("compare-runs")
def compare_runs(
    runs: Annotated[list[Path], typer.Argument(help="Two or more runs; the first is the one to beat.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Compare runs: best at equal cost, and winners on test prompts with intervals."""
    from experiments.commands.compare_runs import print_comparison

    print_comparison(runs, as_json=as_json)


@app.command()
def dashboard(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; runs may appear in them later.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Let other machines read the runs.")] = False,
) -> None:
    """Serve a live page that follows runs in progress and compares them; read-only."""
    from experiments.commands.dashboard import serve_dashboard

    serve_dashboard(runs, host=host, port=port, is_remote_allowed=allow_remote)


@app.command()
def replay(
    run: RunDirectory,
    verify: Annotated[bool, typer.Option("--verify", help="Fail unless the log gives the stored state.")] = False,
) -> None:
    """Fold a run's log again from its first event."""
    from experiments.commands.replay import replay_run

    replay_run(run, verify=verify)


@app.command()
def evaluate(
    genome: Annotated[Path, typer.Argument(help="Genome file (JSON), see docs/genome-file.md.")],
    members: Annotated[Path, typer.Option(help="Experiment file that has the members and the prompts.")],
    panel: Annotated[str, typer.Option(help="validation, test or search.")] = "validation",
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Score a composition that you wrote on every objective, with intervals."""
    from experiments.commands.evaluate import evaluate_genome

    evaluate_genome(genome, members, panel=panel, settings=tuple(settings or ()), as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of genome files, for editors and other programs."""
    import json

    from genomes.graph.serialization import genome_schema

    print(json.dumps(genome_schema(), indent=2))


@app.command()
def export(
    source: Annotated[Path, typer.Argument(help="Run directory, or a genome file together with --members.")],
    to: Annotated[Path, typer.Option(help="Directory to write.")],
    individual: Annotated[Optional[str], typer.Option(help="Id or key of another than the winner.")] = None,  # noqa: UP045
    members: Annotated[Optional[Path], typer.Option(help="Experiment file of a genome file's members.")] = None,  # noqa: UP045
    kind: Annotated[str, typer.Option("--as", help="composite, merged or distilled (one plain GPT-2).")] = "composite",
    student_layers: Annotated[Optional[int], typer.Option(help="Blocks of the distilled GPT-2.")] = None,  # noqa: UP045
    student_width: Annotated[Optional[int], typer.Option(help="Width of the distilled GPT-2.")] = None,  # noqa: UP045
    tokens: Annotated[Optional[int], typer.Option(help="Tokens that it is distilled on (1,000,000).")] = None,  # noqa: UP045
    push_to_hub: Annotated[Optional[str], typer.Option(help="USER/MODEL: send it to the Hugging Face hub too.")] = None,  # noqa: UP045
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Write the winner, or a genome of your own: a model that AutoModelForCausalLM loads, or a trained agent."""
    from experiments.commands.export import export_genome, export_winner
    from experiments.export.hub import check_hub, push_directory

    if push_to_hub is not None:
        check_hub(push_to_hub)
    student = {"layers": student_layers, "width": student_width, "tokens": tokens}
    asked = {name: size for name, size in student.items() if size is not None}
    if kind != "composite" or asked:
        from experiments.commands.unify import export_unified

        export_unified(
            source, to, kind=kind, members=members, individual=individual, student=asked, overwrite=overwrite
        )
    elif members is None:
        export_winner(source, to, individual=individual, overwrite=overwrite)
    else:
        export_genome(source, members, to, overwrite=overwrite)
    if push_to_hub is not None:
        print(f"Pushed to {push_directory(to, push_to_hub)}")


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


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help='JSON lines: {"ctx": [..], "resp": ".."} or {"turns": [..]}.')],
    to: Annotated[Path, typer.Option(help="File to write.")],
    scorer: Annotated[Optional[Path], typer.Option(help="Saved scorer; the bundled one without.")] = None,  # noqa: UP045
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Score the coherence of replies or whole dialogues, with every term and guard."""
    from experiments.commands.score import score_file

    score_file(file, to=to, scorer_directory=scorer, overwrite=overwrite)


@app.command("validate-scorer")
def validate_scorer(
    file: Annotated[Path, typer.Argument(help='Rated replies: {"ctx": [..], "resp": "..", "r": {"Overall": 4}}.')],
    criterion: Annotated[str, typer.Option(help="Which rating to compare with.")],
    scorer: Annotated[Optional[Path], typer.Option(help="Saved scorer; the bundled one without.")] = None,  # noqa: UP045
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Compare the coherence scorer with people's ratings, with bootstrap intervals."""
    from experiments.commands.validate_scorer import print_validation

    print_validation(file, criterion=criterion, scorer_directory=scorer, as_json=as_json)


@app.command()
def serve(
    artifact: Annotated[Path, typer.Argument(help="Directory that `evolve export` wrote.")],
    local: Annotated[bool, typer.Option("--local", help="All members in this process, without Ray.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of HTTP.")] = 8000,
    grpc_port: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Port of gRPC, open on every address; not with --local."),
    ] = None,
    metrics_port: Annotated[Optional[int], typer.Option(help="Port of Ray's metrics for Prometheus.")] = None,  # noqa: UP045
    replicas: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="member=2 or controller=3; may be given several times."),
    ] = None,
    name: Annotated[Optional[str], typer.Option(help="Id of the model; the directory's name without.")] = None,  # noqa: UP045
    api_key_env: Annotated[Optional[str], typer.Option(help="Variable with the key that clients send.")] = None,  # noqa: UP045
    no_api_key: Annotated[bool, typer.Option("--no-api-key", help="Serve other machines without a key.")] = False,
    limit: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(help="request_seconds=60 and the like; may be given several times."),
    ] = None,
    write_config: Annotated[Optional[Path], typer.Option(help="Write the file for `serve deploy` and stop.")] = None,  # noqa: UP045
    address: Address = None,
) -> None:
    """Serve an exported composite: OpenAI's HTTP interface and gRPC, on Ray Serve."""
    from experiments.commands.serve import serve_artifact

    serve_artifact(
        artifact,
        host=host,
        port=port,
        grpc_port=grpc_port,
        metrics_port=metrics_port,
        is_local=local,
        replicas=tuple(replicas or ()),
        name=name,
        api_key_env=api_key_env,
        is_open=no_api_key,
        limits=tuple(limit or ()),
        write_config=write_config,
        address=address,
    )


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
    command = typer.main.get_command(app)
    try:
        with command.make_context("evolve", sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as done:
        raise SystemExit(done.exit_code) from None
    except KeyboardInterrupt as interruption:  # It says how to go on where a run was interrupted.
        print(f"\n{interruption or 'Interrupted.'}", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # Whoever reads our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except TyperException as error:
        if message := error.format_message():  # Without one, the help was printed already.
            print(f"error: {message} See: evolve --help", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        from experiments.errors import is_answer

        if not is_answer(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
