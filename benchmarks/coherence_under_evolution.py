"""Does coherence still mean something at the end of a run that selected on it? Asks measures that fitness never saw.

    python benchmarks/coherence_under_evolution.py RUN [--individuals 24] [--prompts 60]

Individuals are drawn evenly along the births of a finished run and answer the validation prompts again. Beside
coherence, each gets measures that no selection used: NLL of the human replies (unless the run selected on it),
distinct-1 and -2 of the answers, their mean length, and how often a next-utterance head that was trained on
conversations which the scorer never read finds the answer's own context among ten. Printed are each measure's rank
correlation with the birth number and with coherence (95 % over individuals), the first quarter against the last, and
answers for reading. Coherence that rises while the others fall is coherence of the scorer's making.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata

from evolve.history import history
from evolve.jobs import Job
from evolve.log_reading import RunLogReader
from experiments.config import experiment_from_document
from experiments.corpora.documents import Document, Example
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.scorers import unread_documents
from fitness.coherence.encoder import MiniLM
from fitness.coherence.fitting import pair_data
from fitness.coherence.heads import Heads
from fitness.coherence.terms import Texts, unit
from fitness.coherence.words import shortened, spoken, words
from fitness.diversity import distinct_n
from fitness.objectives import OBJECTIVES
from fitness.statistics import Interval, correlation, interval_text

MEASURES = ("coherence", "nll", "distinct_1", "distinct_2", "words", "r_at_1")
NUM_RIVALS = 9
NUM_UNREAD_TURNS = 12_000
RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Measured:
    """An individual with its measures and answers."""

    birth: int
    values: Mapping[str, float]
    answers: Mapping[str, str]


def stranger_heads(problem: PreparedCompositions, encoder: MiniLM) -> Heads:
    """Heads trained on training documents that the fit of the scorer left out, of every domain that has some."""
    rng = np.random.default_rng(1)
    domains = [limited(unread_documents(documents)) for documents in problem.documents.values()]
    kept = [found for found in domains if len(found) >= 20]
    return Heads.fit(pair_data(kept, encoder, num_forged=0, rng=rng), num_epochs=6, rng=rng)


def limited(documents: Sequence[Document]) -> list[list[str]]:
    chosen: list[list[str]] = []
    for document in documents:
        if sum(map(len, chosen)) >= NUM_UNREAD_TURNS:
            break
        chosen.append([shortened(turn) for turn in document.turns])
    return chosen


def own_context_found(examples: Sequence[Example], answers: Sequence[str], heads: Heads, encoder: MiniLM) -> float:
    """How often the dual head prefers an answer's own context to those of nine other prompts of its domain."""
    texts = Texts.of([example.context for example in examples], answers, encoder)
    lasts = np.stack([vectors[-1] for vectors in texts.turn_vectors])
    means = texts.context_means()
    replies = np.stack([unit(vector) for vector in texts.reply_vectors.astype(np.float64)])
    rng = np.random.default_rng(0)  # The same rivals for every individual.
    found = []
    for place, example in enumerate(examples):
        rivals = [other for other, item in enumerate(examples) if other != place and item.domain == example.domain]
        rows = [place, *rng.choice(rivals, size=min(NUM_RIVALS, len(rivals)), replace=False)]
        logits = heads.scores(lasts[rows], means[rows], np.repeat(replies[place : place + 1], len(rows), axis=0))[
            "dual"
        ]
        found.append(float(logits[0] > logits[1:].max()))
    return float(np.mean(found))


def measured(problem: PreparedCompositions, genomes: Mapping[int, str], *, num_prompts: int) -> list[Measured]:
    examples = problem.factory.panels["validation"][:num_prompts]
    evaluator = problem.factory()
    encoder = MiniLM()
    heads = stranger_heads(problem, encoder)
    people = own_context_found(examples, [example.reply for example in examples], heads, encoder)
    print(
        f"the unseen head finds the own context of {people:.2f} of the human replies "
        f"(chance {1 / (NUM_RIVALS + 1):.2f})"
    )
    operators = (OBJECTIVES["coherence"], OBJECTIVES["nll"])
    found = []
    for birth, genome in genomes.items():
        result = evaluator.measured(
            problem.space.from_json(genome), examples, operators=operators, replicate=0, is_reported=True
        )
        if not result.is_ok:
            continue
        answers = [result.answers[example.id] for example in examples]
        said = [spoken(words(answer)) for answer in answers]
        values = {
            "coherence": result.metrics["coherence"],
            "nll": result.metrics["nll"],
            "distinct_1": distinct_n(said, n=1),
            "distinct_2": distinct_n(said, n=2),
            "words": float(np.mean([len(row) for row in said])),
            "r_at_1": own_context_found(examples, answers, heads, encoder),
        }
        found.append(Measured(birth, values, result.answers))
        print(f"birth {birth:4d}  " + "  ".join(f"{name} {values[name]:.3f}" for name in MEASURES), flush=True)
    return found


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Spearman's rho with its bootstrap interval over individuals."""
    left, right = np.asarray(first, np.float64), np.asarray(second, np.float64)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(left), size=len(left)) for _ in range(RESAMPLES)]
    drawn = [correlation(rankdata(left[rows]), rankdata(right[rows])) for rows in draws]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(correlation(rankdata(left), rankdata(right)), float(low), float(high))


def print_trends(found: Sequence[Measured]) -> None:
    births = [float(item.birth) for item in found]
    coherence = [item.values["coherence"] for item in found]
    quarter = max(1, len(found) // 4)
    print(f"\n{'measure':12s}{'rho with birth':>26s}{'rho with coherence':>26s}{'first quarter':>15s}{'last':>8s}")
    for name in MEASURES:
        values = [item.values[name] for item in found]
        pair = (rank_correlation(births, values), rank_correlation(coherence, values))
        cells = "".join(f"{interval_text(one, '+.2f'):>26s}" for one in pair)
        print(f"{name:12s}{cells}{np.mean(values[:quarter]):15.3f}{np.mean(values[-quarter:]):8.3f}")


def print_answers(found: Sequence[Measured], examples: Sequence[Example], *, shown: int) -> None:
    chosen = [found[0], max(found, key=lambda item: item.values["coherence"]), found[-1]]
    for example in examples[:shown]:
        print(f"\n  {example.context[-1]!r}\n    human: {example.reply!r}")
        for label, item in zip(("first", "best", "last"), chosen, strict=True):
            print(f"    {label} (birth {item.birth}): {item.answers[example.id]!r}")


def main(directory: Path, *, num_individuals: int, num_prompts: int, shown: int) -> None:
    torch.set_num_threads(1)
    table = history(directory)
    with RunLogReader(directory) as log:
        document = log.meta["config"]
        jobs = [Job.from_json(event.payload["job"]) for event in log.events() if event.kind == "birth"]
    genomes = {job.births_before: job.genome for job in jobs}
    births = list(table.index[(table["status"] == "OK") & ~table["is_duplicate"]])
    places = np.linspace(0, len(births) - 1, min(num_individuals, len(births))).round().astype(int)
    problem = prepare(experiment_from_document(document), is_serial=True)
    print(f"{directory}: {len(births)} different individuals, {len(places)} of them answer {num_prompts} prompts again")
    found = measured(problem, {births[place]: genomes[births[place]] for place in places}, num_prompts=num_prompts)
    print_trends(found)
    print_answers(found, problem.factory.panels["validation"], shown=shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--individuals", type=int, default=24)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--shown", type=int, default=6)
    arguments = parser.parse_args()
    main(arguments.run, num_individuals=arguments.individuals, num_prompts=arguments.prompts, shown=arguments.shown)
