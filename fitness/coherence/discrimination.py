"""Whether a scorer tells what people replied from the same replies after other contexts: a check on the texts at hand.

A scorer that was fitted to other texts, or to another language, gives numbers all the same. What a launch makes of the
answer is said in experiments/problems/compositions/scorer_check.py.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fitness.statistics import Interval, Sample, bootstrap_interval, interval_text

if TYPE_CHECKING:
    from fitness.coherence.scorer import CoherenceScore

Score = Callable[[Sequence[Sequence[str]], Sequence[str]], Sequence["CoherenceScore"]]
"""Contexts and replies to scores; ``CoherenceScorer.score`` is one."""

LEAST_CHANCE = 0.75
"""Chance of a true reply to score higher below which coherence means little. Its reason is in docs/decisions.md."""

ENOUGH_REPLIES = 20
"""Replies from which on a scorer may be called blind: intervals by a bootstrap over fewer are too short."""

MOST_PROMPTS = 200
"""Prompts that are read at most, drawn by the seed: the interval is some .08 wide then, and scoring takes seconds."""

_RIVALS = 2  # Shuffled replies for each true one: intervals a tenth shorter than with one, for a sixth more time.


@dataclass(frozen=True, slots=True)
class Discrimination:
    """How well a scorer tells true replies from shuffled ones.

    Attributes:
        chance: The chance that a true reply scores higher than a shuffled one after the same context, with its interval
            over prompts; in [0, 1], 0.5 where the scorer is blind.
        num_replies: True replies that it was found on.
    """

    chance: Interval
    num_replies: int

    @property
    def is_doubtful(self) -> bool:
        """Whether the estimate is below ``LEAST_CHANCE``."""
        return self.chance.value < LEAST_CHANCE

    @property
    def is_blind(self) -> bool:
        """Whether the whole interval is below ``LEAST_CHANCE``, on replies enough to say so."""
        return self.num_replies >= ENOUGH_REPLIES and self.chance.high < LEAST_CHANCE

    def sentence(self, *, replies: str = "human replies", place: str = "") -> str:
        """The figure for people.

        Args:
            replies: What the true replies are called.
            place: Where they are from, e.g. ``" on the search prompts"``.
        """
        return (
            f"The scorer tells {replies} from shuffled ones with probability {interval_text(self.chance)}{place} "
            f"({self.num_replies} replies)."
        )


def discrimination(
    score: Score,
    contexts: Sequence[Sequence[str]],
    replies: Sequence[str],
    *,
    domains: Sequence[Hashable] | None = None,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Discrimination | None:
    """How well a scorer tells the reply to each context from replies to other contexts.

    The comparison is paired: every true reply stands against up to two shuffled ones after its own context, so
    contexts that score high with any reply, and domains that do, count for nothing. It is the area under the ROC curve
    within a context, averaged over contexts; ties count half.

    Args:
        score: Gives replies their scores.
        contexts: The turns before each reply.
        replies: What was replied, one per context.
        domains: The domain of each reply; one without. Replies are shuffled within domains: telling conversation from
            technical prose is easier than telling which reply fits.
        groups: What each reply depends on, e.g. its document: the interval draws whole groups. Without, no reply
            depends on another one.
        seed: Of the shuffle, of the choice among more than ``MOST_PROMPTS``, and of the bootstrap.

    Returns:
        None where no reply has another one of its domain to stand against: one that differs from it, and that was not
        said in the context before.

    Raises:
        ValueError: The numbers of contexts, replies, domains and groups differ.
    """
    domains = domains if domains is not None else [None] * len(replies)
    groups = groups if groups is not None else range(len(replies))
    if not len(contexts) == len(replies) == len(domains) == len(groups):
        raise ValueError(
            f"discrimination was given {len(contexts)!r} contexts, {len(replies)!r} replies, {len(domains)!r} domains "
            f"and {len(groups)!r} groups; allowed are equally many."
        )
    circles: dict[Hashable, list[int]] = {}
    for row in np.random.default_rng(seed).permutation(len(replies))[:MOST_PROMPTS]:
        circles.setdefault(domains[row], []).append(int(row))
    rivals_of = {
        row: _rivals(contexts[row], replies, row, [*circle[place + 1 :], *circle[:place]])
        for circle in circles.values()
        for place, row in enumerate(circle)
    }
    pairs = [(row, text) for row, rivals in rivals_of.items() if rivals for text in (replies[row], *rivals)]
    if not pairs:
        return None
    values = iter(score([contexts[row] for row, _ in pairs], [text for _, text in pairs]))
    shares = [_share_won(next(values), [next(values) for _ in rivals]) for rivals in rivals_of.values() if rivals]
    judged = [groups[row] for row, rivals in rivals_of.items() if rivals]
    return Discrimination(bootstrap_interval(Sample.grouped(shares, judged), seed=seed), len(shares))


def _rivals(context: Sequence[str], replies: Sequence[str], row: int, others: Sequence[int]) -> list[str]:
    """The next replies that are neither the true one nor a quotation."""
    said = {replies[row], *context}
    return [replies[other] for other in others if replies[other] not in said][:_RIVALS]


def _share_won(true: CoherenceScore, others: Sequence[CoherenceScore]) -> float:
    return float(np.mean([(np.sign(true.value - other.value) + 1) / 2 for other in others]))
