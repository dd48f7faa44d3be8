"""Prints how the coherence scorer agrees with people and how it stands up to attacks, gate by gate.

    python benchmarks/coherence_agreement.py DATA [SCORER]
    python benchmarks/coherence_agreement.py DATA --judge

DATA holds rated replies and attacks (``usr_pc.jsonl``, ``dailydialog_attacks.json``, ...) that are not part of this
project; SCORER is a saved scorer, by default the bundled one. Held-out text comes from the default experiment's
test split. It ends with PASS or FAIL for every gate, and exits with 1 where one fails.

With --judge it prints what the second judge of a final comparison (SmolLM2-135M) agrees with, alone and beside the
scorer, on the same files and on the validation prompts of the quickstart. There are no gates then.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for benchmarks and tests.oracles

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.coherence_attacks import attacks, generated_attacks
from experiments.config import QUICKSTART, load_experiment
from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import Example, balanced, examples_from
from experiments.corpora.panels import load_documents, panels_of
from experiments.corpora.splits import documents_in
from experiments.problems.compositions.judges import open_judge
from fitness.coherence.encoder import Encoder, MiniLM
from fitness.coherence.scorer import CoherenceScorer
from fitness.judge import MutualInformationJudge
from fitness.statistics import GroupedBootstrap, interval_text, rank_correlation
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


GATES = {
    "mean rho, usr_pc by Maintains Context": (">=", 0.38),
    "held-out R@1 of 2": (">=", 0.86),
    "held-out R@1 of 10": (">=", 0.64),
    "human above shuffled words": (">=", 0.90),
    "human above one swapped pair": (">=", 0.70),
    "attacks, mean over kinds of the file": (">=", 0.93),
    "attacks, mean over all kinds": (">=", 0.93),
    "attacks, worst kind, keyword_question included": (">=", 0.75),
    "attacks, worst of copying and echoing": (">=", 0.90),
    "best constant reply, share of human mean": ("<=", 0.75),
    "best constant reply, agent level": ("<=", 0.50),
    "difference of human means between domains": ("<=", 0.05),
    "new replies per second on one thread": (">=", 60.0),
}
"""What a scorer has to reach, and on which side of the number. USR's Overall is printed and no gate: it asks for more
than coherence, which the columns of the cosine and of the length beside it show.
"""

Found = dict[str, float]


def human_agreement(scorer: CoherenceScorer, data: Path, encoder: Encoder) -> Found:
    """Prints rho of the scorer, and of two plain measures that tell what a set asks for."""
    print("\nSpearman with mean human ratings [95 % over contexts]; accuracy of pairs within a context; plain measures")
    found = {}
    for name, aspect in RATED:
        rated = load_rated(data / name, aspect)
        scores = scorer.score([item.context for item in rated], [item.reply for item in rated])
        lasts = encoder.encode([item.context[-1] for item in rated])
        cosines = (lasts * encoder.encode([item.reply for item in rated])).sum(axis=1)
        lengths = [len(item.reply.split()) for item in rated]
        result = agreement(rated, [score.value for score in scores])
        found[name, aspect] = result.spearman.value
        pairs = "" if result.pairwise_accuracy is None else f"  pairs {result.pairwise_accuracy.value:.3f}"
        rho = result.spearman
        ratings = [item.rating for item in rated]
        plain = [float(spearmanr(values, ratings).statistic) for values in (cosines, lengths)]
        print(
            f"  {name:34s}{aspect:20s}{rho.value:6.3f} [{rho.low:.3f}, {rho.high:.3f}]{pairs}  cosine of the last turn "
            f"{plain[0]:.3f}, number of words {plain[1]:.3f}"
        )
    means = {}
    for aspect in ("Overall", "Maintains Context"):
        kept = [value for key, value in found.items() if key[0] != "usr_pc.jsonl" or key[1] == aspect]
        means[f"mean rho, usr_pc by {aspect}"] = float(np.mean(kept))
        print(f"  mean over four sets, usr_pc by {aspect}: {np.mean(kept):.3f}")
    return means


def held_out(scorer: CoherenceScorer, domain: str, examples: list[Example], *, rng: np.random.Generator) -> Found:
    """Prints ranking accuracies of one domain."""
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
    return {
        "held-out R@1 of 2": float((true > rivals).mean()),
        "held-out R@1 of 10": float((true > rivals.max(axis=0)).mean()),
        "human above shuffled words": float((true > shuffled).mean()),
        "human above one swapped pair": float((true > swapped).mean()),
    }


def domain_difference(scorer: CoherenceScorer, examples: dict[str, list[Example]]) -> Found:
    """Prints how human replies of each domain score: a mean of one split alone is off by some .02."""
    means = []
    for name, items in examples.items():
        values = _values(scorer, [item.context for item in items], [item.reply for item in items])
        means.append(float(values.mean()))
        error = values.std() / len(values) ** 0.5
        print(f"  {name:13s} mean {values.mean():.3f}, standard error {error:.3f}, {len(values)} prompts")
    return {"difference of human means between domains": max(means) - min(means)}


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


def constants(scorer: CoherenceScorer, examples: list[Example]) -> Found:
    contexts = [example.context for example in examples]
    humans = [example.reply for example in examples]
    scores = scorer.score(contexts, humans)
    human = scorer.agent_score(scores, humans, human_replies=humans)
    print(
        f"\nOne reply to {len(examples)} prompts, as a share of the human value {human.value:.3f} ({human.penalties})"
    )
    parts, levels = [], []
    for reply in CONSTANT_REPLIES:
        scores = scorer.score(contexts, [reply] * len(contexts))
        agent = scorer.agent_score(scores, [reply] * len(contexts), human_replies=humans)
        parts.append(agent.mean / human.mean)
        levels.append(agent.value / human.value)
        print(f"  replies {parts[-1]:.3f}  agent {levels[-1]:.3f}  {reply!r}")
    return {"best constant reply, share of human mean": max(parts), "best constant reply, agent level": max(levels)}


def _values(scorer: CoherenceScorer, contexts: list, replies: list[str]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([score.value for score in scorer.score(contexts, replies)])


def _shuffled(reply: str, *, rng: np.random.Generator) -> str:
    return " ".join(rng.permutation(reply.split()))


def _swapped(reply: str, *, rng: np.random.Generator) -> str:
    said = reply.split()
    place = int(rng.integers(len(said) - 1))
    said[place], said[place + 1] = said[place + 1], said[place]
    return " ".join(said)


def has_passed(found: Found) -> bool:
    """Prints every gate; whether all are reached."""
    print("\nGates")
    reached = []
    for name, (side, bound) in GATES.items():
        reached.append(found[name] >= bound if side == ">=" else found[name] <= bound)
        print(f"  {'PASS' if reached[-1] else 'FAIL'}  {name} {found[name]:.3f} ({side} {bound:g})")
    return all(reached)


def main(data: Path, directory: Path, *, encoder: Encoder | None = None) -> int:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    encoder = encoder or MiniLM()
    scorer = CoherenceScorer.load(directory, encoder=encoder)
    print(f"scorer {scorer.version}")
    found = human_agreement(scorer, data, encoder)
    domains = {
        "conversation": load_chitchat(domain="conversation"),
        "graphs": load_docstrings(["networkx"], domain="graphs"),
        "arrays": load_docstrings(["numpy", "pandas"], domain="arrays"),
    }
    examples = {name: examples_from(documents_in(found, "test"), per_document=1) for name, found in domains.items()}
    print("\nHeld-out human replies against others")
    ranked = {name: held_out(scorer, name, items[:300], rng=rng) for name, items in examples.items()}
    found |= ranked["conversation"]
    print("\nHuman replies of validation and test")
    others = {
        name: examples_from(documents_in(documents, "validation"), per_document=1)
        for name, documents in domains.items()
    }
    found |= domain_difference(scorer, {name: others[name][:300] + items[:300] for name, items in examples.items()})
    found |= attacks(scorer, data)
    for name, items in examples.items():
        generated_attacks(scorer, name, items[:100])
    adversarial(scorer, data, num_contexts=200)
    everything = [item for items in examples.values() for item in items]
    mixed = constants(scorer, balanced(everything, count=96, salt="constants"))
    alone = constants(scorer, examples["conversation"][:96])
    found |= {name: max(mixed[name], alone[name]) for name in mixed}
    fresh = [f"{example.reply} {number}" for number, example in enumerate(examples["conversation"][:200])]
    start = time.perf_counter()
    scorer.score([example.context for example in examples["conversation"][:200]], fresh)
    found["new replies per second on one thread"] = 200 / (time.perf_counter() - start)
    return 0 if has_passed(found) else 1


@dataclass(frozen=True)
class _Value:
    value: float


class _AsScorer:
    """A judge in the scorer's place, for the parts above that only ask for the order of replies."""

    def __init__(self, judge: MutualInformationJudge) -> None:
        self._judge = judge

    def score(self, contexts: list, replies: list[str]) -> list[_Value]:  # type: ignore[type-arg]
        return [_Value(value) for value in self._judge.score(contexts, replies)]


