"""The contracts as somebody's own package would use them; docs/own-combiner.md shows this file."""

from genomes.testing import CombinerContract, MergeMethodContract
from tests.genomes.methods.plugins.median_pool import Median
from tests.genomes.methods.plugins.median_soup import MedianSoup


class TestMedian(CombinerContract):
    def method(self):
        return Median()


class TestMedianSoup(MergeMethodContract):
    def method(self):
        return MedianSoup()
