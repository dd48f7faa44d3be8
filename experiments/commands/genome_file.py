"""``evolve genome draw`` and ``evolve genome check``: what can be said of a genome file without running it."""

from __future__ import annotations

from pathlib import Path

from experiments.config import load_experiment
from experiments.problems.compositions.genome_file import read_genome, read_unchecked_genome
from experiments.problems.compositions.preparation import composition_space, load_catalogue
from genomes.graph.drawing import draw_genome
from genomes.graph.errors import InvalidGenomeError, Violation


def check_genome_file(path: Path, experiment: Path, *, settings: tuple[str, ...] = ()) -> tuple[Violation, ...]:
    """Every rule that a genome breaks over the members of an experiment, each printed on a line; empty if it is valid.

    Members that have to be trained are trained first, unless they are in the cache.

    Args:
        path: The genome file.
        experiment: The experiment file that has the members.
        settings: ``section.key=value`` overrides of the experiment.

    Raises:
        GenomeFormatError: The file cannot be read or holds no genome.
    """
    config = load_experiment(experiment, settings)
    try:
        read_genome(path, composition_space(config, load_catalogue(config)))
    except InvalidGenomeError as error:
        print(f"{path}: {error}")
        return error.violations
    print(f"{path}: a valid composition over the members of {config.name}.")
    return ()


def draw_genome_file(path: Path, *, to: Path | None = None) -> str:
    """Draw the genome in a file, whether it is valid or not.

    Args:
        path: The genome file.
        to: The SVG file to write. Without it, the picture is printed.

    Returns:
        The picture, as SVG.

    Raises:
        GenomeFormatError: The file cannot be read or holds no genome.
        ValueError: The genome has a cycle, or ``to`` is no ``.svg`` file.
    """
    if to is not None and to.suffix.lower() != ".svg":
        raise ValueError(f"--to is {str(to)!r}; allowed are names that end with '.svg'.")
    picture = draw_genome(read_unchecked_genome(path))
    if to is None:
        print(picture, end="")
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(picture, encoding="utf-8")
        print(f"Wrote {to}")
    return picture
