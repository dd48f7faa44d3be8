"""What all methods promise, whatever they join: a description, and parameters that stay in their ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from genomes.methods.combiners import Method
from genomes.methods.merging import MergeMethod
from genomes.methods.ranges import defaults_of


class MethodContract:
    """What operators, tables and cards rely on. Override ``method``."""

    def method(self) -> Method | MergeMethod:
        """The method under test."""
        raise NotImplementedError("Override method() with the method that is to be tested.")

    def parameters(self) -> dict[str, Any]:
        """The genes that it is tested with: the defaults. Override it to test others."""
        return defaults_of(self.method().parameters)

    def test_it_describes_itself(self) -> None:
        """A name, a docstring, and a formula with its source in brackets."""
        method = self.method()
        assert method.name.strip() == method.name != ""
        assert method.formula
        assert "[" in method.formula, "A formula ends with its source in brackets."
        assert type(method).__doc__

    def test_parameters_stay_in_their_ranges(self) -> None:
        """The default, what is drawn, and what is nudged from there."""
        rng = np.random.default_rng(0)
        for name, allowed in self.method().parameters.items():
            values = [allowed.default]
            for _ in range(50):
                values.append(allowed.draw(rng=rng))
                if hasattr(allowed, "nudge"):
                    values.append(allowed.nudge(values[-1], rng=rng))
            for value in values:
                assert allowed.problem_with(value) is None, (name, value)
