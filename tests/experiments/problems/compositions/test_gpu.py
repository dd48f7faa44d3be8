"""Members on a worker's GPU, with this machine's CPU standing in for it: what is asked for, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from evolve.evaluator import EvaluationRequest
from experiments.config import load_experiment
from experiments.problems.compositions.batches import NoGpuError
from experiments.problems.compositions.evaluator import CompositionEvaluatorFactory
from experiments.problems.compositions.preparation import prepare
from fitness.objectives.testing import ScriptedScorer
from genomes.graph.genome import Genome
from genomes.running import compilation
from genomes.running.phenotype import Phenotype
from tests.experiments.tiny_experiment import write_experiment


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_experiment(tmp_path_factory.mktemp("gpu"), workers={"gpus_per_worker": 0.5})


@pytest.fixture(scope="module")
def factory(path: Path) -> CompositionEvaluatorFactory:
    return prepare(load_experiment(path), is_serial=True).factory


def test_a_gpu_is_asked_for_in_the_experiment_and_part_of_the_version(
    path: Path, factory: CompositionEvaluatorFactory
) -> None:
    assert factory.gpu_precision == "bfloat16"
    for setting, precision in (("members.gpu_precision=float32", "float32"), ("workers.gpus_per_worker=0", None)):
        other = prepare(load_experiment(path, [setting]), is_serial=True).factory
        assert other.gpu_precision == precision
        assert other.version != factory.version


def test_without_a_gpu_no_evaluator_is_made(
    factory: CompositionEvaluatorFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoGpuError, match="sees no GPU"):
        factory()


def test_answers_are_made_in_batches_that_fit_of_members_in_bfloat16(
    factory: CompositionEvaluatorFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, real = [], compilation.compile_genome

    def on_stand_in(genome: Genome, catalogue: Any, *, device: str, **settings: Any) -> Phenotype:
        compiled.append((device, settings["dtype"]))
        model = real(genome, catalogue, device="cpu", **settings)
        answer = model.answer
        sizes.append([])

        def with_little_memory(contexts: Any, *, seeds: Any) -> list[str]:
            sizes[-1].append(len(contexts))
            if len(contexts) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
            return answer(contexts, seeds=seeds)

        model.answer = with_little_memory  # type: ignore[method-assign]
        return model

    sizes: list[list[int]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(compilation, "compile_genome", on_stand_in)
    monkeypatch.setattr("fitness.coherence.scorer.CoherenceScorer.load", lambda directory: ScriptedScorer())
    evaluator = factory()
    genome = factory.space.to_json(dict(factory.space.founders())["uniform-mean"])
    first, second = (evaluator.evaluate(EvaluationRequest(genome, "search", 0)) for _ in range(2))
    assert first.is_ok, first.error
    assert first.scores == second.scores
    assert compiled == [("cuda", torch.bfloat16)] * 2
    assert sizes == [[4, 2, 1, 1, 1, 1], [1, 1, 1, 1]]
