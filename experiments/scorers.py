"""Fits the coherence scorer of an experiment: which of its documents are read, and how many.

The scorer that ships in ``experiments/bundled/scorer`` was made here from the default experiment's domains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.corpora.documents import Document, documents_in, unit_hash
from fitness.coherence.encoder import MiniLM
from fitness.coherence.scorer import CoherenceScorer

BUNDLED_SCORER = Path(__file__).parent / "bundled" / "scorer"
"""The scorer of the default experiment's three domains."""

MAX_TURNS_PER_DOMAIN = 45_000
"""Turns of a domain that a scorer is fitted on: four minutes of embedding on one core; more gains little."""


def fit_scorer(documents_by_domain: Mapping[str, Sequence[Document]], *, seed: int = 0) -> CoherenceScorer:
    """A scorer fitted on the ``train`` split of every domain that an experiment's agents answer in.

    Args:
        documents_by_domain: All documents of each domain; other splits than ``train`` are left out here.
        seed: Seed of the fit.

    Raises:
        ValueError: A domain has fewer than 20 training documents.
    """
    chosen = {domain: _chosen(documents) for domain, documents in documents_by_domain.items()}
    return CoherenceScorer.fit(chosen, encoder=MiniLM(cache_size=0), seed=seed)


def _chosen(documents: Sequence[Document]) -> list[tuple[str, ...]]:
    """Training documents in an order fixed by hash, until the limit of turns is reached."""
    chosen: list[tuple[str, ...]] = []
    num_turns = 0
    for document in sorted(documents_in(documents, "train"), key=lambda document: unit_hash("fit", document.id)):
        if num_turns >= MAX_TURNS_PER_DOMAIN:
            break
        chosen.append(document.turns)
        num_turns += len(document.turns)
    return chosen
