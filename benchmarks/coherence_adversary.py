"""Attacks the coherence scorer by search: evolves replies against it, and takes the best of many sampled answers.

    python benchmarks/coherence_adversary.py [--scorer DIR] [--prompts 16] [--generations 30]

Four adversaries answer held-out prompts of the default experiment, each scored by the turn-level score alone:
the best of stranger replies (humans answering other prompts), the same after evolution of words and phrases,
the same started from words of the context alone, and the best of 64 answers sampled from a bundled member. It prints
how often each beats the human's reply, by how much, what the guards make of the winners, and the winners for reading.
A high share alone is no flaw: the best of a thousand replies may well fit better than the one a person gave. A flaw
is a winner that no person would say.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from experiments.config.bundled import BUNDLED_DIRECTORY, BUNDLED_SCORER
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import Example, balanced, examples_from
from experiments.corpora.splits import documents_in
from fitness.coherence.scorer import CoherenceScore, CoherenceScorer
from fitness.coherence.words import content_words, words

POPULATION = 16
OFFSPRING = 16
NUM_STRANGERS = 64
NUM_SAMPLES = 64
MAX_REPLY_WORDS = 30

Replies = list[list[str]]


def evolved(
    examples: Sequence[Example],
    start: Callable[[Example], list[str]],
    corpus: Sequence[Sequence[str]],
    scorer: CoherenceScorer,
    *,
    generations: int,
    rng: np.random.Generator,
) -> Replies:
    """The last population of every prompt, best first: (mu + lambda) with the turn-level score as fitness."""
    populations = [start(example) for example in examples]
    values = scored(examples, populations, scorer)
    for _ in range(generations):
        offspring = [
            [bred(population, example, corpus, rng=rng) for _ in range(OFFSPRING)]
            for population, example in zip(populations, examples, strict=True)
        ]
        found = scored(examples, offspring, scorer)
        for place in range(len(examples)):
            pool = dict(zip(populations[place] + offspring[place], values[place] + found[place], strict=True))
            best = sorted(pool, key=lambda reply: (-pool[reply], reply))[:POPULATION]
            populations[place], values[place] = best, [pool[reply] for reply in best]
    return populations


def bred(
    population: Sequence[str], example: Example, corpus: Sequence[Sequence[str]], *, rng: np.random.Generator
) -> str:
    """A child: half of the time two parents joined, then one to three edits of words or phrases."""
    child = population[int(rng.integers(len(population)))].split()
    if rng.random() < 0.5:
        other = population[int(rng.integers(len(population)))].split()
        child = child[: int(rng.integers(len(child) + 1))] + other[int(rng.integers(len(other) + 1)) :]
    context = [word for turn in example.context for word in turn.split()]
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(child) + 1))
        sentence = corpus[int(rng.integers(len(corpus)))]
        begin = int(rng.integers(len(sentence)))
        match int(rng.integers(6)):
            case 0:
                child[place : place + 1] = [context[int(rng.integers(len(context)))]]
            case 1:
                child[place:place] = [context[int(rng.integers(len(context)))]]
            case 2:
                child[place : place + 1] = [sentence[begin]]
            case 3:
                child[place:place] = sentence[begin : begin + 4]
            case 4:
                del child[place : place + int(rng.integers(1, 4))]
            case _:
                child[place : place + 2] = child[place : place + 2][::-1]
    return " ".join(child[:MAX_REPLY_WORDS]) or "?"


def scored(examples: Sequence[Example], replies: Replies, scorer: CoherenceScorer) -> list[list[float]]:
    flat = scorer.score(
        [example.context for example, said in zip(examples, replies, strict=True) for _ in said],
        [reply for said in replies for reply in said],
    )
    values = iter(score.value for score in flat)
    return [[next(values) for _ in said] for said in replies]


def sampled(examples: Sequence[Example], *, seed: int) -> Replies:
    """Answers of the bundled member of each prompt's domain (the generalist reads all)."""
    directory = BUNDLED_DIRECTORY / "members" / "generalist"
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    newline = tokenizer.encode("\n")[-1]
    torch.manual_seed(seed)
    found = []
    for example in examples:
        ids = torch.tensor([tokenizer.encode("\n".join(example.context) + "\n")[-96:]])
        with torch.inference_mode():
            output = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=0.8, top_p=0.95,
                max_new_tokens=24, min_new_tokens=2,
                num_return_sequences=NUM_SAMPLES, eos_token_id=newline, pad_token_id=newline,
            )  # fmt: skip
        found.append([tokenizer.decode(row[ids.shape[1] :]).strip() or "?" for row in output])
    return found


