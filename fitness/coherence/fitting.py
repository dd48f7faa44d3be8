"""Fits what a scorer learns from documents: heads, word order, and the frozen constants of its scales."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fitness.coherence import guards
from fitness.coherence.encoder import Encoder
from fitness.coherence.forgeries import forgery
from fitness.coherence.heads import Heads, PairData
from fitness.coherence.ngram import NgramModel
from fitness.coherence.scales import Floats, Scales
from fitness.coherence.terms import MAX_TURNS, Texts, decayed_mean, raw_terms, unit, weighted_sum
from fitness.coherence.words import content_words, shortened, spoken, without_borrowed, words

Documents = Sequence[Sequence[str]]

_HELD_BACK = 10  # Groups with one document of ten set the scales: heads are too sure of what they were trained on.
_MIN_DOCUMENTS = 20  # Per domain.
_SCALE_PLACES = 800  # Per domain.
_MIN_REPLY_WORDS = 3
_MIN_DENSE_WORDS = 5
_NUM_EPOCHS = 6
_NUM_FORGED = 15_000  # Places; some 35,000 texts to embed beside the turns.


@dataclass(frozen=True)
class Fitted:
    """What fitting gives.

    Attributes:
        heads: Next-utterance heads.
        ngrams: Model of word order.
        scales: What is usual for each term.
        order_range: Order gain that is low for human text, and that of shuffled text.
        usual_content: Share of content words that few human turns exceed, .7 or more.
        rarity: Inverse document frequency of each word piece [pieces].
    """

    heads: Heads
    ngrams: NgramModel
    scales: Scales
    order_range: tuple[float, float]
    usual_content: float
    rarity: Floats

    def raw_terms(self, texts: Texts) -> dict[str, Floats]:
        """Every term of every reply, by name [replies]."""
        return raw_terms(texts, self.heads, self.ngrams, self.rarity)

    def guards(self, texts: Texts, row: int, *, order_gain: float) -> dict[str, float]:
        """Every guard of one reply, by name."""
        vector = texts.reply_vectors[row].astype(np.float64)
        similarity = float((texts.turn_vectors[row].astype(np.float64) * vector).sum(axis=1).max())
        return guards.factors(
            texts.turns[row],
            texts.replies[row],
            similarity=similarity,
            order_gain=order_gain,
            order_range=self.order_range,
            usual_content=self.usual_content,
        )


def fit(
    documents_by_domain: Mapping[str, Documents],
    *,
    groups_by_domain: Mapping[str, Sequence[str]],
    encoder: Encoder,
    rng: np.random.Generator,
) -> Fitted:
    """Fit on documents of all domains together; which domain a text is from is never asked when scoring.

    Args:
        documents_by_domain: Documents by domain, each a sequence of turns.
        groups_by_domain: The group of each document. What sets the scales shares no group with what the rest is
            fitted on, as the texts to be scored share none.
        encoder: Gives texts their vectors.
        rng: Draws what is held back, places, forgeries and weights.

    Raises:
        ValueError: A domain has fewer than 20 documents of two turns, or all of them are one group.
    """
    training: dict[str, Documents] = {}
    held_back: dict[str, Documents] = {}
    for domain, documents in sorted(documents_by_domain.items()):
        rows = zip(documents, groups_by_domain[domain], strict=True)
        usable = [([shortened(turn) for turn in turns], group) for turns, group in rows if len(turns) >= 2]
        chosen = held_back_groups(domain, [group for _, group in usable], rng=rng)
        held_back[domain] = [turns for turns, group in usable if group in chosen]
        training[domain] = [turns for turns, group in usable if group not in chosen]
    data = pair_data(list(training.values()), encoder, num_forged=_NUM_FORGED, rng=rng)
    heads = Heads.fit(data, num_epochs=_NUM_EPOCHS, rng=rng)
    ngrams = NgramModel.fit(_weighted_texts(list(training.values())))
    rest = list(held_back.values())
    rarity = _rarity(list(training.values()), encoder)
    samples = [_sample(documents, encoder, heads, ngrams, rarity, rng=rng) for documents in rest]
    scales = Scales.fit([(terms, texts.context_means()) for texts, terms in samples])
    fitted = Fitted(heads, ngrams, scales, _order_range(rest, ngrams, rng=rng), _usual_content(rest), rarity)
    return replace(fitted, scales=scales.levelled([_human(fitted, texts, terms) for texts, terms in samples]))


def held_back_groups(domain: str, groups: Sequence[str], *, rng: np.random.Generator) -> set[str]:
    """Groups of a domain that set its scales: drawn until they have a tenth of its documents.

    Groups with more than a fifth of the documents are left to the rest; where all are so large, the smallest is taken.

    Args:
        domain: The domain, for messages.
        groups: The group of each document.
        rng: Draws.

    Raises:
        ValueError: There are fewer than 20 documents, or fewer than two groups.
    """
    sizes = Counter(groups)
    if len(groups) < _MIN_DOCUMENTS or len(sizes) < 2:
        raise ValueError(
            f"Domain {domain!r} has {len(groups)!r} documents of two or more turns in {len(sizes)!r} groups; allowed "
            f"are {_MIN_DOCUMENTS} documents or more, in two groups or more. Give it more documents or leave it out."
        )
    names = sorted(sizes)
    order = [names[place] for place in rng.permutation(len(names))]
    small = [name for name in order if sizes[name] * _HELD_BACK <= 2 * len(groups)]
    chosen: set[str] = set()
    for name in small or [min(order, key=lambda name: sizes[name])]:
        if sum(sizes[group] for group in chosen) * _HELD_BACK >= len(groups):
            break
        chosen.add(name)
    return chosen


def pair_data(domains: Sequence[Documents], encoder: Encoder, *, num_forged: int, rng: np.random.Generator) -> PairData:
    """Every place of the documents whose turn has three words or more, with its context.

    Args:
        domains: Documents of each domain.
        encoder: Gives texts their vectors.
        num_forged: Places, drawn at random, that get forgeries and their own reply without borrowed words.
        rng: Draws the places and the forgeries.
    """
    places = [
        _Place(domain, document, place)
        for domain, documents in enumerate(domains)
        for document in documents
        for place in range(1, len(document))
        if len(spoken(words(document[place]))) >= _MIN_REPLY_WORDS
    ]
    forgeries = _forgeries(places, num_forged=num_forged, rng=rng)
    numbers: dict[str, int] = {}  # Number of each text among the vectors.
    for documents in domains:
        for document in documents:
            for turn in document:
                numbers.setdefault(turn, len(numbers))
    for texts in forgeries.values():
        for text in texts:
            numbers.setdefault(text, len(numbers))
    vectors = encoder.encode(list(numbers))
    means = [unit(decayed_mean(vectors[[numbers[turn] for turn in place.context]])) for place in places]
    document_numbers = np.cumsum([0, *(first.document is not second.document for first, second in pairwise(places))])
    owns = [numbers[forgeries[row][0] if row in forgeries else place.reply] for row, place in enumerate(places)]
    forged = [
        [numbers[text] for text in forgeries[row][1:]] if row in forgeries else [-1, -1] for row in range(len(places))
    ]
    return PairData(
        vectors=vectors,
        means=np.array(means, np.float32).reshape(-1, vectors.shape[1]),
        lasts=np.array([numbers[place.context[-1]] for place in places], np.int64),
        replies=np.array([numbers[place.reply] for place in places], np.int64),
        owns=np.array(owns, np.int64),
        forgeries=np.array(forged, np.int64).reshape(-1, 2),
        documents=document_numbers[: len(places)].astype(np.int64),
        domains=np.array([place.domain for place in places], np.int64),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of a document where a turn answers those before it."""

    domain: int
    document: Sequence[str]
    number: int

    @property
    def context(self) -> Sequence[str]:
        return self.document[max(0, self.number - MAX_TURNS) : self.number]

    @property
    def reply(self) -> str:
        return self.document[self.number]


def _forgeries(
    places: Sequence[_Place], *, num_forged: int, rng: np.random.Generator
) -> dict[int, tuple[str, str, str]]:
    """By place: its reply without borrowed words, a forgery, and the forgery without borrowed words."""
    by_domain: dict[int, list[int]] = {}
    for row, place in enumerate(places):
        by_domain.setdefault(place.domain, []).append(row)
    found = {}
    for row in sorted(rng.permutation(len(places))[:num_forged].tolist()):
        place = places[row]
        stranger = places[by_domain[place.domain][int(rng.integers(len(by_domain[place.domain])))]]
        forged = None if stranger.document is place.document else forgery(place.context, stranger.reply, rng=rng)
        if forged is not None:
            context = place.context
            found[row] = (without_borrowed(context, place.reply), forged, without_borrowed(context, forged))
    return found


def _weighted_texts(domains: Sequence[Documents]) -> list[tuple[str, int]]:
    """Turns with whole-number weights that bring small domains nearer to the largest."""
    sizes = [sum(len(document) for document in documents) for documents in domains]
    return [
        (turn, max(1, round((max(sizes) / size) ** 0.5)))
        for documents, size in zip(domains, sizes, strict=True)
        for document in documents
        for turn in document
    ]


def _rarity(domains: Sequence[Documents], encoder: Encoder) -> Floats:
    """Inverse document frequency of each word piece over all turns; single precision, as it is saved."""
    turns = [turn for documents in domains for document in documents for turn in document]
    counts = np.zeros(encoder.num_pieces)
    for piece, count in Counter(piece for row in encoder.pieces(turns) for piece in set(row)).items():
        counts[piece] = count
    return np.log((1 + len(turns)) / (1 + counts)).astype(np.float32).astype(np.float64)


