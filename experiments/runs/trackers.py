"""A run's history as the series that experiment trackers plot: in TensorBoard's files, or on an MLflow server.

Both trackers are optional and imported when they are asked for. Nothing of a run is changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.runs.story import RunStory

_MLFLOW_BATCH = 1000  # Most metrics that MLflow takes in one request.
_MLFLOW_PARAMETERS = 100  # Most parameters, likewise.


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a series: its name, after how many evaluations, and when it was known (unix seconds)."""

    series: str
    evaluations: int
    time: float
    value: float


def series_of(story: RunStory) -> Iterator[Point]:
    """Every number of a run that trackers plot, by evaluations.

    ``best/<objective>`` is the incumbent's mean of the leading objective, with ``best/standard_error``;
    ``population/...`` are quartiles and diversity; ``birth/<objective>`` are the means of every newly born genome.
    """
    leading = story.state.objectives[0].name
    begun = float(story.log.meta["created_at"])
    for best in story.best:
        moment = begun + best.elapsed_seconds
        yield Point(f"best/{leading}", best.evaluations, moment, best.mean)
        if math.isfinite(best.standard_error):
            yield Point("best/standard_error", best.evaluations, moment, best.standard_error)
    for sample in story.samples.points:
        for name in ("lower_quartile", "median", "upper_quartile", "distinct_share", "distance"):
            yield Point(f"population/{name}", sample.evaluations, begun, getattr(sample, name))
    for birth in story.births:
        if birth.outcome == "OK" and not birth.is_duplicate:
            for name, value in birth.results.means.items():
                yield Point(f"birth/{name}", birth.evaluations, begun, value)


def export_to_tensorboard(directory: Path, to: Path) -> int:
    """Write a run's series as TensorBoard event files; gives the number of points.

    Args:
        directory: The run directory.
        to: The log directory of TensorBoard; the run gets a folder of its name in it.

    Raises:
        FileExistsError: The folder is there: TensorBoard would draw both histories over each other.
        ModuleNotFoundError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise _missing("--to-tensorboard", "tensorboard") from error
    with RunStory(directory) as story:
        story.advance()
        folder = to / story.name
        if folder.exists():
            raise FileExistsError(
                f"{str(folder)!r} is there already, and TensorBoard would draw both histories over each other. "
                "Remove it, or give another folder."
            )
        points = list(series_of(story))
        with SummaryWriter(str(folder)) as writer:
            for point in points:
                writer.add_scalar(point.series, point.value, point.evaluations, walltime=point.time)
            writer.add_text("trajectory_digest", story.state.digest)
    return len(points)


def export_to_mlflow(directory: Path, uri: str) -> int:
    """Log a run's series as one MLflow run of the experiment ``composite-evolve``; gives the number of points.

    Args:
        directory: The run directory.
        uri: The tracking server or database, e.g. ``http://127.0.0.1:5000`` or ``sqlite:///mlflow.db``.

    Raises:
        ValueError: MLflow cannot use the address.
        ModuleNotFoundError: MLflow is not installed.
    """
    try:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise _missing("--to-mlflow", "mlflow") from error
    with RunStory(directory) as story:
        story.advance()
        points = list(series_of(story))
        metrics = [Metric(point.series, point.value, int(1000 * point.time), point.evaluations) for point in points]
        settings = list(_flat(story.log.meta["config"]))[:_MLFLOW_PARAMETERS]
        tags = [RunTag("trajectory_digest", story.state.digest), RunTag("run_directory", str(story.directory))]
        try:
            client = MlflowClient(tracking_uri=uri)
            experiment = client.get_experiment_by_name("composite-evolve")
            number = client.create_experiment("composite-evolve") if experiment is None else experiment.experiment_id
            run = client.create_run(number, run_name=story.name)
            client.log_batch(run.info.run_id, params=[Param(key, value) for key, value in settings], tags=tags)
            for start in range(0, len(metrics), _MLFLOW_BATCH):
                client.log_batch(run.info.run_id, metrics=metrics[start : start + _MLFLOW_BATCH])
            client.set_terminated(run.info.run_id)
        except MlflowException as error:
            raise ValueError(f"--to-mlflow is {uri!r}, and MLflow says: {error}") from error
    return len(points)


def _missing(option: str, extra: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"{option} needs a package. Install it with: pip install 'composite-evolve[{extra}]'")


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)[:500]
