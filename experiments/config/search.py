"""The section ``search``: how the search goes. Its keys are the fields of evolve's ``SearchSettings``."""

from evolve.settings import SearchSettings as SearchConfig

__all__ = ["SearchConfig"]
