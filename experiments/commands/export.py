"""``evolve export``: the winner of a run, or a composition that somebody wrote, as a directory that can be run."""

from __future__ import annotations

from pathlib import Path

from experiments.problems import problem_of_run
from experiments.problems.compositions.export import export_genome

__all__ = ["export_genome", "export_winner"]


def export_winner(directory: Path, to: Path, *, individual: str | None = None, overwrite: bool = False) -> Path:
    """Write the winner of a run of any kind.

    The winner is the one of the final comparison; of a run without one it is the incumbent, and the card says so.

    Args:
        directory: The run directory.
        to: Directory to write.
        individual: Id (``b17``) or key of another individual, the beginning of a key being enough.
        overwrite: Replace an existing directory.

    Raises:
        RunMissingError: There is no run in the directory.
        ValueError: There is no such individual, or nothing was scored yet.
        FileExistsError: ``to`` is not empty.
    """
    return problem_of_run(directory).export(directory, to, individual=individual, overwrite=overwrite)
