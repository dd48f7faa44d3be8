"""Randomness by address: every draw comes from a generator keyed by (run seed, purpose, counters).

No draw depends on which draws came before it, so nothing about random state is ever saved. DEAP functions that
draw from the global generators run inside ``seeded_globals``.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def generator(run_seed: int, purpose: str, *counters: int | str) -> np.random.Generator:
    """A fresh Philox generator (Salmon et al. 2011); equal addresses give equal streams on every machine.

    Args:
        run_seed: The seed of the whole run.
        purpose: What is drawn, e.g. ``"select"``.
        counters: Where in the run, e.g. the number of the job.
    """
    key = np.frombuffer(_digest(run_seed, purpose, *counters), dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key))


def integer_seed(run_seed: int, purpose: str, *counters: int | str) -> int:
    """A whole number in [0, 2**63) for libraries that want one; the same addressing as ``generator``."""
    return int.from_bytes(_digest(run_seed, purpose, *counters)[:8], "little") >> 1


@contextmanager
def seeded_globals(rng: np.random.Generator) -> Iterator[None]:
    """Seed ``random`` and ``numpy.random`` from ``rng``, and give both back as they were, also after an error."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the globals are the point
    random.seed(int(rng.integers(2**63)))
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _digest(*parts: int | str) -> bytes:
    # JSON keeps 1 and "1" apart, and ("a", "b") from ("ab",).
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).digest()
