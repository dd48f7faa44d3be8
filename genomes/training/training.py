"""Training one member with ``transformers.Trainer`` into a directory that ``from_pretrained`` reads.

Where the directory is kept and whether training is needed at all is store.py's business.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

from genomes.members.files import check_architecture
from genomes.members.quiet import quiet_transformers
from genomes.running.text_format import marker_tokens
from genomes.training.chains import Chain, Sequences, chained_sequences
from genomes.training.recipes import Recipe, TokenStream, training_blocks

RECIPE_FILE = "recipe.json"
_NOT_LEARNT = -100  # What transformers leaves out of the loss.


def train_member(
    recipe: Recipe,
    streams: Mapping[str, TokenStream],
    tokenizer: PreTrainedTokenizerBase,
    directory: Path,
    *,
    marker: str = "",
    chain: Chain | None = None,
    parent_directory: Path | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Train a member and write it, its tokenizer and its recipe to ``directory``.

    Args:
        recipe: What to train.
        streams: Training tokens by domain; not looked at where there is a chain.
        tokenizer: The tokenizer that made the streams.
        directory: Created; holds a plain ``GPT2LMHeadModel`` afterwards.
        marker: Marker of the recipe's role; stands before every sequence.
        chain: The members upstream and what they draft for, where the recipe has an ``upstream``.
        parent_directory: The trained parent, where the recipe names one.
        on_progress: Called with the share of the updates done, in [0, 1].

    Returns:
        The provenance record that was written to ``recipe.json``.

    Raises:
        ValueError: The parent is missing or has another shape, or there is too little text.
    """
    sequences = _sequences(recipe, streams, tokenizer, marker_tokens(marker, tokenizer), chain)
    set_seed(recipe.seed)
    with quiet_transformers():
        model = _initial_model(recipe, tokenizer, parent_directory)
    model.loss_type = "ForCausalLM"  # Unset in a parent's config, about which transformers would warn.
    max_steps = max(1, len(sequences.tokens) // recipe.batch_size)
    with tempfile.TemporaryDirectory(prefix="composite-evolve-training-") as scratch:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=scratch,
                max_steps=max_steps,
                per_device_train_batch_size=recipe.batch_size,
                learning_rate=recipe.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=int(recipe.warmup_fraction * max_steps),
                weight_decay=recipe.weight_decay,
                bf16=recipe.precision == "bfloat16",
                seed=recipe.seed,
                data_seed=recipe.seed,
                save_strategy="no",
                logging_strategy="steps",
                logging_steps=max(1, max_steps // 20),
                report_to=[],
                disable_tqdm=True,
                use_cpu=not torch.cuda.is_available(),
                dataloader_pin_memory=torch.cuda.is_available(),
            ),
            train_dataset=Blocks(sequences.tokens, sequences.is_learnt),
            callbacks=[Progress(on_progress)] if on_progress else [],
        )
        # The printing callback writes to standard output, which belongs to the caller.
        trainer.remove_callback(PrinterCallback)
        with quiet_transformers():
            result = trainer.train()
    with quiet_transformers():
        model.eval().float().save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    provenance = {
        "recipe": asdict(recipe),
        "training": {
            "updates": max_steps,
            "tokens": max_steps * recipe.batch_size * recipe.shape.positions,
            "loss_nats_per_token": [
                round(float(entry["loss"]), 4) for entry in trainer.state.log_history if "loss" in entry
            ],
            "mean_loss_nats_per_token": round(float(result.training_loss), 4),
        },
    }
    (directory / RECIPE_FILE).write_text(json.dumps(provenance, indent=2, sort_keys=True) + "\n")
    return provenance


def _sequences(
    recipe: Recipe,
    streams: Mapping[str, TokenStream],
    tokenizer: PreTrainedTokenizerBase,
    marker: Sequence[int],
    chain: Chain | None,
) -> Sequences:
    if (recipe.upstream is None) != (chain is None):
        raise ValueError(f"Recipe has the upstream {recipe.upstream!r}, but the chain given is {chain!r}.")
    if chain is not None:
        return chained_sequences(recipe, chain, tokenizer, marker=marker)
    blocks = training_blocks(recipe, streams, marker=marker)
    is_learnt = np.ones(blocks.shape, dtype=np.bool_)
    is_learnt[:, : len(marker)] = False
    return Sequences(blocks, is_learnt)


def _initial_model(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, parent_directory: Path | None
) -> GPT2LMHeadModel:
    shape = recipe.shape
    if (recipe.parent is None) != (parent_directory is None):
        raise ValueError(f"Recipe names the parent {recipe.parent!r}, but the directory given is {parent_directory}.")
    if parent_directory is not None:
        parent = check_architecture(parent_directory, name=str(recipe.parent), source=str(parent_directory))
        if parent["model_type"] != "gpt2":
            raise ValueError(
                f"Parent {recipe.parent!r} is of the type {parent['model_type']!r}; recipes "
                "train models of the type 'gpt2'. Name a GPT-2 as parent, or train without one."
            )
        model = GPT2LMHeadModel.from_pretrained(
            parent_directory,
            dtype=torch.float32,
            resid_pdrop=recipe.dropout,
            embd_pdrop=recipe.dropout,
            attn_pdrop=recipe.dropout,
        )
        config = model.config
        sizes = (config.n_embd, config.n_layer, config.n_head, config.n_positions)
        wanted = (shape.width, shape.layers, shape.heads, shape.positions)
        if sizes != wanted:
            raise ValueError(
                f"Parent {recipe.parent!r} has (width, layers, heads, positions) {sizes}, the recipe asks for "
                f"{wanted}. Give both the same shape, or train without a parent."
            )
        return model
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=shape.positions,
            n_embd=shape.width,
            n_layer=shape.layers,
            n_head=shape.heads,
            resid_pdrop=recipe.dropout,
            embd_pdrop=recipe.dropout,
            attn_pdrop=recipe.dropout,
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class Blocks(Dataset[dict[str, torch.Tensor]]):
    """Blocks of token ids as language-modelling examples: every token is a label, or every learnt one."""

    def __init__(self, blocks: npt.NDArray[np.int32], is_learnt: npt.NDArray[np.bool_] | None = None) -> None:
        self._blocks = blocks
        self._is_learnt = is_learnt

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        tokens = torch.from_numpy(self._blocks[index].astype(np.int64))
        if self._is_learnt is None:
            return {"input_ids": tokens, "labels": tokens}
        return {"input_ids": tokens, "labels": tokens.where(torch.from_numpy(self._is_learnt[index]), _NOT_LEARNT)}


class Progress(TrainerCallback):  # type: ignore[misc]  # transformers is not typed for mypy here
    """Calls back after every update with the share of updates done."""

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress = on_progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """See ``TrainerCallback``."""
        self._on_progress(state.global_step / max(1, state.max_steps))
