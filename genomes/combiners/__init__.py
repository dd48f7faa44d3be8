"""Combiners: every way to join distributions or answers, one method per file, registered here in one line each."""

from collections import ChainMap
from collections.abc import Mapping

from genomes.combiners.answer_vote import AnswerVote
from genomes.combiners.base import NUMBERS, AnswerCombiner, Ballot, Combiner, Method
from genomes.combiners.bayesian import Bayesian
from genomes.combiners.best_of import BestOf
from genomes.combiners.gate import Gate
from genomes.combiners.mean import Mean
from genomes.combiners.pooling import LearnedPool
from genomes.combiners.product import Product
from genomes.combiners.prompt_gate import PromptGate
from genomes.combiners.stack import Stack
from genomes.combiners.vote import Vote
from genomes.combiners.weighted import Weighted

COMBINERS: dict[str, Combiner] = {
    combiner.name: combiner
    for combiner in (Mean(), Weighted(), Product(), Bayesian(), Vote(), Gate(), PromptGate(), Stack())
}
"""Methods that join next-token distributions."""

ANSWER_COMBINERS: dict[str, AnswerCombiner] = {combiner.name: combiner for combiner in (BestOf(), AnswerVote())}
"""Methods that choose among whole answers."""

METHODS: Mapping[str, Method] = ChainMap(ANSWER_COMBINERS, COMBINERS)  # type: ignore[arg-type]
"""All of them."""

__all__ = [
    "ANSWER_COMBINERS",
    "COMBINERS",
    "METHODS",
    "NUMBERS",
    "AnswerCombiner",
    "AnswerVote",
    "Ballot",
    "Bayesian",
    "BestOf",
    "Combiner",
    "Gate",
    "LearnedPool",
    "Mean",
    "Method",
    "Product",
    "PromptGate",
    "Stack",
    "Vote",
    "Weighted",
]
