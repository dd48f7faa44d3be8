"""The contract of fitted genomes: valid, the same again, never worse on what they are fitted to, else unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genomes.breeding.fitted_space import FittedSpace
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import CombinerNode, MemberNode
from genomes.graph.rules import check_genome
from genomes.graph.serialization import genome_from_json, genome_to_json
from genomes.members.store import Store
from genomes.methods.combiners import COMBINERS, METHODS
from genomes.running.teacher_forcing import EvaluationSet, TeacherForcing
from genomes.running.teacher_forcing.weight_fitting import WeightFitter
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, shapes

REPLIED = EvaluationSet.of(CONTEXTS, ("fine", "the sea, and books about it", "i am fine, thank you very much", "."))
SPACE = CompositionSpace(
    {name: MemberInfo(name, "t", 1000, 96) for name in ("ada", "bob", "cleo")},
    methods=tuple(METHODS),
    max_new_tokens=8,
    prompt_tokens=40,
    max_drafts=1,
)
FITTED_SHAPES = [
    "weighted",
    "product",
    "bayesian",
    "vote",
    "mixtures in mixtures",
    "one member twice",
    "drafts of drafts",
]
UNTOUCHED_SHAPES = ["single", "mean", "gate", "stack", "prompt gate", "draft", "best of", "nested"]


def shape(name: str) -> Genome:
    """One of the shapes, or one that has several combiners and follows from kept outputs all the same."""
    if name != "mixtures in mixtures":
        return shapes()[name]
    three = {"m1": member("ada"), "m2": member("bob", temperature=1.4), "m3": member("cleo", temperature=0.7)}
    joins = {"c1": ("bayesian", {}, {"m1": 1.0, "m2": 2.0}), "c2": ("weighted", {}, {"c1": 1.0, "m3": 4.0})}
    return genome_of(three, joins)


@pytest.fixture(scope="module")
def forcing(tmp_path_factory: pytest.TempPathFactory) -> TeacherForcing:
    return TeacherForcing(TinyCatalogue(), REPLIED, store=Store(tmp_path_factory.mktemp("outputs")))


@pytest.fixture(scope="module")
def fitter(forcing: TeacherForcing) -> WeightFitter:
    return WeightFitter(forcing)


def loss(genome: Genome, forcing: TeacherForcing) -> float:
    (found,) = forcing.reply_likelihoods([genome])
    return sum(one.nll_nats / one.num_tokens for one in found)


FITTED_GENES = ("sharpness", "tempering", "smoothing")


def without_fitted_genes(genome: Genome) -> Genome:
    nodes = {
        name: CombinerNode(
            node.method, {key: value for key, value in node.parameters.items() if key not in FITTED_GENES}
        )
        if isinstance(node, CombinerNode)
        else node
        for name, node in genome.nodes.items()
    }
    return Genome(nodes, [replace(edge, weight=None) for edge in genome.edges])


@pytest.mark.parametrize("name", FITTED_SHAPES)
def test_a_fitted_genome_is_valid_stable_and_better_and_otherwise_unchanged(
    forcing: TeacherForcing, fitter: WeightFitter, name: str
) -> None:
    genome = shape(name)
    before = genome_to_json(genome)
    fitted = fitter.fitted(genome)
    assert genome_to_json(genome) == before
    assert check_genome(fitted) == []
    assert genome_to_json(canonical_genome(fitted)) == genome_to_json(fitted)
    assert genome_to_json(genome_from_json(genome_to_json(fitted))) == genome_to_json(fitted)
    assert loss(fitted, forcing) < loss(genome, forcing)
    assert genome_key(without_fitted_genes(fitted)) == genome_key(without_fitted_genes(genome))


@pytest.mark.parametrize("name", FITTED_SHAPES)
def test_the_same_again_from_its_own_result_and_in_another_fitter(
    forcing: TeacherForcing, fitter: WeightFitter, name: str
) -> None:
    fitted = fitter.fitted(shape(name))
    assert genome_to_json(fitter.fitted(fitted)) == genome_to_json(fitted)
    assert genome_to_json(WeightFitter(forcing).fitted(shape(name))) == genome_to_json(fitted)


@pytest.mark.parametrize("name", UNTOUCHED_SHAPES)
def test_genomes_without_weights_to_fit_come_back_as_they_are(fitter: WeightFitter, name: str) -> None:
    assert fitter.fitted(shape(name)) is shapes()[name] or genome_key(fitter.fitted(shape(name))) == genome_key(
        shapes()[name]
    )


def test_what_does_not_follow_from_kept_outputs_comes_back_as_it_is(fitter: WeightFitter) -> None:
    far = {"m1": member("ada", temperature=9.0), "m2": member("bob")}
    genome = genome_of(far, {"c1": ("weighted", {}, {"m1": 1.0, "m2": 3.0})})
    assert fitter.fitted(genome) is genome


def test_weights_that_it_had_do_not_count(fitter: WeightFitter) -> None:
    three = {"m1": member("ada"), "m2": member("bob", temperature=1.4), "m3": member("cleo", temperature=0.7)}
    some, others = {"m1": 2.0, "m2": 1.0, "m3": 0.5}, {"m3": 0.1, "m1": 1.0, "m2": 5.0}
    one, other = (fitter.fitted(genome_of(three, {"c1": ("bayesian", {}, weights)})) for weights in (some, others))
    assert genome_to_json(one) == genome_to_json(other)


def test_random_genomes_never_get_worse(forcing: TeacherForcing, fitter: WeightFitter) -> None:
    rng, space = (
        np.random.default_rng(5),
        replace(SPACE, methods=tuple(name for name, one in COMBINERS.items() if one.is_fittable)),
    )
    num_changed = 0
    for _ in range(20):
        genome = space.random(rng=rng)
        fitted = fitter.fitted(genome)
        assert SPACE.problems(fitted) == []
        if genome_key(fitted) != genome_key(genome):
            num_changed += 1
            assert loss(fitted, forcing) <= loss(genome, forcing)
    assert num_changed >= 10


class TestFittedSpace:
    @pytest.fixture
    def space(self, fitter: WeightFitter) -> FittedSpace:
        given = {name: getattr(SPACE, name) for name in SPACE.__dataclass_fields__}
        return FittedSpace(**given, fitted=fitter.fitted)

    def test_founders_random_genomes_and_children_are_fitted(self, space: FittedSpace, fitter: WeightFitter) -> None:
        rng = np.random.default_rng(2)
        founders = [genome for _, genome in space.founders()]
        randoms = [space.random(rng=rng) for _ in range(6)]
        mutate, _ = space.mutations["swap_member"]
        children = [space.inherit(mutate(genome, rng=rng), genome) for genome in randoms]
        for genome in founders + randoms + children:
            assert space.key(fitter.fitted(genome)) == space.key(genome)

    def test_names_of_founders_and_plain_ensembles_stay(self, space: FittedSpace) -> None:
        plain, fitted = dict(SPACE.founders()), dict(space.founders())
        assert list(plain) == list(fitted)
        assert genome_key(plain["uniform-mean"]) == genome_key(fitted["uniform-mean"])
        assert genome_key(plain["uniform-weighted"]) != genome_key(fitted["uniform-weighted"])

    def test_fitting_draws_nothing(self, space: FittedSpace) -> None:
        structures = []
        for one in (SPACE, space):
            rng = np.random.default_rng(9)
            genomes = [one.random(rng=rng) for _ in range(5)]
            structures.append(
                [sorted(node.member for node in genome.of_type(MemberNode).values()) for genome in genomes]
            )
        assert structures[0] == structures[1]
