"""What may be set otherwise when a run is resumed; everything else would make it another run."""

from __future__ import annotations

CHANGEABLE_KEYS = (
    "name",
    "budget",
    "report",
    "workers.count",
    "workers.deadline_seconds",
    "workers.max_retries",
    "workers.startup_seconds",
)
"""What may differ when a run is resumed: nothing in these decides what a birth or the result of an evaluation is."""


MAY_CHANGE = (*CHANGEABLE_KEYS, *(f"{key}.*" for key in CHANGEABLE_KEYS))
"""The same as patterns of key paths."""
