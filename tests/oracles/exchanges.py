"""Twenty questions with their answers in each of two languages that the bundled scorer does not know."""

from __future__ import annotations

import json
from pathlib import Path

LANGUAGES = ("German", "Chinese")


def exchanges_in(language: str) -> list[tuple[str, str]]:
    """Questions, each with its answer."""
    texts = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return [(question, answer) for question, answer in texts[language]]
