"""Fits what a scorer learns from documents: heads, word order, and the frozen constants of its scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fitness.coherence.encoder import Encoder
from fitness.coherence.heads import Heads, PairData
from fitness.coherence.ngram import NgramModel
from fitness.coherence.scales import Scales
from fitness.coherence.terms import MAX_TURNS, Texts, decayed_mean, raw_terms, unit
from fitness.coherence.words import shortened, spoken, words

Documents = Sequence[Sequence[str]]

_HELD_BACK = 10  # One document of ten sets the scales: heads are too sure of what they were trained on.
_SCALE_PLACES = 800  # Per domain.
_MIN_REPLY_WORDS = 3
_NUM_EPOCHS = 6


@dataclass(frozen=True)
class Fitted:
    """What fitting gives.

    Attributes:
        heads: Next-utterance heads.
        ngrams: Model of word order.
        scales: What is usual for each term.
        order_range: Order gain that is low for human text, and that of shuffled text.
    """

    heads: Heads
    ngrams: NgramModel
    scales: Scales
    order_range: tuple[float, float]


def fit(documents_by_domain: Mapping[str, Documents], *, encoder: Encoder, rng: np.random.Generator) -> Fitted:
    """Fit on documents of all domains together; which domain a text is from is never asked when scoring.

    Raises:
        ValueError: A domain has fewer than 20 documents of two turns.
    """
    training: dict[str, Documents] = {}
    held_back: dict[str, Documents] = {}
    for domain, documents in sorted(documents_by_domain.items()):
        usable = [[shortened(turn) for turn in turns] for turns in documents if len(turns) >= 2]
        if len(usable) < 2 * _HELD_BACK:
            raise ValueError(
                f"Domain {domain!r} has {len(usable)!r} documents of two or more turns; allowed are "
                f"{2 * _HELD_BACK} or more. Give it more documents or leave it out."
            )
        order = rng.permutation(len(usable))
        held_back[domain] = [usable[place] for place in order[::_HELD_BACK]]
        training[domain] = [usable[place] for place in np.delete(order, np.s_[::_HELD_BACK])]
    heads = Heads.fit(pair_data(list(training.values()), encoder), num_epochs=_NUM_EPOCHS, rng=rng)
    ngrams = NgramModel.fit(_weighted_texts(list(training.values())))
    rest = list(held_back.values())
    return Fitted(heads, ngrams, _scales(rest, encoder, heads, ngrams, rng=rng), _order_range(rest, ngrams, rng=rng))


def pair_data(domains: Sequence[Documents], encoder: Encoder) -> PairData:
    """Every place of the documents whose turn has three words or more, with its context."""
    turns = list(dict.fromkeys(turn for documents in domains for document in documents for turn in document))
    number_of = {turn: number for number, turn in enumerate(turns)}
    vectors = encoder.encode(turns)
    means, rows = [], []
    number = 0
    for domain, documents in enumerate(domains):
        for document in documents:
            numbers = [number_of[turn] for turn in document]
            for place in range(1, len(document)):
                if len(spoken(words(document[place]))) >= _MIN_REPLY_WORDS:
                    means.append(unit(decayed_mean(vectors[numbers[max(0, place - MAX_TURNS) : place]])))
                    rows.append((numbers[place - 1], numbers[place], number, domain))
            number += 1
    lasts, replies, numbers_of_documents, domain_numbers = np.array(rows, np.int64).reshape(-1, 4).T
    return PairData(
        vectors=vectors,
        means=np.array(means, np.float32).reshape(-1, vectors.shape[1]),
        lasts=lasts,
        replies=replies,
        documents=numbers_of_documents,
        domains=domain_numbers,
    )


def _weighted_texts(domains: Sequence[Documents]) -> list[tuple[str, int]]:
    """Turns with whole-number weights that bring small domains nearer to the largest."""
    sizes = [sum(len(document) for document in documents) for documents in domains]
    return [
        (turn, max(1, round((max(sizes) / size) ** 0.5)))
        for documents, size in zip(domains, sizes, strict=True)
        for document in documents
        for turn in document
    ]


def _scales(
    domains: Sequence[Documents], encoder: Encoder, heads: Heads, ngrams: NgramModel, *, rng: np.random.Generator
) -> Scales:
    """The scales of the terms over true and random replies, half and half, each domain a kind of text."""
    samples = []
    for documents in domains:
        places = [
            (document[max(0, place - MAX_TURNS) : place], document[place])
            for document in documents
            for place in range(1, len(document))
            if len(spoken(words(document[place]))) >= _MIN_REPLY_WORDS
        ]
        chosen = [places[number] for number in rng.choice(len(places), size=_SCALE_PLACES)]
        contexts, replies = [context for context, _ in chosen], [reply for _, reply in chosen]
        shuffled = [replies[number] for number in rng.permutation(len(replies))]
        texts = Texts.of(contexts * 2, [*replies, *shuffled], encoder)
        samples.append((raw_terms(texts, heads, ngrams), texts.context_means()))
    return Scales.fit(samples)


def _order_range(domains: Sequence[Documents], ngrams: NgramModel, *, rng: np.random.Generator) -> tuple[float, float]:
    """Order gain of the least orderly tenth of human turns, and the median of the same turns shuffled."""
    turns = [turn for documents in domains for document in documents for turn in document]
    tokens = [words(turn) for turn in turns if len(spoken(words(turn))) >= _MIN_REPLY_WORDS]
    human = [ngrams.order_gain(row) for row in tokens]
    shuffled = [ngrams.order_gain(list(rng.permutation(row))) for row in tokens]
    return round(float(np.quantile(human, 0.1)), 6), round(float(np.median(shuffled)), 6)