def second_judge(data: Path) -> None:
    """Prints the agreement of the judge with people, alone and joined, and how it ranks and is attacked."""
    torch.set_num_threads(1)
    judge = _AsScorer(open_judge("smollm2", is_offline=True))
    scorer = CoherenceScorer.load(BUNDLED_SCORER, encoder=MiniLM())
    sets = [one for one in RATED if one != ("usr_pc.jsonl", "Overall")]
    rated = [item for name, aspect in sets for item in load_rated(data / name, aspect)]
    of_set = np.array([place for place, one in enumerate(sets) for _ in load_rated(data / one[0], one[1])])
    ratings = np.array([item.rating for item in rated])
    contexts, replies = [item.context for item in rated], [item.reply for item in rated]
    start = time.perf_counter()
    alone = _values(judge, contexts, replies)
    print(f"{len(rated) / (time.perf_counter() - start):.1f} replies a second on one thread")
    coherence = _values(scorer, contexts, replies)
    joined = np.concatenate(
        [_z(coherence[of_set == one]) + 0.3 * _z(alone[of_set == one]) for one in np.unique(of_set)]
    )
    drawn = GroupedBootstrap(list(zip(of_set, contexts, strict=True)), resamples=1_000, seed=0)

    def mean_rho(values: np.ndarray, rows: np.ndarray) -> float:  # type: ignore[type-arg]
        kept = [rows[of_set[rows] == one] for one in np.unique(of_set)]
        return float(np.mean([rank_correlation(values[part], ratings[part]) for part in kept]))

    def printed(title: str, statistic: Callable[[np.ndarray], float]) -> None:  # type: ignore[type-arg]
        every = np.arange(len(rated), dtype=np.float64)
        found = drawn.interval(lambda rows, _: statistic(rows.astype(int)), every, every)
        print(f"  {title:40s}{interval_text(found)}")

    for one, (name, aspect) in enumerate(sets):
        for title, values in (("judge", alone), ("scorer", coherence), ("scorer + .3 judge", joined)):
            here = of_set == one
            items = [item for item, is_here in zip(rated, here, strict=True) if is_here]
            print(f"  {name:34s}{aspect:20s}{title:20s}{interval_text(agreement(items, values[here]).spearman)}")
    for title, values in (("judge", alone), ("scorer", coherence), ("scorer + .3 judge", joined)):
        printed(f"mean over four sets, {title}", lambda rows, values=values: mean_rho(values, rows))  # type: ignore[misc]
    printed("mean gain of the joined one", lambda rows: mean_rho(joined, rows) - mean_rho(coherence, rows))
    config = load_experiment(QUICKSTART)
    prompts = {str(split): examples for split, examples in panels_of(config.data, load_documents(config.data)).items()}
    for domain in config.data.domains:
        examples = [example for example in prompts["validation"] if example.domain == domain]
        held_out(judge, domain, examples, rng=np.random.default_rng(0))
    attacks(judge, data)


def _z(values: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return (values - values.mean()) / values.std()


if __name__ == "__main__":
    if sys.argv[2:] == ["--judge"]:
        second_judge(Path(sys.argv[1]))
    else:
        raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else BUNDLED_SCORER))
