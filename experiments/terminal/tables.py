"""How tables of all commands write numbers and directions."""

from __future__ import annotations

ARROWS = {"maximise": "↑", "minimise": "↓"}
"""How tables say which way is better."""


def number_text(value: float) -> str:
    """A number in four digits, or whole with thousands marked where it has more."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
