"""``evolve init``: an experiment file to start from."""

from __future__ import annotations

import re
from pathlib import Path

from experiments.config import init_template


def init_experiment(path: Path) -> None:
    """Write the commented quickstart to ``path``, named after the file.

    Raises:
        FileExistsError: Something is there already; nothing is overwritten.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists and is not overwritten. Name another file, or delete it first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", path.stem).lstrip("_.-") or "experiment"
    path.write_text(init_template(name), encoding="utf-8")
