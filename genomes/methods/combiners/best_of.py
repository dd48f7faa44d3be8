"""The answer that the inputs themselves find most fitting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from genomes.methods.combiners.base import AnswerCombiner
from genomes.methods.combiners.given import Ballot
from genomes.methods.ranges import Choice, Integer


class BestOf(AnswerCombiner):
    """Best of n with the ensemble as its own judge: by likelihood, or by mutual information (Li et al. 2016).

    ``judge`` is the mean log-likelihood per token that a candidate has under all inputs (``likelihood``), under all but
    its author (``mutual``: nobody judges his own answer), or under all inputs less its log-likelihood after no prompt
    (``pmi``: an answer to anything answers nothing). The fitness's judge is never asked.
    """

    name = "best_of"
    formula = (
        "answer = argmax_c mean_k log p_k(c | prompt) / |c|, less log p_k(c) for pmi  "
        "[maximum mutual information, Li et al. 2016]"
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "judge": Choice(("mutual", "likelihood", "pmi")),
        "num_samples": Integer(1, 4, 1),
    }

    def reads_likelihoods(self, parameters: Mapping[str, Any]) -> tuple[bool, bool]:
        """See the base class."""
        return True, parameters["judge"] == "pmi"

    def choose(self, ballot: Ballot, *, parameters: Mapping[str, Any]) -> int:
        """See the base class."""
        judge = parameters["judge"]
        totals = []
        for candidate, author in enumerate(ballot.authors):
            scores = []
            for scorer, likelihoods in enumerate(ballot.conditional):
                # A single input left has nobody else to ask.
                if judge == "mutual" and scorer == author and len(ballot.conditional) > 1:
                    continue
                likelihood = likelihoods[candidate]
                if judge == "pmi":
                    likelihood -= ballot.unconditional[scorer][candidate]
                scores.append(likelihood / max(ballot.num_tokens[scorer][candidate], 1))
            totals.append(sum(scores) / len(scores))
        return max(range(len(totals)), key=totals.__getitem__)
