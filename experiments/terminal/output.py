"""Where commands print: standard output, as wide as its terminal. Tables and sentences are made elsewhere."""

from __future__ import annotations

import os

from rich.console import Console

_COLUMNS_OF_A_FILE = 200


def standard_output() -> Console:
    """A console on standard output.

    A file or a pipe has no width, and the 80 columns that rich assumes there break every row of a table; ``COLUMNS`` in
    the environment is followed in both.
    """
    console = Console()
    is_wide = console.is_terminal or "COLUMNS" in os.environ
    return console if is_wide else Console(width=_COLUMNS_OF_A_FILE)