def report(name: str, examples: Sequence[Example], replies: Replies, scorer: CoherenceScorer, *, shown: int) -> None:
    contexts = [example.context for example in examples]
    human = scorer.score(contexts, [example.reply for example in examples])
    values = scored(examples, replies, scorer)
    winners = [said[int(np.argmax(row))] for said, row in zip(replies, values, strict=True)]
    scores = scorer.score(contexts, winners)
    value, person_value = ([score.value for score in found] for found in (scores, human))
    gains = np.array(value) - person_value
    agents = [
        scorer.agent_score(found, said, human_replies=[example.reply for example in examples])
        for found, said in ((scores, winners), (human, [example.reply for example in examples]))
    ]
    borrowed = np.mean([borrowed_share(example, reply) for example, reply in zip(examples, winners, strict=True)])
    print(
        f"\n{name}: beats the human on {(gains > 0).mean():.2f} of {len(examples)} prompts, by {gains.mean():+.3f} on "
        f"the mean ({np.mean(value):.3f} for {np.mean(person_value):.3f}); "
        f"agent level {agents[0].value:.3f} for {agents[1].value:.3f}; {borrowed:.2f} of its content words are borrowed"
    )
    print(f"  mean of all its replies {np.mean([np.mean(row) for row in values]):.3f}")
    print(f"  weakest guards of the winners: {weakest(scores)}")
    for example, reply, score, person in list(zip(examples, winners, scores, human, strict=True))[:shown]:
        print(f"  [{score.value:.2f} for {person.value:.2f}] {example.context[-1][:90]!r} -> {reply!r}")


def borrowed_share(example: Example, reply: str) -> float:
    handed = {word for turn in example.context for word in content_words(words(turn))}
    said = content_words(words(reply))
    return sum(word in handed for word in said) / max(len(said), 1)


def weakest(scores: Sequence[CoherenceScore]) -> str:
    means = {name: float(np.mean([score.guards[name] for score in scores])) for name in scores[0].guards}
    return ", ".join(f"{name} {means[name]:.2f}" for name in sorted(means, key=lambda name: means[name])[:3])


def main(directory: Path, *, num_prompts: int, generations: int, shown: int) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    scorer = CoherenceScorer.load(directory)
    domains = [load_chitchat(domain="conversation"), load_docstrings(["numpy", "pandas"], domain="arrays")]
    held_out = [example for found in domains for example in examples_from(documents_in(found, "test"), per_document=1)]
    examples = balanced(held_out, count=num_prompts, salt="adversary")
    corpus = [
        turn.split() for found in domains for document in documents_in(found, "train")[:400] for turn in document.turns
    ]
    others = {
        domain: [item.reply for item in held_out if item.domain == domain] for domain in ("conversation", "arrays")
    }

    def strangers(example: Example) -> list[str]:
        pool = [reply for reply in others[example.domain] if reply != example.reply]
        return [pool[int(number)] for number in rng.choice(len(pool), size=NUM_STRANGERS, replace=False)]

    def keywords(example: Example) -> list[str]:
        context = [word for turn in example.context for word in turn.split()]
        return [" ".join(rng.choice(context, size=6)) for _ in range(POPULATION)]

    print(f"scorer {scorer.version}, {len(examples)} prompts, {generations} generations of {OFFSPRING}")
    report(f"best of {NUM_STRANGERS} strangers", examples, [strangers(item) for item in examples], scorer, shown=shown)
    for name, start in (("evolved from strangers", strangers), ("evolved from the context's words", keywords)):
        found = evolved(examples, start, corpus, scorer, generations=generations, rng=rng)
        report(name, examples, found, scorer, shown=shown)
    report(f"best of {NUM_SAMPLES} of a member", examples, sampled(examples, seed=0), scorer, shown=shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scorer", type=Path, default=BUNDLED_SCORER)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--generations", type=int, default=30)
    parser.add_argument("--shown", type=int, default=8)
    arguments = parser.parse_args()
    main(arguments.scorer, num_prompts=arguments.prompts, generations=arguments.generations, shown=arguments.shown)
