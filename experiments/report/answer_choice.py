"""Which answers a report shows side by side: the first ones, and where the winner gained and lost most."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from experiments.problems.compositions.answers import Answer, AnsweredPrompt
from experiments.problems.compositions.finals import BEST_MEMBER, UNIFORM_MEAN, WINNER

_IDLE_GUARD = 0.995
_SHOWN = (BEST_MEMBER, UNIFORM_MEAN, WINNER)


def shown_labels(prompts: Sequence[AnsweredPrompt]) -> list[str]:
    """Best member, uniform mean and winner, as far as they took part."""
    return [label for label in _SHOWN if prompts and label in prompts[0].answers]


def chosen_prompts(prompts: Sequence[AnsweredPrompt], *, per_group: int = 4) -> list[tuple[str, list[AnsweredPrompt]]]:
    """Prompts by the reason they are shown for, none twice: the first ones (domains take turns), gains, and losses."""
    if not prompts:
        return []
    reference = shown_labels(prompts)[0]
    first = list(prompts[: 2 * per_group])
    rest = sorted(prompts[len(first) :], key=lambda one: _gain(one, reference))
    worst = [one for one in rest[:per_group] if _gain(one, reference) < 0]
    best = [one for one in rest[::-1][:per_group] if _gain(one, reference) > 0]
    groups = [
        ("The first test prompts", first),
        (f"Where the winner gained most on {reference}", best),
        (f"Where the winner lost most to {reference}", worst),
    ]
    return [(reason, chosen) for reason, chosen in groups if chosen]


def answers_table(prompts: Sequence[AnsweredPrompt]) -> pd.DataFrame:
    """All answers to all prompts, a row each, with terms and guards."""
    rows: list[dict[str, object]] = []
    for prompt in prompts:
        human = {"prompt": prompt.id, "domain": prompt.domain, "context": " | ".join(prompt.context)}
        rows.append({**human, "who": "human", "answer": prompt.human, "coherence": prompt.human_coherence})
        for label, answers in prompt.answers.items():
            rows += [{**human, "who": label, **_columns(answer)} for answer in answers]
    return pd.DataFrame(rows)


def active_guards(answer: Answer) -> list[tuple[str, float]]:
    """The guards that took half a per cent or more away, the strongest first."""
    active = [(name, value) for name, value in answer.guards.items() if value < _IDLE_GUARD]
    return sorted(active, key=lambda pair: pair[1])


def _columns(answer: Answer) -> dict[str, object]:
    terms = {f"term.{name}": value for name, value in answer.terms.items()}
    guards = {f"guard.{name}": value for name, value in answer.guards.items()}
    return {"answer": answer.text, "coherence": answer.coherence, "nll_nats": answer.nll_nats, **terms, **guards}


def _gain(prompt: AnsweredPrompt, reference: str) -> float:
    return prompt.mean_coherence(WINNER) - prompt.mean_coherence(reference)
