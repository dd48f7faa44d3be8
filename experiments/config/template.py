"""The text that ``evolve init`` writes: the commented quickstart, under a name of the user's choice."""

from __future__ import annotations

import re
from pathlib import Path

QUICKSTART = Path(__file__).parent.parent / "quickstart.yaml"


def init_template(name: str = "quickstart") -> str:
    """The commented quickstart experiment with its ``name`` replaced."""
    return re.sub(r"^name: .*$", f"name: {name}", QUICKSTART.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
