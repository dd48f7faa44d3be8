"""Options that several verbs share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Execution:
    """How to execute an experiment; nothing here changes its results.

    Attributes:
        workers: Number of Ray workers, None for the experiment's ``workers.count``.
        serial: Evaluate in this process, without Ray.
        address: Ray cluster to join, None to start one that ends with the command.
        settings: ``section.key=value`` overrides, validated like the experiment file.
    """

    workers: int | None = None
    serial: bool = False
    address: str | None = None
    settings: tuple[str, ...] = ()

    def overrides(self) -> tuple[str, ...]:
        """The overrides, the number of workers among them."""
        if self.workers is None:
            return self.settings
        return (*self.settings, f"workers.count={self.workers}")
