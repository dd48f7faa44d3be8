"""What becomes of a winner: its export, a conversation with it, and a server for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments.cli.arguments import WORKERS_PANEL, Address, Artifact, Overwrite, Seed

app = typer.Typer()

_STUDENT = "The distilled model (with --as distilled)"
_ADDRESSES = "Where it listens"
_ACCESS = "Who may ask, and how much"


@app.command()
def export(
    source: Annotated[
        Path, typer.Argument(help="The directory of a run, or a genome file if --members is given as well.")
    ],
    to: Annotated[Path, typer.Option(help="The directory to write.")],
    individual: Annotated[
        str | None,
        typer.Option(
            help="The id of an individual of the run, or the beginning of its key. Without it, the winner is exported."
        ),
    ] = None,
    members: Annotated[
        Path | None, typer.Option(help="The experiment file that has the members of a genome file.")
    ] = None,
    kind: Annotated[
        Literal["composite", "merged", "distilled"],
        typer.Option(
            "--as",
            help="What to write. A composite keeps all members and their graph. merged and distilled write one plain "
            "model.",
        ),
    ] = "composite",
    student_layers: Annotated[
        int | None, typer.Option(help="The number of its transformer blocks.", rich_help_panel=_STUDENT)
    ] = None,
    student_width: Annotated[
        int | None, typer.Option(help="The size of its hidden states.", rich_help_panel=_STUDENT)
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option(
            help="The number of tokens that it is trained on. Without it, 1,000,000.", rich_help_panel=_STUDENT
        ),
    ] = None,
    push_to_hub: Annotated[
        str | None,
        typer.Option(
            metavar="USER/MODEL", help="Also send what was written to this repository of the Hugging Face hub."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the winner of a run, or a genome of your own, as a model that AutoModelForCausalLM loads.

    The winner of a run that evolves agents is written as a trained agent.
    """
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
def chat(
    artifact: Artifact,
    prompt: Annotated[
        str | None, typer.Option(help="A prompt to answer before the command ends. Without it, a conversation begins.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Talk with an exported composite in the terminal."""
    from experiments.commands.chat import chat_with

    chat_with(artifact, prompt=prompt, seed=seed)


@app.command()
def serve(
    artifact: Artifact,
    local: Annotated[
        bool,
        typer.Option("--local", help="Run all members in this process, without Ray.", rich_help_panel=WORKERS_PANEL),
    ] = False,
    host: Annotated[str, typer.Option(help="The address to listen on.", rich_help_panel=_ADDRESSES)] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port of the HTTP interface.", rich_help_panel=_ADDRESSES)] = 8000,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            help="The port of the gRPC interface, which listens on every address of the machine. Without it, there is "
            "no gRPC. It cannot be used with --local.",
            rich_help_panel=_ADDRESSES,
        ),
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="The port of Ray's metrics for Prometheus.", rich_help_panel=_ADDRESSES)
    ] = None,
    replicas: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COUNT",
            help="How many replicas a member or the controller gets, for example controller=3. The option may be given "
            "several times.",
            rich_help_panel=WORKERS_PANEL,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The id of the model for clients. Without it, the name of the directory is used."),
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE",
            help="The environment variable that holds the key which clients have to send.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    no_api_key: Annotated[
        bool, typer.Option("--no-api-key", help="Serve other machines without any key.", rich_help_panel=_ACCESS)
    ] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="How much one request may ask for, for example request_seconds=60. The option may be given several "
            "times.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    write_config: Annotated[
        Path | None,
        typer.Option(help="Write the configuration file for `serve deploy`, and stop.", rich_help_panel=WORKERS_PANEL),
    ] = None,
    address: Address = None,
) -> None:
    """Serve an exported composite by OpenAI's HTTP interface and by gRPC, on Ray Serve or in one process."""
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
