"""The engine's contracts as tests, for ours and for yours: subclass one under pytest.

::

    class TestMySpace(SpaceContract):
        def space(self):
            return MySpace()

Here are ``SpaceContract``, ``EvaluatorContract``, ``SelectionContract`` and ``WorkerPoolContract``. What is asked of
an objective is in fitness/objectives/testing.py. Nothing but tests imports this package, which needs pytest.
"""

from evolve.testing.evaluators import EvaluatorContract
from evolve.testing.pools import WorkerPoolContract
from evolve.testing.selections import SelectionContract
from evolve.testing.spaces import SpaceContract

__all__ = ["EvaluatorContract", "SelectionContract", "SpaceContract", "WorkerPoolContract"]
