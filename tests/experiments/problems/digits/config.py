"""What an experiment file of ``kind: digits`` may say."""

from __future__ import annotations

from typing import Any, Literal

from experiments.config.budget import BudgetConfig
from experiments.config.search import SearchConfig
from experiments.config.section import Name, Section
from experiments.config.workers import WorkersConfig


class DigitsConfig(Section):
    """An experiment on digits."""

    kind: Literal["digits"]
    name: Name
    seed: int = 0
    highest: int = 9
    search: SearchConfig = SearchConfig()
    budget: BudgetConfig = BudgetConfig()
    workers: WorkersConfig = WorkersConfig()

    def to_document(self) -> dict[str, Any]:
        """Plain data with every default filled in."""
        return self.model_dump(mode="json")
