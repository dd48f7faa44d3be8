"""What of a document, a table or a directory does not depend on the last bits of floats, and what varies by chance."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

TIMES = re.compile(r"seconds$|^started_at$|^finished_at$|^t_")
"""Columns that tell wall time."""


def shape_of(document: Any) -> Any:
    """Keys at every level and types of values; of a list the shapes that its items have."""
    if isinstance(document, dict):
        return {key: shape_of(value) for key, value in document.items()}
    if isinstance(document, list):
        shapes = {json.dumps(shape_of(item), sort_keys=True) for item in document}
        return [json.loads(shape) for shape in sorted(shapes)]
    return type(document).__name__


def sha256(data: str | bytes) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def tables_in(directory: Path) -> dict[str, dict[str, Any]]:
    """Every CSV of a report by name: its columns, and a hash of it without those that tell wall time."""
    return {path.name: table_told(pd.read_csv(path, dtype=str)) for path in sorted(directory.glob("*.csv"))}


def table_told(table: pd.DataFrame) -> dict[str, Any]:
    """Columns of a table, and a hash of it without those that tell wall time."""
    lasting = table.drop(columns=[name for name in table if TIMES.search(name)])
    return {"columns": list(table), "sha256": sha256(lasting.to_csv(index=False))}


def files_in(directory: Path) -> dict[str, str]:
    """A hash by name of every file that holds no code; the card without versions, wall time and what paths decide."""
    files = [path for path in sorted(directory.rglob("*")) if path.is_file() and path.suffix != ".py"]
    return {str(path.relative_to(directory)): sha256(_lasting(path)) for path in files}


def _lasting(path: Path) -> bytes:
    if path.name != "README.md":
        return path.read_bytes()
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?<=## Versions\n\n).*", "VERSIONS", text)
    text = re.sub(
        r"(?<=, configuration )`[0-9a-f]+`", "CONFIGURATION", text
    )  # It hashes the paths of data and members.
    text = re.sub(r"(?<=prompts), \d+ s$", ", SECONDS", text, flags=re.MULTILINE)
    return text.encode()
