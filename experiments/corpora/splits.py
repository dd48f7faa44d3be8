"""Which documents are for training, which for searching, choosing and testing: fixed by a hash, for good.

What a document is, and which examples are cut from one, is said in documents.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from experiments.corpora.documents import Document, unit_hash

Split = Literal["train", "search", "validation", "test"]


SPLITS: tuple[Split, ...] = get_args(Split)


# Upper ends of the splits on [0, 1): 78 % train, 8 % search, 6 % validation, 8 % test.
_SPLIT_ENDS = (0.78, 0.86, 0.92, 1.0)


def split_of(document: Document) -> Split:
    """The split a document belongs to, fixed by the hash of its group."""
    position = unit_hash("split", document.group)
    return next(split for split, end in zip(SPLITS, _SPLIT_ENDS, strict=True) if position < end)


def documents_in(documents: Iterable[Document], split: Split) -> list[Document]:
    """The documents of one split, in their given order."""
    return [document for document in documents if split_of(document) == split]
