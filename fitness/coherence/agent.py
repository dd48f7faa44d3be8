"""The score of an agent over a fixed panel of prompts, from the scores of its replies.

A reply that fits one prompt may be a bad answer to fifty: what only shows over the panel is punished here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fitness.coherence.words import FUNCTION_WORDS, spoken, words
from fitness.diversity import distinct_n, mean_pairwise_similarity
from fitness.statistics import Floats
from fitness.statistics import mean as means

_QUARTILE_WEIGHT = 0.25
_USUAL_SIMILARITY = 0.6
_USUAL_DISTINCT_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class AgentScore:
    """How coherent an agent is over a panel; all in [0, 1], higher is better, penalties excepted.

    Attributes:
        value: ``(mean + lower_quartile / 4) / 1.25`` times one minus each penalty.
        mean: Mean of the replies' values.
        lower_quartile: Their 25 % quantile; it follows whole-dialogue coherence better than the mean does.
        penalties: Share taken away for ``same_reply``, ``similar_replies`` and ``low_diversity``.
    """

    value: float
    mean: float
    lower_quartile: float
    penalties: Mapping[str, float]


def agent_score(
    values: Sequence[float], replies: Sequence[str], vectors: npt.NDArray[np.float32], human_replies: Sequence[str]
) -> AgentScore:
    """The agent level of scored replies, rounded to six decimals.

    Args:
        values: Value of each reply, in [0, 1].
        replies: What the agent said, one per prompt of the panel.
        vectors: Unit vectors of the replies [replies, dimension].
        human_replies: What people said to the same prompts; the reference of diversity.

    Raises:
        ValueError: The panel is empty.
    """
    if not values:
        raise ValueError("An agent was scored on 0 replies; allowed are 1 or more. Give a panel with prompts.")
    mean = float(np.mean(values))
    lower_quartile = float(np.quantile(values, 0.25))
    penalties = {
        "same_reply": round(same_reply(replies), 6),
        "similar_replies": round(similar_replies(vectors), 6),
        "low_diversity": round(low_diversity(replies, human_replies), 6),
    }
    value = level(values)
    for penalty in penalties.values():
        value *= 1.0 - penalty
    return AgentScore(round(value, 6), round(mean, 6), round(lower_quartile, 6), penalties)


def level(values: Sequence[float]) -> float:
    """``(mean + lower quartile / 4) / 1.25`` of one or more values: one good answer does not hide bad ones."""
    mean, lower_quartile = float(np.mean(values)), float(np.quantile(values, 0.25))
    return (mean + _QUARTILE_WEIGHT * lower_quartile) / (1 + _QUARTILE_WEIGHT)


def levels(values: Floats, weights: Floats) -> Floats:
    """``level`` of samples in which each value stands as often as its weight says: what intervals draw anew.

    Args:
        values: One number per prompt.
        weights: Whole numbers from 0, each row with a sum above 0: [samples, prompts].

    Returns:
        Float64 [samples].
    """
    order = np.argsort(values, kind="stable")
    ordered, up_to = values[order], weights[:, order].cumsum(axis=1)
    place = 0.25 * (up_to[:, -1] - 1)  # As np.quantile interpolates.
    below = np.floor(place)
    low = ordered[(up_to <= below[:, None]).sum(axis=1)]
    high = ordered[(up_to <= np.ceil(place)[:, None]).sum(axis=1)]
    lower_quartiles = low + (place - below) * (high - low)
    return np.asarray((means(values, weights) + _QUARTILE_WEIGHT * lower_quartiles) / (1 + _QUARTILE_WEIGHT))


def same_reply(replies: Sequence[str]) -> float:
    """Half the share of replies whose words, or whose pattern, were said to another prompt as well.

    The pattern of a reply is its function words with its content words blanked; patterns count from five words
    on, because shorter ones meet by chance.
    """
    if len(replies) < 2:
        return 0.0
    said = Counter(" ".join(spoken(words(reply))) for reply in replies)
    patterns = Counter(_pattern(reply) for reply in replies)
    repeated = sum(
        said[" ".join(spoken(words(reply)))] > 1 or (len(_pattern(reply)) >= 5 and patterns[_pattern(reply)] > 1)
        for reply in replies
    )
    return 0.5 * repeated / len(replies)


def similar_replies(vectors: npt.NDArray[np.float32]) -> float:
    """How far the mean pairwise cosine of the replies lies above .6, up to .5 where all say the same."""
    if len(vectors) < 2:
        return 0.0
    excess = mean_pairwise_similarity(vectors) - _USUAL_SIMILARITY
    return 0.5 * min(max(excess / (1.0 - _USUAL_SIMILARITY), 0.0), 1.0)


def low_diversity(replies: Sequence[str], human_replies: Sequence[str]) -> float:
    """How far distinct-2 falls below 70 % of that of the human replies, up to .5 where it is 0."""
    human = distinct_n([words(reply) for reply in human_replies], n=2)
    if human == 0.0 or len(replies) < 2:
        return 0.0
    share = distinct_n([words(reply) for reply in replies], n=2) / human
    return 0.5 * min(max(1.0 - share / _USUAL_DISTINCT_SHARE, 0.0), 1.0)


def _pattern(reply: str) -> tuple[str, ...]:
    return tuple(word if word in FUNCTION_WORDS else "_" for word in spoken(words(reply)))
