"""Merging: every way to join members in their parameters, one method per file, registered here in one line each.

Importing this imports no torch: the graph side reads the descriptions alone. Models are merged in models.py.
"""

from genomes.merging.base import MergeMethod, TensorPlace
from genomes.merging.dare_ties import DareTies
from genomes.merging.layers import LAYER_GROUPS
from genomes.merging.linear import Linear
from genomes.merging.slerp import Slerp
from genomes.merging.task_arithmetic import TaskArithmetic
from genomes.merging.ties import Ties

MERGES: dict[str, MergeMethod] = {
    method.name: method for method in (Linear(), Slerp(), TaskArithmetic(), Ties(), DareTies())
}

__all__ = [
    "LAYER_GROUPS",
    "MERGES",
    "DareTies",
    "Linear",
    "MergeMethod",
    "Slerp",
    "TaskArithmetic",
    "TensorPlace",
    "Ties",
]
