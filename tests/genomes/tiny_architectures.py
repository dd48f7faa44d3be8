"""Random members of other architectures than GPT-2, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedTokenizerBase

from tests.genomes.tiny_members import tiny_tokenizer

USUAL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 96,
    "initializer_range": 0.4,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "gpt2": USUAL,
    "llama": USUAL | {"intermediate_size": 24, "num_key_value_heads": 1},
    "qwen2": USUAL | {"intermediate_size": 24, "num_key_value_heads": 1, "tie_word_embeddings": True},
    "gpt_neox": USUAL | {"intermediate_size": 24},
    "opt": USUAL | {"ffn_dim": 24, "word_embed_proj_dim": 16},
    "mistral": USUAL | {"intermediate_size": 24, "num_key_value_heads": 1, "sliding_window": 8},
    "phi": USUAL | {"intermediate_size": 24},
    "bloom": {name: size for name, size in USUAL.items() if name != "max_position_embeddings"},
}
"""Sizes of a tiny model of each type."""


def saved(
    directory: Path,
    model_type: str,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
    seed: int = 0,
    **changes: Any,
) -> Path:
    """The directory, with a model in it as ``save_pretrained`` writes it."""
    tokenizer = tokenizer or tiny_tokenizer()
    end = tokenizer.eos_token_id
    torch.manual_seed(seed)
    config = CONFIG_MAPPING[model_type](
        vocab_size=len(tokenizer), bos_token_id=end, eos_token_id=end, pad_token_id=end, **changes
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
