"""Combiners: every way to join distributions or answers, one method per file, registered here in one line each."""

from collections import ChainMap
from collections.abc import Mapping

from genomes.methods.combiners.answer_vote import AnswerVote
from genomes.methods.combiners.base import NUMBERS, AnswerCombiner, Combiner, Method
from genomes.methods.combiners.bayesian import Bayesian
from genomes.methods.combiners.best_of import BestOf
from genomes.methods.combiners.evidence_gate import EvidenceGate
from genomes.methods.combiners.gate import Gate
from genomes.methods.combiners.given import Ballot, Fit
from genomes.methods.combiners.learned_pool import Cases, LearnedPool
from genomes.methods.combiners.mean import Mean
from genomes.methods.combiners.product import Product
from genomes.methods.combiners.prompt_gate import PromptGate
from genomes.methods.combiners.stack import Stack
from genomes.methods.combiners.vote import Vote
from genomes.methods.combiners.weighted import Weighted

COMBINERS: dict[str, Combiner] = {
    combiner.name: combiner
    for combiner in (Mean(), Weighted(), Product(), Bayesian(), Vote(), Gate(), PromptGate(), EvidenceGate(), Stack())
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
    "Cases",
    "Combiner",
    "EvidenceGate",
    "Fit",
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
