"""Which exceptions are answers to a user rather than faults of the program; the console script prints them plainly."""

from __future__ import annotations

from evolve.errors import EvolveError
from evolve.workers.pool import WorkersUnavailableError
from experiments.export.hub import HubError
from experiments.problems.errors import FinalsError
from experiments.serve.cluster import ServingError
from genomes.members.errors import MemberLoadError, MemberTrainingError

_ANSWERS = (
    EvolveError,
    FileExistsError,
    FileNotFoundError,
    FinalsError,
    HubError,
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
