"""What members are trained on: the training split as tokens, and the texts that a tokenizer is learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.corpora.documents import Document, examples_from, unit_hash
from experiments.corpora.splits import documents_in
from genomes.running.text_format import prompt_tokens, reply_tokens
from genomes.training.chains import Exchange
from genomes.training.recipes import TokenStream

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TOKENIZER_CHARACTERS = 1_500_000  # Of each domain, so that a large one does not take all the merges.


_EXCHANGES_PER_DOCUMENT = 4


def training_text(document: Document) -> str:
    """A document as members read it, without the end-of-text token before it: every turn ends its line."""
    return "\n".join(document.turns) + "\n"


def tokenizer_texts(documents: Mapping[str, Sequence[Document]]) -> list[str]:
    """Texts of the training split to learn a tokenizer from: about equally much of each domain, chosen by hash."""
    texts: list[str] = []
    for members in documents.values():
        total = 0
        for document in sorted(documents_in(members, "train"), key=lambda document: unit_hash("tok", document.id)):
            texts.append(training_text(document))
            total += len(texts[-1])
            if total > _TOKENIZER_CHARACTERS:
                break
    return texts


def token_streams(
    documents: Mapping[str, Sequence[Document]], tokenizer: PreTrainedTokenizerBase, *, domains: Iterable[str]
) -> dict[str, TokenStream]:
    """The training split of some domains as tokens, by domain: int32 [tokens], an end of text before each document."""
    return {domain: _stream(documents_in(documents[domain], "train"), tokenizer) for domain in domains}


def exchanges_of(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase) -> list[Exchange]:
    """The training split of one domain as prompts with their human replies, cut as those of the panels are."""
    examples = examples_from(documents_in(documents, "train"), per_document=_EXCHANGES_PER_DOCUMENT)
    return [
        Exchange(
            tuple(prompt_tokens(example.context, tokenizer, room=tokenizer.model_max_length)),
            tuple(reply_tokens(example.reply, tokenizer)),
        )
        for example in examples
    ]


def _stream(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase) -> TokenStream:
    if not documents:
        return np.empty(0, dtype=np.int32)
    texts = [training_text(document) for document in documents]
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return np.concatenate([np.array([tokenizer.eos_token_id, *tokens], dtype=np.int32) for tokens in encoded])
