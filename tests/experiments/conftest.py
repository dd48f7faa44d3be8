"""Fixtures of all tests of experiments/: the one browser, and one finished run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.browser import browser
from tests.experiments.report.made_up import finished

__all__ = ["browser"]


@pytest.fixture(scope="session")
def made_up_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that nobody may change."""
    return finished(tmp_path_factory.mktemp("runs") / "made-up")