def _sample(
    documents: Documents,
    encoder: Encoder,
    heads: Heads,
    ngrams: NgramModel,
    rarity: Floats,
    *,
    rng: np.random.Generator,
) -> tuple[Texts, dict[str, Floats]]:
    """Contexts of one domain with their own replies, then the same with each other's, and the terms of both."""
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
    return texts, raw_terms(texts, heads, ngrams, rarity)


def _human(fitted: Fitted, texts: Texts, terms: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Of the true replies of a sample: sums of terms, what guards leave, and the means of their contexts."""
    means = texts.context_means()
    number = len(means) // 2
    guards_of = [fitted.guards(texts, row, order_gain=float(terms["order"][row])) for row in range(number)]
    kept = np.array([math.prod(factors.values()) for factors in guards_of])
    return weighted_sum(fitted.scales.z_scores(terms, means))[:number], kept, means[:number]


def _usual_content(domains: Sequence[Documents]) -> float:
    """Share of content words that one human turn of twenty exceeds, of those with five words or more; at least .7."""
    said = [spoken(words(turn)) for documents in domains for document in documents for turn in document]
    shares = [len(content_words(row)) / len(row) for row in said if len(row) >= _MIN_DENSE_WORDS]
    return round(max(0.7, float(np.quantile(shares, 0.95))) if shares else 0.7, 6)


def _order_range(domains: Sequence[Documents], ngrams: NgramModel, *, rng: np.random.Generator) -> tuple[float, float]:
    """Order gain of the least orderly tenth of human turns, and the median of the same turns shuffled."""
    turns = [turn for documents in domains for document in documents for turn in document]
    tokens = [words(turn) for turn in turns if len(spoken(words(turn))) >= _MIN_REPLY_WORDS]
    human = [ngrams.order_gain(row) for row in tokens]
    shuffled = [ngrams.order_gain(list(rng.permutation(row))) for row in tokens]
    return round(float(np.quantile(human, 0.1)), 6), round(float(np.median(shuffled)), 6)
