"""``evolve runs history``: the births of a run as a pandas table, or DEAP's logbook, in a file or printed."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from evolve.history import history, logbook
from evolve.log_reading import RunLogReader
from experiments.problems import problem_of_run

FORMATS = ("csv", "parquet", "json", "logbook")


def run_history(directory: Path) -> pd.DataFrame:
    """One row per birth, with columns on its genome where the run's members are still to be found.

    Raises:
        RunMissingError: There is no run in the directory.
    """
    problem = problem_of_run(directory)
    with RunLogReader(directory) as log:
        document = log.meta["config"]
    return history(directory, space=problem.described_space(document))


def send_history(directory: Path, *, tensorboard: Path | None = None, mlflow: str | None = None) -> None:
    """Write the history as series to the trackers that are asked for.

    Args:
        directory: The run directory.
        tensorboard: Log directory of TensorBoard.
        mlflow: Tracking address of MLflow.

    Raises:
        ModuleNotFoundError: The tracker is not installed.
        FileExistsError: TensorBoard has a folder of that name already.
    """
    from experiments.runs.trackers import export_to_mlflow, export_to_tensorboard

    if tensorboard is not None:
        print(f"Wrote {export_to_tensorboard(directory, tensorboard)} points; tensorboard --logdir {tensorboard}")
    if mlflow is not None:
        print(f"Logged {export_to_mlflow(directory, mlflow)} points to {mlflow}")


def write_history(directory: Path, *, file_format: str, to: Path | None) -> None:
    """Write the history of a run.

    Args:
        directory: The run directory.
        file_format: ``csv``, ``parquet`` or ``json`` (records) with a row per birth, or ``logbook``: a line per
            population with the least, mean and greatest value of each objective.
        to: The file; standard output where None (not for parquet).

    Raises:
        ValueError: The format is unknown, or parquet without a file.
    """
    if file_format not in FORMATS:
        raise ValueError(f"--format is {file_format!r}; allowed are {', '.join(FORMATS)}.")
    if file_format == "parquet" and to is None:
        raise ValueError("--format parquet writes no text; give a file with --to history.parquet.")
    if file_format == "logbook":
        book = logbook(directory)
        _write(str(book) if book else "No birth was committed yet.", to)
        return
    table = run_history(directory)
    if file_format == "parquet":
        table.to_parquet(to)
    elif file_format == "csv":
        table.to_csv(to or sys.stdout)
    else:
        _write(table.reset_index().to_json(orient="records", indent=2), to)


def _write(text: str, to: Path | None) -> None:
    if to is None:
        print(text)
    else:
        to.write_text(text + "\n", encoding="utf-8")
