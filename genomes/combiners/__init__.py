"""Combiners: every way to join next-token distributions, one method per file, registered here in one line each."""

from genomes.combiners.base import Combiner
from genomes.combiners.bayesian import Bayesian
from genomes.combiners.mean import Mean
from genomes.combiners.product import Product
from genomes.combiners.vote import Vote
from genomes.combiners.weighted import Weighted

COMBINERS: dict[str, Combiner] = {
    combiner.name: combiner for combiner in (Mean(), Weighted(), Product(), Bayesian(), Vote())
}

__all__ = ["COMBINERS", "Bayesian", "Combiner", "Mean", "Product", "Vote", "Weighted"]
