"""Which processes run, from Linux's /proc."""

from __future__ import annotations

import threading
import time
from collections.abc import Set
from pathlib import Path


def descendants(pid: int) -> set[int]:
    """Every process below this one, from Linux's /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found: set[int] = set()
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found.update(below)
        todo.extend(below)
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def still_running(pids: Set[int], *, within_seconds: float = 10.0) -> set[int]:
    """Those that did not end in time; returns as soon as all did."""
    deadline = time.monotonic() + within_seconds
    while (running := {pid for pid in pids if is_running(pid)}) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return running
