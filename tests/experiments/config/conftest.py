"""What tests of experiment files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.config.least import LEAST


@pytest.fixture
def least(tmp_path: Path) -> Path:
    path = tmp_path / "least.yaml"
    path.write_text(LEAST)
    return path
