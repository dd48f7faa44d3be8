"""How many workers there are, what each of them gets, and how long one may take."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What is asked of a pool of workers. ``SerialPool`` reads ``cpus_per_worker`` and ``deadline_seconds`` alone.

    Attributes:
        count: Workers, at least 1.
        deadline_seconds: Wall time that one evaluation may take; a longer one is a TIMEOUT. Greater than 0.
        cpus_per_worker: CPUs that one worker holds, and the torch threads of every evaluation; at least 1. Results
            depend on it in their last bits, so it belongs to the configuration of a run.
        gpus_per_worker: GPUs that one worker holds: 0, a share of one (0.25), or a whole number.
        max_retries: How often a request is tried again after its worker died; at least 0.
        startup_seconds: Wall time until the first worker has to be ready. Greater than 0.

    Raises:
        ValueError: A value is out of its range.
    """

    count: int = 2
    deadline_seconds: float = 60.0
    cpus_per_worker: int = 1
    gpus_per_worker: float = 0.0
    max_retries: int = 2
    startup_seconds: float = 300.0

    def __post_init__(self) -> None:
        for name, low in (("count", 1), ("cpus_per_worker", 1), ("max_retries", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name} of the workers is {value!r}; allowed are whole numbers from {low}.")
        for name in ("deadline_seconds", "startup_seconds"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} of the workers is {value!r}; allowed are finite numbers greater than 0.")
        gpus = self.gpus_per_worker
        if not (0 <= gpus <= 1 or (gpus > 1 and float(gpus).is_integer())):
            raise ValueError(
                f"gpus_per_worker of the workers is {gpus!r}; "
                "allowed are 0, shares of one GPU up to 1, and whole numbers."
            )
