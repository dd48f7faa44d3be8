"""Fixtures of all tests of experiments/: the one browser."""

from tests.experiments.browser import browser

__all__ = ["browser"]
