"""A view of the mixture: how likely every token of an answer was, and how much each member had to do with that.

Methods differ in what their weights mean, and members may also have a say through drafts. So what is shown is the same
for all of them: the token's log-probability minus what it would have been without the member, in nats. Above 0 the
member spoke for the token, below 0 against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from experiments.export.opened import Composite
from genomes.running.pruning import NoMemberLeftError
from genomes.running.trunk import Trunk


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token of an answer.

    Attributes:
        text: The token.
        probability: What the composite gave it, before temperature and filters of the answer.
        gains_nats: By member, the token's log-probability minus the one without the member; None where nobody is left.
    """

    text: str
    probability: float
    gains_nats: Mapping[str, float | None]

    @property
    def shares(self) -> dict[str, float]:
        """How the members' influence divides, for or against: positive, summing to 1; equal where nobody had any."""
        sizes = {name: abs(gain or 0.0) for name, gain in self.gains_nats.items()}
        total = sum(sizes.values())
        return {name: size / total if total > 0 else 1.0 / len(sizes) for name, size in sizes.items()}


def token_views(
    composite: Composite, trunks: Mapping[str, Trunk], prompt: Sequence[int], answer: Sequence[int]
) -> list[TokenView]:
    """A view of every token of an answer. Costs one reading of prompt and answer for every member.

    Where whole answers are chosen, the probabilities are those of the mean of the inputs.
    """
    if not answer:
        return []
    whole = _log_probabilities(composite, trunks, {}, prompt, answer)
    without = {
        name: _log_probabilities(composite, trunks, {name: "asked what it is like without"}, prompt, answer)
        for name in composite.program.members
    }
    views = []
    for place, token in enumerate(answer):
        gains: dict[str, float | None] = {}
        for name, others in without.items():
            gains[name] = None if others is None or whole is None else float(whole[place] - others[place])
        probability = 0.0 if whole is None else float(whole[place].exp())
        views.append(TokenView(composite.tokenizer.decode([token]), probability, gains))
    return views


@torch.inference_mode()
def _log_probabilities(
    composite: Composite,
    trunks: Mapping[str, Trunk],
    left_out: Mapping[str, str],
    prompt: Sequence[int],
    answer: Sequence[int],
) -> torch.Tensor | None:
    """Log-probability of every token of the answer; None where all members are left out."""
    try:
        runtime = composite.runtime(trunks, left_out)
    except NoMemberLeftError:
        return None
    tokens = torch.tensor([[*prompt, *answer]])
    joint = runtime.forward(
        tokens, torch.ones_like(tokens), prompt_lengths=torch.tensor([len(prompt)]), num_kept=len(answer) + 1
    )
    return joint[0, :-1].double().gather(-1, torch.tensor(list(answer))[:, None])[:, 0]
