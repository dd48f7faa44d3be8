"""The figures of a run, one per file: functions from a story to what is drawn, said and tabulated."""

from experiments.report.figures.diversity import diversity
from experiments.report.figures.failures import failures
from experiments.report.figures.figure import Figure
from experiments.report.figures.importance import importance
from experiments.report.figures.lineage import ancestors, lineage
from experiments.report.figures.operators import operators
from experiments.report.figures.pareto import drawn_individuals, pareto
from experiments.report.figures.progress import progress
from experiments.report.figures.usage import usage
from experiments.report.figures.utilisation import utilisation

__all__ = [
    "Figure",
    "ancestors",
    "diversity",
    "drawn_individuals",
    "failures",
    "importance",
    "lineage",
    "operators",
    "pareto",
    "progress",
    "usage",
    "utilisation",
]
