"""Workers that evaluate: ``open_pool`` gives a pool, in this process or on Ray, behind one contract; where nobody
asked for either, ``evolve.workers.choice`` chooses by measurement.

``RayPool`` is imported when it is asked for, so that a serial run needs no Ray.
"""

from __future__ import annotations

from evolve.evaluator import EvaluatorFactory
from evolve.workers.pool import Completed, WorkerPool, WorkersUnavailableError
from evolve.workers.serial import SerialPool
from evolve.workers.settings import WorkerSettings

__all__ = ["Completed", "SerialPool", "WorkerPool", "WorkerSettings", "WorkersUnavailableError", "open_pool"]


def open_pool(
    factory: EvaluatorFactory, settings: WorkerSettings, *, serial: bool = False, address: str | None = None
) -> WorkerPool:
    """A pool that is ready for work; close it, or use it as a context manager.

    Args:
        factory: Makes the evaluator in each worker.
        settings: Workers and what they get.
        serial: Evaluate in this process instead of in Ray actors.
        address: A Ray cluster to join, e.g. ``"auto"``; None starts Ray on this machine.

    Raises:
        ValueError: An address is given for a serial pool.
        WorkersUnavailableError: No worker can be had.
    """
    if serial:
        if address is not None:
            raise ValueError(f"address is {address!r} for a serial pool; allowed is None. Drop one of the two.")
        return SerialPool(factory, settings)
    from evolve.workers.ray_pool import RayPool

    return RayPool(factory, settings, address=address)
