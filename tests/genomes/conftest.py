"""A member of a few thousand parameters on disk, and the recipe of one that trains in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from genomes.members.tokenizers import train_tokenizer
from genomes.training.recipes import Recipe, Shape, TokenStream

TEXTS = [f"number {index} comes after number {index - 1}, and before number {index + 1}.\n" for index in range(200)]


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS, vocabulary_size=280, max_length=32)


@pytest.fixture(scope="session")
def streams(tokenizer: PreTrainedTokenizerFast) -> dict[str, TokenStream]:
    even = np.concatenate([np.array(tokenizer(text)["input_ids"], dtype=np.int32) for text in TEXTS[::2]])
    odd = np.concatenate([np.array(tokenizer(text)["input_ids"], dtype=np.int32) for text in TEXTS[1::2]])
    return {"even": even, "odd": odd}


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    shape = Shape(width=16, layers=1, heads=2, positions=16)
    return Recipe({"even": 3, "odd": 1}, tokens=640, shape=shape, batch_size=8, precision="float32", seed=3)


@pytest.fixture
def member_directory(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> Path:
    torch.manual_seed(0)
    end = tokenizer.eos_token_id
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=32,
        n_embd=16,
        n_layer=2,
        n_head=2,
        bos_token_id=end,
        eos_token_id=end,
    )
    directory = tmp_path / "member"
    GPT2LMHeadModel(config).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory
