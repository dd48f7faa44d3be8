"""The contracts of methods and operators as tests, for ours and for yours: subclass one under pytest.

::

    from genomes.testing import CombinerContract

    class TestMedian(CombinerContract):
        def method(self):
            return Median()

A combiner is held to ``CombinerContract`` or ``AnswerCombinerContract``, a merge method to ``MergeMethodContract``, a
mutation or crossover to ``OperatorContract``. They are tried on made-up numbers and genomes, which need no files and no
members. Nothing in the product imports this package.
"""

from genomes.testing.combiners import AnswerCombinerContract, CombinerContract
from genomes.testing.merging import MergeMethodContract
from genomes.testing.operators import OperatorContract

__all__ = ["AnswerCombinerContract", "CombinerContract", "MergeMethodContract", "OperatorContract"]
