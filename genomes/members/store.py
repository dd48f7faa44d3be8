"""A content-addressed cache on disk: the same thing is never made twice.

What is in the store is complete: things are made in a directory beside it and renamed into place under a lock of
their key. A maker that dies leaves nothing that is read; one that comes second waits, and finds the work done.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

CACHE_VARIABLE = "COMPOSITE_EVOLVE_CACHE"


def default_store_root() -> Path:
    """``$COMPOSITE_EVOLVE_CACHE``, or ``~/.cache/composite-evolve``."""
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "composite-evolve")


class Store:
    """Directories by kind and key.

    Attributes:
        root: Where everything is kept; made when it is first written to.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = default_store_root() if root is None else root

    def find(self, kind: str, key: str) -> Path | None:
        """The complete directory of a key, or None where it was never made."""
        directory = self.root / kind / key
        return directory if directory.is_dir() else None

    def ensure(self, kind: str, key: str, make: Callable[[Path], object]) -> Path:
        """The directory of a key, made with ``make(directory)`` where it is not there yet.

        Args:
            kind: What it is, e.g. ``"members"``; a folder's name.
            key: A hash over all that decides the content.
            make: Is handed an empty directory and fills it. Where it raises, nothing stays.
        """
        found = self.find(kind, key)
        if found is not None:
            return found
        directory = self.root / kind / key
        partial = self.root / "partial" / f"{kind}-{key}"
        lock = self.root / "locks" / f"{kind}-{key}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if directory.is_dir():  # Somebody else made it while this process waited.
                return directory
            shutil.rmtree(partial, ignore_errors=True)  # Left by a maker that was killed.
            partial.mkdir(parents=True)
            try:
                make(partial)
                directory.parent.mkdir(parents=True, exist_ok=True)
                partial.rename(directory)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
        return directory
