"""The answer of an exported composite, one context at a time: what servers and chats are compared with."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from experiments.export.artifact import artifact_phenotype
from genomes.huggingface import CompositeForCausalLM


def answer_with_artifact(
    model: CompositeForCausalLM, tokenizer: PreTrainedTokenizerBase, context: Sequence[str], *, seed: int
) -> str:
    """The answer to a context, decoded as evolved.

    Args:
        model: From ``load_artifact``.
        tokenizer: From ``load_artifact``.
        context: The turns so far, oldest first; the oldest words are left out where there are too many.
        seed: A whole number from 0; equal seeds give equal answers.
    """
    return artifact_phenotype(model, tokenizer).answer([context], seeds=[seed])[0]
