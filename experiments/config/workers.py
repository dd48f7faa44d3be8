"""The section ``workers``: what evaluates. Its keys are the fields of evolve's ``WorkerSettings``."""

from evolve.workers.settings import WorkerSettings as WorkersConfig

__all__ = ["WorkersConfig"]
