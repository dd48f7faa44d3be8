"""Splits and examples: fixed by hash, disjoint, and cut as documented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.corpora.documents import (
    MAX_CONTEXT_TURNS,
    MAX_CONTEXT_WORDS,
    MAX_REPLY_WORDS,
    MIN_REPLY_WORDS,
    Document,
    balanced,
    data_hash,
    examples_from,
    unit_hash,
)
from experiments.corpora.splits import SPLITS, documents_in, split_of

TURNS = st.lists(st.integers(1, 90).map(lambda count: " ".join(["word"] * count)), min_size=2, max_size=12)


def document(index: int, *, domain: str = "talk", turns: tuple[str, ...] = ("one", "two three four five")) -> Document:
    return Document(f"d{index}", domain, f"g{index}", turns)


def test_hashes_and_splits_never_move() -> None:
    # Members were trained on these splits: a change here would leak test documents into training.
    assert unit_hash("split", "g0") == 0.9304821856715888
    assert "".join(split_of(document(index))[0] for index in range(40)) == "tttstttvvttttttttvtttttttttttttttttvsttt"
    assert data_hash([document(0), document(1)]) == "2187e5d7cc6ae5a0e9f168f6c4bd924f"


def test_splits_have_their_shares_and_part_no_group() -> None:
    documents = [document(index) for index in range(4000)]
    parts = {split: documents_in(documents, split) for split in SPLITS}
    shares = [len(parts[split]) / 4000 for split in SPLITS]
    assert shares == pytest.approx([0.78, 0.08, 0.06, 0.08], abs=0.02)
    assert sorted(d.id for part in parts.values() for d in part) == sorted(d.id for d in documents)
    assert split_of(Document("x", "talk", "g7", ())) == split_of(Document("y", "other", "g7", ()))


@given(TURNS, st.integers(1, 5))
def test_examples_keep_their_limits(turns: list[str], per_document: int) -> None:
    source = document(1, turns=tuple(turns))
    examples = examples_from([source], per_document=per_document)
    assert len(examples) <= per_document
    for example in examples:
        place = int(example.id.rpartition("/")[2])
        assert example.reply == source.turns[place]
        assert MIN_REPLY_WORDS <= len(example.reply.split()) <= MAX_REPLY_WORDS
        assert 1 <= len(example.context) <= MAX_CONTEXT_TURNS
        assert sum(len(turn.split()) for turn in example.context) <= MAX_CONTEXT_WORDS
        assert source.turns[place - 1].endswith(example.context[-1])


def test_fewer_examples_of_a_document_are_among_the_more() -> None:
    source = document(1, turns=tuple(f"this is turn number {index}" for index in range(20)))
    few, many = (examples_from([source], per_document=count) for count in (3, 7))
    assert set(few) < set(many)
    with pytest.raises(ValueError, match="per_document is 0; allowed are"):
        examples_from([source], per_document=0)


@given(st.integers(0, 30))
def test_every_prefix_is_balanced(count: int) -> None:
    documents = [document(index, domain=domain) for domain in ("a", "b", "c") for index in range(8)]
    chosen = balanced(examples_from(documents, per_document=1), count=count, salt="test")
    assert len(chosen) == min(count, 24)
    assert len(set(chosen)) == len(chosen)
    for length in range(len(chosen)):
        counts = [sum(example.domain == domain for example in chosen[:length]) for domain in ("a", "b", "c")]
        assert max(counts) - min(counts) <= 1
