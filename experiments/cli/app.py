"""Every command in one application, its version, and how mistakes are answered."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from platform import python_version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from experiments.cli import agent, daily, genome, members, runs, scorer, winner

MOVED = {
    "fork": "runs fork",
    "history": "runs history",
    "replay": "runs replay",
    "compare-runs": "runs compare",
    "evaluate": "genome evaluate",
    "schema": "genome schema",
    "score": "scorer score",
    "validate-scorer": "scorer validate",
    "watch": "agent watch",
}
"""Former names of commands, and what they are called now."""


class _Commands(TyperGroup):
    """The commands by name. A former name is answered with the present one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] in MOVED and not ctx.resilient_parsing:  # Completion goes on in silence.
            ctx.fail(f"No such command {args[0]!r}. It is called `evolve {MOVED[args[0]]}` now.")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="evolve", cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich"
)
app.add_typer(daily.app)
app.add_typer(winner.app)
for group in (runs, genome, scorer, members, agent):
    app.add_typer(group.app, rich_help_panel="Groups of further commands")


def _print_versions(is_wanted: bool) -> None:
    if is_wanted:
        versions = [("evolve", _version("composite-evolve")), ("Python", python_version())]
        versions += [(package, _version(package)) for package in ("torch", "transformers", "ray")]
        print("\n".join(f"{name} {version}" for name, version in versions))
        raise typer.Exit


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


@app.callback()
def evolve(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_versions,
            is_eager=True,
            help="Print the versions of this package and of what it stands on, and exit.",
        ),
    ] = False,
) -> None:
    """Evolve composites of GPT-2 models: launch a search, resume it after anything, export the winner."""


def main() -> None:
    """Run the console script. Errors that answer the user are printed without a traceback; then it exits with 2."""
    if "_EVOLVE_COMPLETE" in os.environ:  # A shell asks what may come next.
        app(prog_name="evolve")
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
            place = getattr(error, "ctx", None)
            command_path = "evolve" if place is None else place.command_path
            print(f"error: {message} See: {command_path} --help", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        from experiments.errors import is_answer

        if not is_answer(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
