"""How often people's replies score above replies that cheat: part of coherence_agreement.py, which prints it.

The attacks of the file and those of tests/oracles/ answer the file's prompts; the latter answer held-out prompts of the
default experiment as well.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.corpora.documents import Example
from fitness.coherence.scorer import CoherenceScorer
from tests.oracles.attacks import ECHOES, FILLERS, WRECKS, Attack, Exchange, keyword_question, question_back
from tests.oracles.misfits import HELD_BACK, MISFITS

COPYING = ("contextrep_contextonly", "contextrep_contextplus", "template", "template2", "you_said", "so_echo")
ON_THE_FILE: Mapping[str, Attack] = {
    "keyword_question": keyword_question,
    "question_back": question_back,
    **MISFITS,
    **HELD_BACK,
}
"""What answers the prompts of the file beside its own attacks."""


def attacks(scorer: CoherenceScorer, data: Path) -> dict[str, float]:
    """Prints the share of the file's prompts where the human reference scores above an attack, kind by kind."""
    of_file: dict[str, list[float]] = defaultdict(list)
    added: dict[str, list[float]] = defaultdict(list)
    groups = json.loads((data / "dailydialog_attacks.json").read_text(encoding="utf-8"))
    for number, group in enumerate(groups):
        context = tuple(group[0]["source"].split("<|endoftext|>"))
        human = group[0]["system_output"]
        replies = _replies(
            Exchange(context, human, groups[(number + 1) % len(groups)][0]["system_output"]), seed=number
        )
        kinds = [*(row["system_id"] for row in group[1:]), *replies]
        said = [human, *(row["system_output"] for row in group[1:]), *replies.values()]
        best, *values = (score.value for score in scorer.score([context] * len(said), said))
        for kind, value in zip(kinds, values, strict=True):
            (added if kind in replies else of_file)[kind].append(float(best > value) + 0.5 * float(best == value))
    means = {name: float(np.mean(wins)) for name, wins in (of_file | added).items()}
    for title, found in (("the file's attacks", of_file), ("the project's attacks", added)):
        print(f"\nShare of the file's prompts where the human reference scores above {title}")
        for name in sorted(found, key=means.__getitem__):
            print(f"  {name:30s}{means[name]:.3f}{'  held back' if name in HELD_BACK else ''}")
    kinds_of_file = [means[name] for name in of_file]
    all_kinds = [*kinds_of_file, *(means[name] for name in COPYING[2:])]
    asked = means["keyword_question"]
    print(f"  mean over {len(of_file)} kinds of the file {np.mean(kinds_of_file):.3f}, worst {min(kinds_of_file):.3f}")
    print(f"  mean of these and keyword_question {np.mean([*kinds_of_file, asked]):.3f}")
    for title, family in (("developed with", MISFITS), ("held back", HELD_BACK)):
        shares = [means[name] for name in family]
        print(f"  mean over {len(family)} misfits {title} {np.mean(shares):.3f}, worst {min(shares):.3f}")
    return {
        "attacks, mean over kinds of the file": float(np.mean(kinds_of_file)),
        "attacks, mean over all kinds": float(np.mean(all_kinds)),
        "attacks, worst kind, keyword_question included": min(*all_kinds, asked),
        "attacks, worst of copying and echoing": min(means[name] for name in COPYING),
    }


def generated_attacks(scorer: CoherenceScorer, domain: str, examples: list[Example]) -> None:
    """Prints the project's own attacks on held-out prompts, by family. No gate: guards were written beside them."""
    rng = np.random.default_rng(0)
    exchanges = [
        Exchange(example.context, example.reply, examples[(place + 37) % len(examples)].reply)
        for place, example in enumerate(examples)
    ]
    contexts = [exchange.context for exchange in exchanges]

    def values(replies: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([score.value for score in scorer.score(contexts, replies)])

    human = values([exchange.reply for exchange in exchanges])
    print(f"\nOwn attacks, {domain}: share of prompts where the human is above (mean of the attack by the human mean)")
    families = {"echoes": ECHOES, "fillers": FILLERS, "wrecks": WRECKS, "misfits": MISFITS, "held back": HELD_BACK}
    for family, kinds in families.items():
        found = {}
        for name, attack in kinds.items():
            scored = values([attack(exchange, rng) for exchange in exchanges])
            found[name] = float((human > scored).mean() + 0.5 * (human == scored).mean()), scored.mean() / human.mean()
        cells = ", ".join(f"{name} {share:.2f} ({part:.2f})" for name, (share, part) in found.items())
        print(f"  {family}: mean {np.mean([share for share, _ in found.values()]):.3f}: {cells}")


def _replies(exchange: Exchange, *, seed: int) -> dict[str, str]:
    last = exchange.last
    topic = max(last.split(), key=len).strip(".,?!").lower()
    rng = np.random.default_rng(seed)
    return {
        "template": f"I like {topic}. Do you like {topic}?",
        "template2": f"Yes, {topic} is great! What do you think about {topic}?",
        "you_said": f"You said {last}",
        "so_echo": f"So {last.rstrip('.?! ').lower()}, right?",
        **{name: attack(exchange, rng) for name, attack in ON_THE_FILE.items()},
    }
