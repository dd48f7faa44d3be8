"""What a composite asks of a causal language model of transformers, whatever its architecture.

This file travels inside exported artifacts: it imports nothing but torch and transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

_POSITIONS = ("max_position_embeddings", "max_seq_len", "seq_length")
_UNBOUNDED = 1 << 20  # Positions of models that read texts of any length, as recurrent ones do.


def config_from(document: Mapping[str, Any]) -> PreTrainedConfig:
    """A member's configuration from its JSON form; one that names no type is that of a GPT-2."""
    settings = {name: value for name, value in document.items() if name not in ("model_type", "auto_map")}
    return CONFIG_MAPPING[document.get("model_type", "gpt2")](**settings)


def model_from(document: Mapping[str, Any], *, attention: str | None = None) -> PreTrainedModel:
    """A model with random weights; only classes of transformers itself are used.

    Args:
        document: Its configuration.
        attention: An implementation that transformers knows; where a class has no ``"sdpa"``, it takes its usual one.
    """
    wanted = None if attention == "sdpa" else attention
    model: PreTrainedModel = AutoModelForCausalLM.from_config(
        config_from(document), attn_implementation=wanted, trust_remote_code=False
    )
    return model


def num_positions(config: PreTrainedConfig) -> int:
    """The longest text that a model reads, in tokens."""
    return next((int(found) for name in _POSITIONS if (found := getattr(config, name, None))), _UNBOUNDED)


@torch.no_grad()
def head_problem(model: PreTrainedModel) -> str | None:
    """Why a model is no trunk with a head on it, in words; None where it is one, which a few tokens show.

    Some architectures cap or scale their logits after the head. A composite calls the two parts by themselves.
    """
    head = model.get_output_embeddings()
    if head is None or model.base_model is model:
        return f"{type(model).__name__} has no head of its own"
    tokens = torch.arange(min(4, model.config.vocab_size))[None]
    found = head(model.base_model(input_ids=tokens, use_cache=False).last_hidden_state)
    wanted = model(input_ids=tokens, use_cache=False).logits
    if found.shape == wanted.shape and torch.allclose(found, wanted, rtol=1e-3, atol=1e-3, equal_nan=True):
        return None
    return f"{type(model).__name__} changes its logits after the head"
