"""Files and directories that are written in one step: whoever looks finds the old one or the new one, and never a half.

Trained members are made once rather than replaced: that is genomes/members/store.py's business.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A file to write that becomes ``path`` at the end, and vanishes where something goes wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.new")
    try:
        yield scratch
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 in one step; what was there is replaced."""
    with replaced_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def write_json(path: Path, document: Any, *, indent: int | None = 2) -> None:
    """Write a JSON document in one step; what was there is replaced."""
    write_text(path, json.dumps(document, indent=indent) + "\n")


@contextmanager
def replaced_directory(directory: Path) -> Iterator[Path]:
    """An empty directory to fill that becomes ``directory`` at the end, and vanishes where something goes wrong."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        written = scratch / "new"
        written.mkdir()
        yield written
        if directory.exists():
            directory.rename(scratch / "old")
        written.rename(directory)
    finally:
        shutil.rmtree(scratch)


def require_free(directory: Path, *, overwrite: bool) -> None:
    """Pass over a directory that may be written in silence.

    Raises:
        FileExistsError: The directory is there and not empty, and ``overwrite`` is False.
    """
    if directory.exists() and not overwrite and (not directory.is_dir() or any(directory.iterdir())):
        raise FileExistsError(
            f"{directory} is there and not empty; an artifact is written to a new directory. Give another one, or "
            "replace it with --overwrite."
        )
