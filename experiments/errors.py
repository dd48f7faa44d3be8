"""Which exceptions are answers to a user rather than faults of the program; the console script prints them plainly."""

from __future__ import annotations

from evolve.errors import EvolveError
from evolve.workers.pool import WorkersUnavailableError
from experiments.finals import FinalsError
from experiments.serve.cluster import ServingError
from genomes.members.errors import MemberLoadError, MemberTrainingError

_ANSWERS = (
    EvolveError,
    FileExistsError,
    FileNotFoundError,
    FinalsError,
    MemberLoadError,
    MemberTrainingError,
    ModuleNotFoundError,
    ServingError,
    ValueError,  # ConfigError, CorpusError, GenomeFormatError and other bad input
    WorkersUnavailableError,
)


def is_answer(error: Exception) -> bool:
    """Whether the message of an error tells a user all there is to know."""
    return isinstance(error, _ANSWERS)
