"""Tokenizers: nothing is lost, and keys tell vocabularies apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from genomes.members.tokenizers import END_OF_TEXT, tokenizer_key, train_tokenizer

TOKENIZER = train_tokenizer(["a few words, and a few more words"], vocabulary_size=270, max_length=32)


@given(st.text())
def test_any_text_survives_encoding(text: str) -> None:
    tokens = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    if END_OF_TEXT not in text:
        assert TOKENIZER.eos_token_id not in tokens
    assert TOKENIZER.decode(tokens) == text
    assert len(tokens) <= len(text.encode())


def test_training_is_deterministic_and_saved_whole(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    again = train_tokenizer(["a few words, and a few more words"], vocabulary_size=270, max_length=32)
    assert tokenizer_key(again) == tokenizer_key(TOKENIZER) != tokenizer_key(tokenizer)
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer_key(loaded) == tokenizer_key(TOKENIZER)
    assert loaded.decode(loaded(" two  spaces .")["input_ids"]) == " two  spaces ."
    assert (loaded.eos_token, loaded.eos_token_id, loaded.model_max_length) == (END_OF_TEXT, 0, 32)


def test_a_vocabulary_that_cannot_hold_every_byte_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vocabulary_size is 256; allowed is 257 or more"):
        train_tokenizer(["a"], vocabulary_size=256, max_length=32)
