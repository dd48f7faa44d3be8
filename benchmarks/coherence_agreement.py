"""Prints how the coherence scorer agrees with people and how it stands up to attacks.

    python benchmarks/coherence_agreement.py DATA [SCORER]

DATA holds rated replies and attacks (``usr_pc.jsonl``, ``dailydialog_attacks.json``, ...) that are not part of this
project; SCORER is a saved scorer, by default the bundled one. Held-out text comes from the default experiment's
test split.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import Example, balanced, documents_in, examples_from
from experiments.scorers import BUNDLED_SCORER
from fitness.coherence.encoder import Encoder
from fitness.coherence.scorer import CoherenceScorer
from fitness.validation import agreement, load_rated

RATED = (
    ("usr_pc.jsonl", "Overall"),
    ("usr_pc.jsonl", "Maintains Context"),
    ("grade_convai2.jsonl", "Coherence"),
    ("grade_empatheticdialogues.jsonl", "Coherence"),
    ("dailydialog_zhao.jsonl", "Appropriateness"),
)
CONSTANT_REPLIES = (
    "I don't know.",
    "That's really cool! What do you like to do for fun?",
    "I love that! What kind of music do you like?",
    "That sounds like a lot of fun! What do you like to do?",
    "Yeah, I agree with you. What do you think about it?",
    "I think so too, but I have never tried it before.",
    "That is really interesting, tell me more about that.",
    "How are you doing today?",
    "I like that. Do you like that?",
    "Whether to return the same type as the input.",
    "Returns the value of the given parameter for each node in the graph.",
    "If True, the result is returned as a new array with the same shape as the input.",
)


def human_agreement(scorer: CoherenceScorer, data: Path) -> None:
    print("\nSpearman with mean human ratings [95 % over contexts]; accuracy of pairs within a context")
    found = {}
    for name, aspect in RATED:
        rated = load_rated(data / name, aspect)
        scores = scorer.score([item.context for item in rated], [item.reply for item in rated])
        result = agreement(rated, [score.value for score in scores])
        found[name, aspect] = result.spearman.value
        pairs = "" if result.pairwise_accuracy is None else f"  pairs {result.pairwise_accuracy.value:.3f}"
        rho = result.spearman
        print(f"  {name:34s}{aspect:20s}{rho.value:6.3f} [{rho.low:.3f}, {rho.high:.3f}]{pairs}")
    for aspect in ("Overall", "Maintains Context"):
        kept = [value for key, value in found.items() if key[0] != "usr_pc.jsonl" or key[1] == aspect]
        print(f"  mean over four sets, usr_pc by {aspect}: {np.mean(kept):.3f}")


def held_out(scorer: CoherenceScorer, domain: str, examples: list[Example], *, rng: np.random.Generator) -> float:
    """Prints ranking accuracies of one domain and returns the mean score of its human replies."""
    contexts = [example.context for example in examples]
    replies = [example.reply for example in examples]
    true = _values(scorer, contexts, replies)
    rivals = np.stack(
        [
            _values(scorer, contexts, [replies[(place + shift) % len(replies)] for place in range(len(replies))])
            for shift in rng.choice(np.arange(1, len(replies)), size=9, replace=False)
        ]
    )
    shuffled = _values(scorer, contexts, [_shuffled(reply, rng=rng) for reply in replies])
    swapped = _values(scorer, contexts, [_swapped(reply, rng=rng) for reply in replies])
    parrot = _values(scorer, contexts, [context[-1] for context in contexts])
    print(
        f"  {domain:13s} of 2 {(true > rivals).mean():.3f}  of 10 {(true > rivals.max(axis=0)).mean():.3f}  shuffled "
        f"{(true > shuffled).mean():.3f}  one pair swapped {(true > swapped).mean():.3f}  copy "
        f"{(true > parrot).mean():.3f}  mean {true.mean():.3f} sd {true.std():.3f}; random {rivals.mean():.3f}, "
        f"shuffled {shuffled.mean():.3f}, copy {parrot.mean():.3f}"
    )
    return float(true.mean())


def attacks(scorer: CoherenceScorer, data: Path) -> None:
    print("\nShare of items where the human reference scores above the attack")
    wins: dict[str, list[float]] = defaultdict(list)
    for group in json.loads((data / "dailydialog_attacks.json").read_text(encoding="utf-8")):
        contexts = [row["source"].split("<|endoftext|>") for row in group]
        last = contexts[0][-1].split()
        topic = max(last, key=len).strip(".,?!").lower()
        extra = {
            "template": f"I like {topic}. Do you like {topic}?",
            "template2": f"Yes, {topic} is great! What do you think about {topic}?",
            "you_said": f"You said {contexts[0][-1]}",
            "so_echo": f"So {contexts[0][-1].rstrip('.?! ').lower()}, right?",
        }
        replies = [*(row["system_output"] for row in group), *extra.values()]
        values = _values(scorer, [contexts[0]] * len(replies), replies)
        names = [*(row["system_id"] for row in group), *extra]
        for name, value in zip(names[1:], values[1:], strict=True):
            wins[name].append(float(values[0] > value) + 0.5 * float(values[0] == value))
    means = {name: float(np.mean(items)) for name, items in wins.items()}
    for name, mean in sorted(means.items(), key=lambda item: item[1]):
        print(f"  {name:24s}{mean:.3f}")
    print(f"  mean over {len(means)} kinds {np.mean(list(means.values())):.3f}, worst {min(means.values()):.3f}")


def adversarial(scorer: CoherenceScorer, data: Path, *, num_contexts: int) -> None:
    lines = (data / "dailydialogpp_dev.json").read_text(encoding="utf-8").splitlines()[:num_contexts]
    wins: dict[str, list[float]] = defaultdict(list)
    for row in map(json.loads, lines):
        kinds = {kind: row[f"{kind}_responses"] for kind in ("positive", "random_negative", "adversarial_negative")}
        values = {kind: _values(scorer, [row["context"]] * len(said), said) for kind, said in kinds.items()}
        for kind in ("random_negative", "adversarial_negative"):
            wins[kind].append(float((values["positive"][:, None] > values[kind]).mean()))
    shares = ", ".join(f"above {kind} {np.mean(items):.3f}" for kind, items in wins.items())
    print(f"\nDailyDialog++ ({len(lines)} contexts), share of pairs with the right reply {shares}")


def constants(scorer: CoherenceScorer, examples: list[Example]) -> None:
    contexts = [example.context for example in examples]
    humans = [example.reply for example in examples]
    scores = scorer.score(contexts, humans)
    human = scorer.agent_score(scores, humans, human_replies=humans)
    print(
        f"\nOne reply to {len(examples)} prompts, as a share of the human value {human.value:.3f} ({human.penalties})"
    )
    for reply in CONSTANT_REPLIES:
        scores = scorer.score(contexts, [reply] * len(contexts))
        agent = scorer.agent_score(scores, [reply] * len(contexts), human_replies=humans)
        print(f"  replies {agent.mean / human.mean:.3f}  agent {agent.value / human.value:.3f}  {reply!r}")


def _values(scorer: CoherenceScorer, contexts: list, replies: list[str]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([score.value for score in scorer.score(contexts, replies)])


def _shuffled(reply: str, *, rng: np.random.Generator) -> str:
    return " ".join(rng.permutation(reply.split()))


def _swapped(reply: str, *, rng: np.random.Generator) -> str:
    said = reply.split()
    place = int(rng.integers(len(said) - 1))
    said[place], said[place + 1] = said[place + 1], said[place]
    return " ".join(said)


def main(data: Path, directory: Path, *, encoder: Encoder | None = None) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    scorer = CoherenceScorer.load(directory, encoder=encoder)
    human_agreement(scorer, data)
    domains = {
        "conversation": load_chitchat(domain="conversation"),
        "graphs": load_docstrings(["networkx"], domain="graphs"),
        "arrays": load_docstrings(["numpy", "pandas"], domain="arrays"),
    }
    examples = {name: examples_from(documents_in(found, "test"), per_document=1) for name, found in domains.items()}
    print("\nHeld-out human replies against others")
    means = [held_out(scorer, name, found[:300], rng=rng) for name, found in examples.items()]
    print(f"  domains differ by {max(means) - min(means):.3f}")
    attacks(scorer, data)
    adversarial(scorer, data, num_contexts=200)
    constants(scorer, balanced([item for found in examples.values() for item in found], count=96, salt="constants"))
    constants(scorer, examples["conversation"][:96])
    fresh = [f"{example.reply} {number}" for number, example in enumerate(examples["conversation"][:200])]
    start = time.perf_counter()
    scorer.score([example.context for example in examples["conversation"][:200]], fresh)
    print(f"\n{200 / (time.perf_counter() - start):.0f} new replies a second on one thread")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else BUNDLED_SCORER)
