"""Merging: every way to join members in their parameters, one method per file, registered here in one line each.

Importing this imports no torch: the graph side reads the descriptions alone. Whole models are merged in
genomes/running/merging/models.py.
"""

from genomes.methods.merging.base import MergeMethod, TensorPlace
from genomes.methods.merging.dare_ties import DareTies
from genomes.methods.merging.layers import LAYER_GROUPS
from genomes.methods.merging.linear import Linear
from genomes.methods.merging.slerp import Slerp
from genomes.methods.merging.task_arithmetic import TaskArithmetic
from genomes.methods.merging.ties import Ties

MERGES: dict[str, MergeMethod] = {
    method.name: method for method in (Linear(), Slerp(), TaskArithmetic(), Ties(), DareTies())
}
"""Methods that join parameters; plugins.py adds those of other packages."""

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
