"""``evolve members``: show an experiment's members, and train those that it has recipes for."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.config import load_experiment
from experiments.corpora.panels import load_documents
from experiments.problems.compositions.members.sources import untrained_sources
from experiments.problems.compositions.members.training import train_members
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display
from genomes.members.catalogue import MemberCatalogue
from genomes.members.errors import MemberLoadError
from genomes.training.bundling import bundle_member


def print_members(experiment: Path, *, settings: tuple[str, ...] = (), console: Console | None = None) -> None:
    """Print one line per member: source, size, and whether it is there. Nothing is trained or downloaded."""
    console = console or standard_output()
    config = load_experiment(experiment, settings)
    catalogue = MemberCatalogue(untrained_sources(config.members.model_copy(update={"offline": True})))
    table = Table()
    for column in ("member", "source", "parameters", "positions", "tokenizer"):
        table.add_column(column, justify="right" if column in {"parameters", "positions"} else "left")
    for name in config.members.catalogue:
        recipe = config.members.recipes.get(name)
        if recipe is not None:
            origin = f"recipe: {recipe.tokens / 1e6:.1f} M tokens of {', '.join(recipe.domains)}"
            table.add_row(name, origin + (f", from {recipe.parent}" if recipe.parent else ""), "", "", "")
            continue
        source = str(catalogue.sources[name])
        try:
            info = catalogue.info(name)
        except MemberLoadError as error:
            table.add_row(name, source, "", "", f"[red]{error}[/]")
        else:
            table.add_row(name, source, f"{info.num_parameters:,}", str(info.positions), info.tokenizer_key)
    console.print(table)


def train_experiment_members(
    experiment: Path,
    *,
    serial: bool = False,
    settings: tuple[str, ...] = (),
    bundle: Path | None = None,
    console: Console | None = None,
) -> dict[str, Path]:
    """Train every member that has a recipe, unless the cache has it.

    Args:
        experiment: The experiment file.
        serial: One after the other in this process, instead of side by side in Ray tasks.
        settings: Overrides, as in ``section.key=value``.
        bundle: Where to also write the members in half precision, one directory each.
        console: Where progress goes; standard output without.

    Returns:
        The directory of every trained member by name.

    Raises:
        MemberTrainingError: A training failed; the others are kept.
    """
    console = console or standard_output()
    config = load_experiment(experiment, settings)
    with Display(console) as display:
        display.say(f"members of {config.name}: {', '.join(config.members.recipes) or 'none has a recipe'}")
        directories = train_members(config, load_documents(config.data), is_serial=serial, on_progress=display.training)
    for name, directory in directories.items():
        if bundle is not None:
            bundle_member(directory, bundle / name)
        console.print(f"{name}: {directory if bundle is None else bundle / name}")
    return directories
