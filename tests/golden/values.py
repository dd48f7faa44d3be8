"""Golden files: reading and writing them, and hashes of what is too long to be kept whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def golden(name: str) -> dict[str, Any]:
    """The recorded values in ``<name>.json``."""
    values: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return values


def write_golden(name: str, values: Mapping[str, Any]) -> None:
    """Record values in place of those in ``<name>.json``."""
    text = json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def digest_of(parts: Iterable[str]) -> str:
    """One hash over texts in their order."""
    return hashlib.blake2b(json.dumps(list(parts)).encode(), digest_size=16).hexdigest()
