"""Does a scorer agree with people? Correlations with mean human ratings, with bootstrap intervals.

Rated files are JSON lines: ``{"ctx": [turns], "resp": reply, "r": {criterion: mean rating, ...}}``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fitness.json_lines import JsonLine, read_json_lines
from fitness.statistics import GroupedBootstrap, Interval, concordant_pairs, correlation, rank_correlation


@dataclass(frozen=True, slots=True)
class RatedReply:
    """A reply that people rated.

    Attributes:
        context: The turns before it, oldest first.
        reply: What was rated.
        rating: Mean rating over raters; only its order among the file's ratings matters.
    """

    context: tuple[str, ...]
    reply: str
    rating: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far values agree with ratings.

    Attributes:
        spearman: Rank correlation, in [-1, 1].
        pearson: Linear correlation, in [-1, 1].
        pairwise_accuracy: Share of the pairs of replies to one context with unequal ratings whose values stand in
            the same order, ties counting half; .5 is chance. None where no context has two such replies.
        num_replies: Replies rated.
    """

    spearman: Interval
    pearson: Interval
    pairwise_accuracy: Interval | None
    num_replies: int


def load_rated(path: Path, criterion: str) -> list[RatedReply]:
    """The replies of a rated file that have a rating for one criterion, in the order of the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no rated reply, or none is rated for the criterion; names the closest one.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{str(path)!r} is no file; give a file of rated replies. {_RATED_LINE}")
    rated = []
    criteria: set[str] = set()
    for line in read_json_lines(path, form=_RATED_LINE):
        context, reply, ratings = _rated_line(line)
        criteria.update(ratings)
        if criterion in ratings:
            rated.append(RatedReply(context, reply, ratings[criterion]))
    if not rated:
        closest = difflib.get_close_matches(criterion, criteria, n=1)
        hint = f" Did you mean {closest[0]!r}?" if closest else ""
        raise ValueError(f"No reply in {str(path)!r} is rated for {criterion!r}; rated are {sorted(criteria)}.{hint}")
    return rated


def agreement(
    rated: Sequence[RatedReply], values: Sequence[float], *, resamples: int = 1_000, seed: int = 0
) -> Agreement:
    """Correlations of values with ratings; intervals resample whole contexts, whose replies depend on each other.

    Args:
        rated: Rated replies.
        values: What the scorer gave each of them.
        resamples: Bootstrap samples.
        seed: Equal seeds give equal intervals.

    Raises:
        ValueError: The numbers differ, there are fewer than three replies, or all are rated alike.
    """
    if len(rated) != len(values) or len(rated) < 3:
        raise ValueError(
            f"agreement was given {len(rated)!r} ratings and {len(values)!r} values; allowed are equally "
            f"many, 3 or more."
        )
    ratings = np.array([item.rating for item in rated])
    if ratings.min() == ratings.max():
        raise ValueError(
            f"All {len(rated)!r} replies are rated {rated[0].rating!r}; allowed are ratings of two values or more, for "
            f"agreement is about their order."
        )
    scores = np.asarray(values, np.float64)
    by_context = GroupedBootstrap([item.context for item in rated], resamples=resamples, seed=seed)
    return Agreement(
        spearman=by_context.correlation_interval(rank_correlation, ratings, scores),
        pearson=by_context.correlation_interval(correlation, ratings, scores),
        pairwise_accuracy=by_context.share_interval(concordant_pairs, ratings, scores),
        num_replies=len(rated),
    )


_RATED_LINE = (
    "Each line is a JSON object with 'ctx' (a list of turns, at least one), 'resp' (the reply) and 'r' (mean rating by "
    "criterion, null where there is none)."
)


def _rated_line(line: JsonLine) -> tuple[tuple[str, ...], str, dict[str, float]]:
    row = line.content
    try:
        context, reply, ratings = row["ctx"], row["resp"], row["r"]
        numbers = {criterion: float(rating) for criterion, rating in ratings.items() if rating is not None}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{line.place}: is {row!r:.60}, which is no rated reply. {_RATED_LINE}") from error
    if not isinstance(context, list) or not context or not all(isinstance(turn, str) for turn in [*context, reply]):
        raise ValueError(f"{line.place}: has ctx {context!r} and resp {reply!r}; allowed are texts. {_RATED_LINE}")
    for criterion, rating in numbers.items():
        if not math.isfinite(rating):
            raise ValueError(f"{line.place}: rates {criterion!r} as {rating!r}; allowed are finite numbers.")
    return tuple(context), reply, numbers
