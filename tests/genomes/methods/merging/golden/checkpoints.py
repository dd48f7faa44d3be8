"""The tiny GPT-2 checkpoints that the golden files were merged from; a name and numpy decide every weight.

Used by make_golden.py, which runs where mergekit is installed, and by the test; imports nothing of this project.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

NAMES = ("base", "ada", "bob")


def checkpoint(name: str) -> GPT2LMHeadModel:
    """The checkpoint of a name: ``base`` at random, the others near it, as if fine-tuned from it."""
    config = GPT2Config(vocab_size=96, n_positions=12, n_embd=32, n_layer=2, n_head=2, n_inner=64)
    config.bos_token_id = config.eos_token_id = 0
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for place, (tensor, target) in enumerate(model.named_parameters()):
            is_gain = ".ln_" in tensor and tensor.endswith("weight")
            values = is_gain + 0.2 * _normal(0, place, target.shape)
            if name != "base":
                values = values + 0.05 * _normal(NAMES.index(name), place, target.shape)
            if tensor == "transformer.h.0.attn.c_attn.bias" and name == "ada":
                values = np.zeros_like(values)  # A vector without direction.
            if tensor == "transformer.ln_f.weight":
                values = 1.0 + 0.001 * values  # Nearly parallel ones.
            target.copy_(torch.from_numpy(values.astype(np.float32)))
    return model.eval().requires_grad_(False)


def _normal(member: int, place: int, shape: torch.Size) -> np.ndarray:
    return np.random.Generator(np.random.Philox([member, place])).standard_normal(tuple(shape))
