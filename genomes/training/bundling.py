"""Copying a trained member to where a package can carry it: half the bytes, and plain files only."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from genomes.members.quiet import quiet_transformers
from genomes.training.training import RECIPE_FILE


def bundle_member(directory: Path, target: Path) -> None:
    """Write a member with its weights in float16, its tokenizer and, where there is one, its recipe.

    Whoever loads it gets float32 again. Rounding to float16 changes logits by about one part in a thousand.

    Args:
        directory: A trained member.
        target: Where the copy goes; made, and replaced file by file where it exists.
    """
    with quiet_transformers():
        model = GPT2LMHeadModel.from_pretrained(
            directory, dtype=torch.float16, local_files_only=True, use_safetensors=True
        )
        model.save_pretrained(target)
    AutoTokenizer.from_pretrained(directory, local_files_only=True).save_pretrained(target)
    if (directory / RECIPE_FILE).is_file():
        shutil.copyfile(directory / RECIPE_FILE, target / RECIPE_FILE)
    for path in target.iterdir():
        path.chmod(0o644)  # safetensors writes files that only their owner may read, and packages keep the mode.
