"""Little work stays in this process, much goes to Ray, and a trial that fails goes where failing is cheap."""

from __future__ import annotations

from typing import Any

import pytest

from evolve.evaluator import EvaluationRequest
from evolve.workers import SerialPool, WorkerSettings, choice
from evolve.workers.choice import open_fitting_pool
from tests.evolve.workers.evaluators import ScriptedFactory, request

SETTINGS = WorkerSettings(2, 60.0)


def opened(monkeypatch: pytest.MonkeyPatch, trial: EvaluationRequest, num_evaluations: int) -> tuple[Any, str]:
    monkeypatch.setattr(choice, "open_pool", lambda factory, settings: "ray")
    return open_fitting_pool(ScriptedFactory(), SETTINGS, trial=trial, num_evaluations=num_evaluations)


def test_little_work_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, why = opened(monkeypatch, request("value", number=1.0), 10)
    with pool:
        assert isinstance(pool, SerialPool)
    assert why.startswith("evaluating in this process: 10 evaluations of 0.0")


def test_much_work_goes_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, why = opened(monkeypatch, request("value", number=1.0), 10**9)
    assert pool == "ray"
    assert why.startswith("evaluating in 2 Ray workers: 1000000000 evaluations of 0.0")


def test_a_trial_that_fails_goes_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, why = opened(monkeypatch, request("fail"), 10)
    assert pool == "ray"
    assert "the trial failed (KeyError: 'no such member'" in why


def test_workers_with_a_gpu_are_ray_s_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        raise AssertionError("an evaluator was made here")

    monkeypatch.setattr(choice, "open_pool", lambda factory, settings: "ray")
    settings = WorkerSettings(2, 60.0, gpus_per_worker=0.25)
    pool, why = open_fitting_pool(never, settings, trial=request("value"), num_evaluations=1)  # type: ignore[arg-type]
    assert pool == "ray"
    assert why == "evaluating in 2 Ray workers: each holds 0.25 GPU"
