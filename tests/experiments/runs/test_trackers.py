"""The history in experiment trackers, read back with their own readers."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from experiments.commands.history import send_history
from experiments.runs.story import RunStory
from experiments.runs.trackers import series_of
from tests.experiments.report.made_up import finished


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished(tmp_path_factory.mktemp("tracked") / "run", births=20)


def test_tensorboard_reads_what_was_written(run: Path, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    send_history(run, tensorboard=tmp_path)
    events = accumulator.EventAccumulator(str(tmp_path / "made-up")).Reload()
    with RunStory(run) as story:
        story.advance()
    expected = [point for point in series_of(story) if point.series == "best/coherence"]
    read = events.Scalars("best/coherence")
    assert [event.step for event in read] == [point.evaluations for point in expected]
    assert [event.value for event in read] == pytest.approx([point.value for point in expected])
    with pytest.raises(FileExistsError, match=r"made-up' is there already"):
        send_history(run, tensorboard=tmp_path)


def test_mlflow_reads_what_was_logged(run: Path, tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="the extra mlflow is not installed")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    send_history(run, mlflow=uri)
    client = tracking.MlflowClient(tracking_uri=uri)
    (logged,) = client.search_runs([client.get_experiment_by_name("composite-evolve").experiment_id])
    with RunStory(run) as story:
        story.advance()
    assert logged.data.tags["trajectory_digest"] == story.state.digest
    assert logged.data.metrics["best/coherence"] == pytest.approx(story.best[-1].mean)
    with pytest.raises(ValueError, match="--to-mlflow is 'nowhere://x', and MLflow says"):
        send_history(run, mlflow="nowhere://x")


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("torch.utils.tensorboard", {"tensorboard": Path("logs")}, "tensorboard"),
        ("mlflow.entities", {"mlflow": "sqlite:///x"}, "mlflow"),
    ],
)
def test_a_tracker_that_is_missing_is_named_with_its_extra(
    run: Path, monkeypatch: pytest.MonkeyPatch, module: str, arguments: dict[str, Any], extra: str
) -> None:
    importing = builtins.__import__

    def without(name: str, *further: Any, **named: Any) -> Any:
        if name == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importing(name, *further, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=rf"--to-{extra} needs .* 'composite-evolve\[{extra}\]'"):
        send_history(run, **arguments)
