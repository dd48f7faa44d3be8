"""Fits the coherence scorer of an experiment: which of its documents are read, and how many.

The scorer that ships in ``experiments/bundled/scorer`` is the one of the default experiment (``make scorer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from experiments.config.compositions import ExperimentConfig
from experiments.corpora.documents import Document, data_hash, unit_hash
from experiments.corpora.splits import documents_in
from fitness.coherence.encoder import MINILM, Encoder
from fitness.coherence.scorer import SCORER_SCHEMA, CoherenceScorer
from fitness.coherence.sentence_models import sentence_encoder

MAX_TURNS_PER_DOMAIN = 80_000
"""Turns of a domain that a scorer is fitted on, six minutes of embedding on one core. The rest stays unread, so that
checks on the scorer can be trained on something else."""


def encoder_for(config: ExperimentConfig) -> Encoder:
    """What gives the scorer of an experiment its sentence vectors; keeps nothing, for a fit reads each text once.

    Raises:
        FileNotFoundError: ``fitness.embedding`` is no directory, and the hub or its local cache does not have it.
        ValueError: It is no sentence encoder.
    """
    return sentence_encoder(config.fitness.embedding or MINILM, is_offline=config.members.offline, cache_size=0)


def fit_scorer(
    documents_by_domain: Mapping[str, Sequence[Document]], *, encoder: Encoder, seed: int = 0
) -> CoherenceScorer:
    """A scorer fitted on the ``train`` split of every domain that an experiment's agents answer in.

    Args:
        documents_by_domain: All documents of each domain; other splits than ``train`` are left out here.
        encoder: Gives texts their vectors.
        seed: Seed of the fit.

    Raises:
        ValueError: A domain has fewer than 20 training documents, or all of them are one group.
    """
    chosen = {domain: _chosen(documents) for domain, documents in documents_by_domain.items()}
    return CoherenceScorer.fit(
        {domain: [document.turns for document in documents] for domain, documents in chosen.items()},
        groups_by_domain={domain: [document.group for document in documents] for domain, documents in chosen.items()},
        encoder=encoder,
        seed=seed,
    )


def scorer_key(documents_by_domain: Mapping[str, Sequence[Document]], encoder: Encoder) -> str:
    """What a fitted scorer is kept under: equal documents, encoders and schemas give equal keys."""
    schema = SCORER_SCHEMA.rpartition("/")[2]  # Scorers that an earlier version fitted stay where they are, unread.
    documents = (document for domain in sorted(documents_by_domain) for document in documents_by_domain[domain])
    return f"{data_hash(documents)}-{encoder.weights}-{schema}"


def unread_documents(documents: Sequence[Document]) -> list[Document]:
    """Training documents of one domain that ``fit_scorer`` leaves out: what a check on the scorer may be trained on."""
    ordered = _ordered(documents)
    return ordered[_num_read(ordered) :]


def _chosen(documents: Sequence[Document]) -> list[Document]:
    """Training documents in an order fixed by hash, until the limit of turns is reached."""
    ordered = _ordered(documents)
    return ordered[: _num_read(ordered)]


def _num_read(ordered: Sequence[Document]) -> int:
    """Documents until the limit of turns is reached."""
    before = accumulate((len(document.turns) for document in ordered), initial=0)
    return sum(turns < MAX_TURNS_PER_DOMAIN for turns in list(before)[:-1])


def _ordered(documents: Sequence[Document]) -> list[Document]:
    return sorted(documents_in(documents, "train"), key=lambda document: unit_hash("fit", document.id))
