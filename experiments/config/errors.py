"""What goes wrong in an experiment file: every problem as one sentence, all of them in one error."""

from __future__ import annotations

from collections.abc import Sequence


class ConfigError(ValueError):
    """An experiment file that cannot be used.

    Attributes:
        problems: Every problem found: the key path, what is wrong, what is allowed, and the place in the file.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        # The one argument is what pickle hands back, so that the error crosses processes.
        super().__init__(list(problems))
        self.problems = list(problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        return "\n".join([f"{len(self.problems)} problems in the experiment:", *(f"  - {p}" for p in self.problems)])
