"""The main job with members of several architectures: launch, export, chat, one merged model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tests.experiments.tiny_experiment import evolve, write_experiment
from tests.genomes.tiny_architectures import ARCHITECTURES, saved


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("architectures")
    write_experiment(
        directory,
        space={"methods": ["mean", "evidence_gate", "stack"], "max_drafts": 1, "response": {"max_new_tokens": 8}},
        search={"population": 6, "tournament": 3, "lag": 4, "stages": [{"panel": "likelihood", "births": 12}]},
    )
    members = directory / "members"
    tokenizer = AutoTokenizer.from_pretrained(members / "one")
    for name, model_type in {"two": "llama", "three": "opt"}.items():
        shutil.rmtree(members / name)
        sizes = ARCHITECTURES[model_type] | {"max_position_embeddings": 160}
        saved(members / name, model_type, tokenizer=tokenizer, **sizes)
    evolve("launch", "tiny.yaml", "--serial", cwd=directory)
    return directory


def test_they_are_searched_together(home: Path) -> None:
    history = evolve("runs", "history", "runs/tiny", "--format", "csv", cwd=home).stdout
    assert all(name in history for name in ("one", "two", "three"))
    status = json.loads(evolve("status", "runs/tiny", "--json", cwd=home).stdout)
    assert status["failures"] == 0


def test_the_winner_is_exported_and_answers(home: Path) -> None:
    evolve("export", "runs/tiny", "--to", "winner", cwd=home)
    evolve("chat", "winner", "--prompt", "Do you like rain?", cwd=home)
    config = json.loads((home / "winner" / "config.json").read_text())
    assert set(config["members"]) <= {"one", "two", "three"}


def test_distilling_gives_a_gpt2(home: Path) -> None:
    evolve("export", "runs/tiny", "--to", "student", "--as", "distilled", "--tokens", "2000", cwd=home)
    assert json.loads((home / "student" / "config.json").read_text())["model_type"] == "gpt2"
