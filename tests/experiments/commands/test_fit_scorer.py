"""``evolve scorer fit``: a scorer for the texts of an experiment, which the other commands read."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from tests.experiments.tiny_experiment import evolve, write_experiment
from tests.fitness.coherence.tiny_encoder import written


def test_a_scorer_is_fitted_and_scores(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    threads = torch.get_num_threads()
    written = evolve("scorer", "fit", "tiny.yaml", "--to", "mine", cwd=tmp_path).stdout
    assert written.startswith("Wrote mine: scorer ")
    assert written.endswith("fitted to talk\n")
    assert torch.get_num_threads() == threads
    (tmp_path / "reply.jsonl").write_text('{"ctx": ["Do you like chess?"], "resp": "I have loved chess for years."}\n')
    evolve("scorer", "score", "reply.jsonl", "--to", "scored.jsonl", "--scorer", "mine", cwd=tmp_path)
    scored = json.loads((tmp_path / "scored.jsonl").read_text(encoding="utf-8"))
    assert scored["scorer"] in written
    again = evolve("scorer", "fit", "tiny.yaml", "--to", "mine", cwd=tmp_path, check=False)
    assert again.returncode == 2
    assert "mine is there and not empty" in again.stderr


def test_a_scorer_is_fitted_with_another_embedding(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    written(tmp_path / "encoder", XLMRobertaModel, XLMRobertaConfig, max_position_embeddings=80)
    settings = ("--set", "fitness.scorer=fit", "--set", "fitness.embedding=encoder")
    said = evolve("scorer", "fit", "tiny.yaml", "--to", "mine", *settings, cwd=tmp_path).stdout
    (tmp_path / "reply.jsonl").write_text('{"ctx": ["Do you like chess?"], "resp": "I have loved chess for years."}\n')
    evolve("scorer", "score", "reply.jsonl", "--to", "scored.jsonl", "--scorer", "mine", cwd=tmp_path)
    assert json.loads((tmp_path / "scored.jsonl").read_text(encoding="utf-8"))["scorer"] in said
    configuration = json.loads((tmp_path / "mine" / "scorer.json").read_text(encoding="utf-8"))
    assert configuration["encoder"] == str(tmp_path / "encoder")
    settings = ("--set", "fitness.scorer=fit", "--set", "fitness.embedding=some/model")
    refused = evolve("scorer", "fit", "tiny.yaml", "--to", "other", *settings, cwd=tmp_path, check=False)
    assert refused.returncode == 2
    assert "The embedding 'some/model' is no directory" in " ".join(refused.stderr.split())
