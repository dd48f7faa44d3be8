"""``evolve report``: a run as one HTML file."""

from __future__ import annotations

from pathlib import Path

from experiments.report.page import write_report


def report_run(directory: Path, *, to: Path | None = None) -> Path:
    """Write the report of a run as it is now, and say where it is.

    Args:
        directory: The run directory.
        to: The file; ``report.html`` in the run directory without.

    Raises:
        RunMissingError: There is no run in the directory.
        ValueError: ``to`` is no ``.html`` file.
    """
    if to is not None and to.suffix.lower() not in {".html", ".htm"}:
        raise ValueError(f"--to is {str(to)!r}; allowed are names that end with '.html'.")
    path = write_report(directory, to=to)
    print(f"Wrote {path}, and its data as CSV in {path.with_name(path.stem + '_data')}/")
    return path
