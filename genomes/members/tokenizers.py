"""Byte-level BPE tokenizers for members that are trained from scratch.

Members of one experiment that are to meet at token level share one of these. Tokenizers of members that come
from the hub or from a directory are loaded with the member, in catalogue.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


def train_tokenizer(texts: Iterable[str], *, vocabulary_size: int, max_length: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer (Sennrich et al. 2016; bytes as in GPT-2, Radford et al. 2019).

    Args:
        texts: The texts to learn merges from.
        vocabulary_size: Number of tokens, at least 257: every byte and ``<|endoftext|>`` (id 0).
        max_length: Longest input, in tokens, that the tokenizer declares for its model.

    Returns:
        A tokenizer that encodes any text without loss.

    Raises:
        ValueError: The vocabulary is too small to hold every byte.
    """
    if vocabulary_size < 257:
        raise ValueError(
            f"vocabulary_size is {vocabulary_size!r}; allowed is 257 or more (256 bytes and {END_OF_TEXT!r})."
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )


@lru_cache(maxsize=16)  # It takes as long as compiling a genome otherwise; members' tokenizers do not change.
def tokenizer_key(tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash over the vocabulary with its ids: equal keys mean that token ids have equal meanings."""
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0]))
    digest = blake2b(digest_size=8)
    for token, identifier in vocabulary:
        digest.update(f"{identifier}\x1f{token}\x1e".encode())
    return digest.hexdigest()
