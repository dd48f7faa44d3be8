"""Fitting learned combiners from kept outputs against fitting them with the members run anew."""

from __future__ import annotations

import pytest

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode
from genomes.members.store import Store
from genomes.methods.combiners import NUMBERS
from genomes.running.compilation import compile_genome
from genomes.running.fitting import Fitter
from genomes.running.teacher_forcing import EvaluationSet, TeacherForcing
from genomes.running.teacher_forcing.learned_fitting import KeptFitter
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, weights_of

REPLIES = ("fine, thank you", "books about the sea", "how are you?", "i like to read")
REPLIED = EvaluationSet.of(CONTEXTS, REPLIES)
THREE = {"m1": member("ada"), "m2": member("bob", temperature=1.5), "m3": member("cleo")}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptFitter:
    forcing = TeacherForcing(TinyCatalogue(), REPLIED, store=Store(tmp_path_factory.mktemp("outputs")))
    return KeptFitter(forcing, REPLIED, TinyCatalogue())


def slow_twin() -> Fitter:
    return Fitter(CONTEXTS, REPLIES, TinyCatalogue())


def numbers_of(genome: Genome) -> tuple[float, ...]:
    (found,) = [
        node.parameters[NUMBERS] for node in genome.of_type(CombinerNode).values() if NUMBERS in node.parameters
    ]
    return found


def nll(genome: Genome) -> float:
    found = compile_genome(genome, TinyCatalogue()).reply_likelihoods(CONTEXTS, REPLIES)
    return sum(one.nll_nats for one in found)


@pytest.mark.parametrize(
    ("method", "genes"),
    [("prompt_gate", {"active": 3, "buckets": 16}), ("stack", {"hidden": 0}), ("stack", {"hidden": 4})],
)
def test_numbers_serve_as_well_as_those_of_the_slow_twin(kept: KeptFitter, method: str, genes: dict[str, int]) -> None:
    genome = genome_of(THREE, {"c1": (method, {"decay": 1e-2} | genes, weights_of("m1 m2 m3"))})
    fast, slow = kept.fitted(genome), slow_twin().fitted(genome)
    assert nll(fast) == pytest.approx(nll(slow), abs=2e-2)
    assert nll(fast) < nll(genome) - 0.1
    if not genes.get("hidden"):
        # With hidden units there are many equal optima; without, one.
        assert numbers_of(fast) == pytest.approx(numbers_of(slow), abs=5e-3)


def test_what_is_not_kept_is_computed_anew(kept: KeptFitter) -> None:
    far = {**THREE, "m3": member("cleo", temperature=9.0)}
    genome = genome_of(far, {"c1": ("stack", {"hidden": 0}, weights_of("m1 m2 m3"))})
    assert kept.fitted(genome) == slow_twin().fitted(genome)
