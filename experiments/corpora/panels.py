"""From the section ``data`` to documents, and from documents to the panels of prompts that evaluations answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from experiments.config.data import ChitchatSource, DataConfig, DocstringsSource, DomainSource
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import Document, Example, balanced, examples_from, exchange_key, unit_hash
from experiments.corpora.errors import CorpusError
from experiments.corpora.groups import joined
from experiments.corpora.jsonl import load_jsonl
from experiments.corpora.splits import Split, documents_in

PANELS: tuple[Split, ...] = ("search", "validation", "test")
"""The splits that prompts are cut from; the fourth, ``train``, is for members and scorers."""

_MAX_PER_DOCUMENT = 16


def load_documents(data: DataConfig) -> dict[str, list[Document]]:
    """The documents of every domain, by its name, in the order of the experiment file; who overlaps has one group.

    Raises:
        CorpusError: A corpus is not installed, cannot be read, or holds nothing.
    """
    return joined({domain: _load(source, domain=domain) for domain, source in data.domains.items()})


def panels_of(data: DataConfig, documents: Mapping[str, Sequence[Document]]) -> dict[str, list[Example]]:
    """The prompts of every panel, domains taking turns, in an order fixed by hash.

    Every group of documents gives one example before one gives a second, because examples of one group resemble
    each other. An exchange that stands in several documents of a domain is one example.

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
        found = _in_turns(examples_from(available, per_document=per_document))
        while len(found) < share and per_document < _MAX_PER_DOCUMENT:
            per_document *= 2
            found = _in_turns(examples_from(available, per_document=per_document))
        if len(found) < share:
            groups, all_groups = (len({document.group for document in part}) for part in (available, members))
            raise CorpusError(
                f"data.prompts.{panel} is {count}, which asks {share} examples of each of {len(documents)} domains; "
                f"domain {domain!r} has {len(found)} in its {panel} split ({len(available)} of {len(members)} "
                f"documents, {groups} of {all_groups} groups; documents that share an exchange are one group). "
                f"Lower data.prompts.{panel} to {len(found) * len(documents)} or less, or add documents."
            )
        examples.extend(found[:share])
    return balanced(examples, count=count, salt=panel)


def _in_turns(examples: Sequence[Example]) -> list[Example]:
    """The examples without repeated exchanges, in rounds in which every group gives one, in an order fixed by hash."""
    distinct: dict[bytes, Example] = {}
    for example in sorted(examples, key=lambda example: unit_hash("turn", example.id)):
        distinct.setdefault(exchange_key(example.context[-1], example.reply), example)
    taken = Counter[str]()
    rounds: list[tuple[int, Example]] = []
    for example in distinct.values():
        rounds.append((taken[example.group], example))
        taken[example.group] += 1
    return [example for _, example in sorted(rounds, key=lambda entry: entry[0])]
