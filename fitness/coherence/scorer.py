"""The coherence scorer: how well each reply continues its context, and an agent's replies taken together.

``sigmoid((weighted z-scored terms + level) / 0.9) x guards``, in [0, 1], higher is better. Terms are in terms.py,
levels in scales.py, guards in guards.py, an agent over a panel in agent.py; here they are joined, saved and loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from fitness.coherence.agent import AgentScore, agent_score
from fitness.coherence.encoder import Encoder, MiniLM
from fitness.coherence.fitting import Documents, Fitted, fit
from fitness.coherence.heads import Heads
from fitness.coherence.ngram import NgramModel
from fitness.coherence.scales import Scales, sigmoid
from fitness.coherence.sentence_models import arithmetic_of, sentence_encoder
from fitness.coherence.terms import Texts, weighted_sum
from fitness.coherence.words import shortened

SCORER_SCHEMA = "composite-evolve/scorer/3"
"""What the files of a scorer are called by; scorers of another schema cannot be read."""

_CODE_VERSION = 7  # Raise it whenever a change to the code changes a score.
_CONFIGURATION = "scorer.json"
_HEADS, _NGRAMS, _SCALES = "heads.safetensors", "ngrams.safetensors", "scales.safetensors"
_PIECES = "pieces.safetensors"
_FILES = (_CONFIGURATION, _HEADS, _NGRAMS, _SCALES, _PIECES)
_ROWS_AT_ONCE = 256  # States of their word pieces take some 25 MB.
_DECIMALS = 6  # Whatever float noise is left (double precision, some 1e-14) stays far below.


@dataclass(frozen=True, slots=True)
class CoherenceScore:
    """The coherence of one reply.

    Attributes:
        value: In [0, 1], higher is better.
        terms: Z-scored, clipped terms by name, before their weights, and the level of the kind of text.
        guards: Factor in [0, 1] by name; less than 1 took something away.
    """

    value: float
    terms: Mapping[str, float]
    guards: Mapping[str, float]


class CoherenceScorer:
    """Scores replies; made by ``fit`` or ``load``.

    Args:
        fitted: Heads, word-order model and scales.
        encoder: Gives texts their vectors; must be the one that the heads were fitted with.
    """

    def __init__(self, fitted: Fitted, *, encoder: Encoder) -> None:
        self._fitted = fitted
        self._encoder = encoder

    @classmethod
    def fit(
        cls,
        documents_by_domain: Mapping[str, Documents],
        *,
        groups_by_domain: Mapping[str, Sequence[str]] | None = None,
        encoder: Encoder | None = None,
        seed: int = 0,
    ) -> CoherenceScorer:
        """Fit on the training documents of every domain that is to be scored.

        Args:
            documents_by_domain: Documents by domain, each a sequence of turns (utterances or sentences).
            groups_by_domain: The group of each document: documents of one group resemble each other or overlap. None
                takes each document as its own group.
            encoder: Gives texts their vectors; None takes all-MiniLM-L6-v2.
            seed: Of the weights, negatives and held-back groups; equal seeds give equal scorers on one machine.

        Raises:
            ValueError: A domain has fewer than 20 documents of two turns, or all of them are one group.
        """
        encoder = encoder or MiniLM()
        groups = groups_by_domain or {
            domain: [str(number) for number in range(len(documents))]
            for domain, documents in documents_by_domain.items()
        }
        rng = np.random.default_rng(seed)
        return cls(fit(documents_by_domain, groups_by_domain=groups, encoder=encoder, rng=rng), encoder=encoder)

    def save(self, directory: Path) -> None:
        """Write ``scorer.json`` and the arrays (safetensors) into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self._files().items():
            (directory / name).write_bytes(content)

    @property
    def version(self) -> str:
        """A hash over what ``save`` writes, the code and the encoder's arithmetic: equal versions give equal scores."""
        return _version(self._files(), arithmetic=self._encoder.arithmetic)

    @classmethod
    def load(cls, directory: Path, *, encoder: Encoder | None = None) -> CoherenceScorer:
        """A saved scorer. Only safetensors and JSON are read: loading runs no code.

        Args:
            directory: Where ``save`` wrote.
            encoder: Gives texts their vectors; None takes the one that the scorer was fitted with, by its name. What
                comes from the hub is read from the local cache alone.

        Raises:
            FileNotFoundError: A file is missing, or the encoder is.
            ValueError: The files are of another schema, or were fitted with another encoder.
        """
        configuration = _configuration(directory)
        encoder = encoder or sentence_encoder(configuration["encoder"])
        fitted_with = (configuration["encoder"], configuration["encoder_weights"])
        if fitted_with != (encoder.name, encoder.weights):
            raise ValueError(
                f"The scorer in {str(directory)!r} was fitted with encoder {fitted_with[0]!r} of weights "
                f"{fitted_with[1]!r}, and {encoder.name!r} of weights {encoder.weights!r} was given; allowed is the "
                f"encoder it was fitted with. Pass that one, or fit again."
            )
        low, shuffled = configuration["order_range"]
        fitted = Fitted(
            heads=Heads(load_file(directory / _HEADS)),
            ngrams=NgramModel(configuration["vocabulary"], load_file(directory / _NGRAMS)),
            scales=Scales.from_tensors(configuration["terms"], load_file(directory / _SCALES)),
            order_range=(float(low), float(shuffled)),
            usual_content=float(configuration["usual_content"]),
            rarity=load_file(directory / _PIECES)["rarity"].astype(np.float64),
        )
        return cls(fitted, encoder=encoder)

    def score(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[CoherenceScore]:
        """The coherence of each reply after its context; a score depends on its own texts alone.

        Args:
            contexts: The turns before each reply, oldest first; the last six are read, 60 words of each.
            replies: One reply per context; the first 60 words are read.

        Raises:
            ValueError: Numbers of contexts and replies differ, or a context has no turn.
        """
        if len(contexts) != len(replies):
            raise ValueError(
                f"score was given {len(contexts)!r} contexts and {len(replies)!r} replies; allowed are equally many."
            )
        for number, context in enumerate(contexts):
            if isinstance(context, str) or not context:
                raise ValueError(
                    f"Context {number} is {context!r}; allowed is a sequence of at least one turn. Coherence is "
                    f"judged against what was said before."
                )
        starts = range(0, len(replies), _ROWS_AT_ONCE)
        parts = [slice(start, start + _ROWS_AT_ONCE) for start in starts]
        return [score for part in parts for score in self._scored(contexts[part], replies[part])]

    def _scored(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[CoherenceScore]:
        texts = Texts.of(contexts, replies, self._encoder)
        raw = self._fitted.raw_terms(texts)
        terms = self._fitted.scales.z_scores(raw, texts.context_means())
        bases = sigmoid(weighted_sum(terms))
        scores = []
        for row, base in enumerate(bases):
            guards = self._fitted.guards(texts, row, order_gain=float(raw["order"][row]))
            factors = {name: round(factor, _DECIMALS) for name, factor in guards.items()}
            value = round(float(base) * float(np.prod(list(factors.values()))), _DECIMALS)
            row_terms = {name: round(float(values[row]), _DECIMALS) for name, values in terms.items()}
            scores.append(CoherenceScore(value, row_terms, factors))
        return scores

    def agent_score(
        self, scores: Sequence[CoherenceScore], replies: Sequence[str], *, human_replies: Sequence[str]
    ) -> AgentScore:
        """The score of an agent over a fixed panel of prompts.

        Args:
            scores: What ``score`` gave for the agent's replies.
            replies: The replies, one per prompt.
            human_replies: What people said to the same prompts.

        Raises:
            ValueError: The panel is empty, or the numbers differ.
        """
        if not len(scores) == len(replies) == len(human_replies):
            raise ValueError(
                f"agent_score was given {len(scores)!r} scores, {len(replies)!r} replies and {len(human_replies)!r} "
                f"human replies; allowed are equally many, one per prompt."
            )
        vectors = self._encoder.encode([shortened(reply) for reply in replies])
        return agent_score([score.value for score in scores], replies, vectors, human_replies)

    def _files(self) -> dict[str, bytes]:
        configuration = {
            "schema": SCORER_SCHEMA,
            "encoder": self._encoder.name,
            "encoder_weights": self._encoder.weights,
            "order_range": self._fitted.order_range,
            "terms": self._fitted.scales.names,
            "usual_content": self._fitted.usual_content,
            "vocabulary": self._fitted.ngrams.vocabulary,
        }
        text = json.dumps(configuration, ensure_ascii=False, sort_keys=True, indent=0)
        return {
            _CONFIGURATION: f"{text}\n".encode(),
            _HEADS: save(dict(sorted(self._fitted.heads.tensors.items()))),
            _NGRAMS: save(dict(sorted(self._fitted.ngrams.tensors.items()))),
            _SCALES: save(dict(sorted(self._fitted.scales.tensors.items()))),
            _PIECES: save({"rarity": self._fitted.rarity.astype(np.float32)}),
        }


def scorer_version(directory: Path) -> str:
    """``CoherenceScorer.version`` of a saved scorer with its own encoder, from its files alone: no model is loaded.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The files are of another schema.
    """
    arithmetic = arithmetic_of(_configuration(directory)["encoder"])
    return _version({name: (directory / name).read_bytes() for name in _FILES}, arithmetic=arithmetic)


def _version(files: Mapping[str, bytes], *, arithmetic: str) -> str:
    digest = blake2b(f"{_CODE_VERSION} {arithmetic}".encode(), digest_size=12)
    for name, content in files.items():
        digest.update(f"{name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def _configuration(directory: Path) -> dict[str, Any]:
    path = directory / _CONFIGURATION
    configuration: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    # Before the rest is looked for: another schema has other files.
    if configuration and configuration.get("schema") != SCORER_SCHEMA:
        raise ValueError(
            f"The scorer in {str(directory)!r} has schema {configuration.get('schema')!r}; allowed is "
            f"{SCORER_SCHEMA!r}. Fit it again with this version."
        )
    for name in _FILES:
        if not (directory / name).is_file():
            raise FileNotFoundError(
                f"{str(directory / name)!r} is missing; a scorer is a directory with {', '.join(_FILES)}. "
                f"Name the directory that CoherenceScorer.save wrote."
            )
    return configuration
