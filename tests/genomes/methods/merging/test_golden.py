"""Every method against what mergekit 0.1.5 made of the same checkpoints (golden/make_golden.py)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel

from genomes.graph.recipe import MergeRecipe
from genomes.methods.merging.dare_ties import rescaled
from genomes.methods.merging.ties import agreeing_sum
from genomes.running.merging.models import merged_model
from tests.genomes.methods.merging.golden.checkpoints import checkpoint

GOLDEN = Path(__file__).parent / "golden"
LAYERS = {"attention": {"ada": 3.0}, "late": {"bob": 0.5}, "embeddings": {"base": 4.0}}
CASES = {
    "linear": ("linear", {}, {"base": 1.0, "ada": 2.0, "bob": 0.5}, None, {}),
    "linear_layers": ("linear", {}, {"base": 1.0, "ada": 2.0, "bob": 0.5}, None, LAYERS),
    "slerp": ("slerp", {}, {"base": 7.0, "ada": 3.0}, None, {}),
    "task_arithmetic": ("task_arithmetic", {}, {"base": 1.0, "ada": 0.6, "bob": 0.9}, "base", {}),
    "ties": ("ties", {"density": 0.5}, {"base": 1.0, "ada": 1.0, "bob": 1.0}, "base", {}),
    "ties_weighted": ("ties", {"density": 0.3}, {"base": 1.0, "ada": 1.0, "bob": 0.5}, "base", {}),
    "dare_ties_dense": (
        "dare_ties",
        {"density": 1.0, "mask_seed": 3},
        {"base": 2.0, "ada": 2.0, "bob": 1.0},
        "base",
        {},
    ),
}
CLOSE = {"atol": 1e-5, "rtol": 0.0}


@lru_cache
def model(name: str) -> GPT2LMHeadModel:
    return checkpoint(name)


@pytest.mark.parametrize("case", CASES)
def test_equals_mergekit(case: str) -> None:
    golden = load_file(GOLDEN / f"{case}.safetensors")
    merged = merged_model(MergeRecipe(*CASES[case]), {name: model(name) for name in ("base", "ada", "bob")})
    found = dict(merged.named_parameters())
    assert sorted(found) == sorted(golden)
    for name, expected in golden.items():
        torch.testing.assert_close(found[name], expected, **CLOSE, msg=lambda text, name=name: f"{name}: {text}")


def test_dare_ties_equals_mergekit_under_the_masks_that_it_drew() -> None:
    golden = load_file(GOLDEN / "dare_ties.safetensors")
    weights = {"ada": 1.0, "bob": 0.5}
    base = dict(model("base").named_parameters())
    kept = [mask.float().mean() for name, mask in golden.items() if name.startswith("mask") and mask.numel() > 1000]
    assert all(abs(share - 0.6) < 0.05 for share in kept)
    for name, start in base.items():
        deltas = [
            rescaled(dict(model(member).named_parameters())[name] - start, golden[f"mask {member} {name}"].float())
            for member in weights
        ]
        torch.testing.assert_close(start + agreeing_sum(deltas, list(weights.values()))[0], golden[name], **CLOSE)


def test_the_checkpoints_reach_the_special_cases() -> None:
    """Slerp's are a vector without direction and nearly parallel ones; the golden files cover both."""
    assert not dict(model("ada").named_parameters())["transformer.h.0.attn.c_attn.bias"].any()
    norms = [dict(model(name).named_parameters())["transformer.ln_f.weight"] for name in ("base", "ada")]
    assert torch.cosine_similarity(*norms, dim=0) > 0.9995
