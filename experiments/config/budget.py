"""The section ``budget``: when the search ends. Its keys are the fields of evolve's ``Budget``."""

from evolve.settings import Budget as BudgetConfig

__all__ = ["BudgetConfig"]
