"""From the section ``data`` to documents, and from documents to the panels of prompts that evaluations answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from experiments.config.data import ChitchatSource, DataConfig, DocstringsSource, DomainSource
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import Document, Example, balanced, examples_from
from experiments.corpora.errors import CorpusError
from experiments.corpora.jsonl import load_jsonl
from experiments.corpora.splits import Split, documents_in

PANELS: tuple[Split, ...] = ("search", "validation", "test")
"""The splits that prompts are cut from; the fourth, ``train``, is for members and scorers."""

_MAX_PER_DOCUMENT = 16


def load_documents(data: DataConfig) -> dict[str, list[Document]]:
    """The documents of every domain, by its name, in the order of the experiment file.

    Raises:
        CorpusError: A corpus is not installed, cannot be read, or holds nothing.
    """
    return {domain: _load(source, domain=domain) for domain, source in data.domains.items()}


def panels_of(data: DataConfig, documents: Mapping[str, Sequence[Document]]) -> dict[str, list[Example]]:
    """The prompts of every panel, domains taking turns, in an order fixed by hash.

    Every domain gives as many documents as it can before one gives a second example, because examples of one
    document resemble each other.

    Args:
        data: Says how many prompts each panel holds; they are shared out equally among domains.
        documents: Documents by domain.

    Raises:
        CorpusError: A domain has too few examples in a split; says how many there are and what to do.
    """
    return {panel: panel_of(documents, panel, getattr(data.prompts, panel)) for panel in PANELS}


def _load(source: DomainSource, *, domain: str) -> list[Document]:
    if isinstance(source, ChitchatSource):
        return load_chitchat(domain=domain)
    if isinstance(source, DocstringsSource):
        try:
            return load_docstrings(list(source.packages), domain=domain)
        except ModuleNotFoundError as error:
            raise CorpusError(f"data.domains.{domain}: {error}") from error
    return load_jsonl(source.path, domain=domain)


def panel_of(documents: Mapping[str, Sequence[Document]], panel: Split, count: int) -> list[Example]:
    """So many prompts of one split, domains taking turns.

    Raises:
        CorpusError: See ``panels_of``.
    """
    share = math.ceil(count / len(documents))
    examples: list[Example] = []
    for domain, members in documents.items():
        available = documents_in(members, panel)
        per_document = 1
        found = examples_from(available, per_document=per_document)
        while len(found) < share and per_document < _MAX_PER_DOCUMENT:
            per_document *= 2
            found = examples_from(available, per_document=per_document)
        if len(found) < share:
            raise CorpusError(
                f"data.prompts.{panel} is {count}, which asks {share} examples of each of {len(documents)} domains; "
                f"domain {domain!r} has {len(found)} in its {panel} split ({len(available)} of {len(members)} "
                f"documents). Lower data.prompts.{panel} to {len(found) * len(documents)} or less, or add documents."
            )
        examples.extend(found)
    return balanced(examples, count=count, salt=panel)
