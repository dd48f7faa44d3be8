"""The answer that most resembles the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from genomes.methods.combiners.base import AnswerCombiner
from genomes.methods.combiners.given import Ballot
from genomes.methods.ranges import Choice, Integer


class AnswerVote(AnswerCombiner):
    """Minimum Bayes risk over candidates (Kumar & Byrne 2004), similarity being the F1 of token n-grams.

    ``order`` is the longest n-gram; the F1 values of the orders 1 to ``order`` are averaged, in ``recall`` the recall
    counts twice as much as the precision (F2), which favours answers that hold what the others say.
    """

    name = "answer_vote"
    formula = "answer = argmax_c sum_c' F(n-grams of c, n-grams of c')  [minimum Bayes risk, Kumar & Byrne 2004]"
    parameters: ClassVar[Mapping[str, Any]] = {
        "balance": Choice(("f1", "recall")),
        "num_samples": Integer(1, 4, 2),
        "order": Integer(1, 3, 2),
    }

    def choose(self, ballot: Ballot, *, parameters: Mapping[str, Any]) -> int:
        """See the base class."""
        beta = 1.0 if parameters["balance"] == "f1" else 2.0
        order = int(parameters["order"])
        gains = [
            sum(
                similarity(answer, other, order=order, beta=beta)
                for place, other in enumerate(ballot.answers)
                if place != candidate
            )
            for candidate, answer in enumerate(ballot.answers)
        ]
        return max(range(len(gains)), key=gains.__getitem__)


def similarity(answer: Sequence[int], other: Sequence[int], *, order: int, beta: float) -> float:
    """How alike two sequences are: the mean over orders of the F-measure of their n-grams, in [0, 1]; equal gives 1."""
    if tuple(answer) == tuple(other):
        return 1.0
    total = 0.0
    for size in range(1, order + 1):
        mine, theirs = _grams(answer, size), _grams(other, size)
        shared = (mine & theirs).total()
        if shared:
            precision, recall = shared / mine.total(), shared / theirs.total()
            total += (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    return total / order


def _grams(tokens: Sequence[int], size: int) -> Counter[tuple[int, ...]]:
    return Counter(tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1))
