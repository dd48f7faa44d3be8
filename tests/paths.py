"""Where things lie in the checkout, for tests that read documentation, experiment files or sources."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
