"""Kept outputs against running the members anew, on every shape of genome and on random ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.members.store import Store
from genomes.methods.combiners import METHODS
from genomes.running.compilation import compile_genome
from genomes.running.phenotype import ReplyLikelihood
from genomes.running.teacher_forcing import EvaluationSet, NotKeptError, TeacherForcing
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, shapes, tiny_member

REPLIES = ("fine", "the sea, and books about it", "i am fine, thank you very much", ".")
REPLIED = EvaluationSet.of(CONTEXTS, REPLIES)
TOKEN_METHODS_OF_ONE_NUMBER = ("mean", "weighted", "bayesian", "vote")
SPACE = CompositionSpace(
    {name: MemberInfo(name, "t", 1000, 96) for name in ("ada", "bob", "cleo")},
    max_new_tokens=8,
    prompt_tokens=40,
    max_member_nodes=5,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def forcing(store: Store) -> TeacherForcing:
    return TeacherForcing(TinyCatalogue(), REPLIED, store=store)


def slow_twin(genome: Genome, evaluation_set: EvaluationSet = REPLIED) -> list[ReplyLikelihood]:
    return compile_genome(genome, TinyCatalogue()).reply_likelihoods(evaluation_set.contexts, evaluation_set.replies)


def assert_equal(found: list[ReplyLikelihood], expected: list[ReplyLikelihood], *, nats_per_token: float) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.num_tokens, one.num_bytes) == (other.num_tokens, other.num_bytes)
        assert one.nll_nats == pytest.approx(other.nll_nats, abs=nats_per_token * other.num_tokens)


class TestAgainstThePhenotype:
    @pytest.mark.parametrize("name", shapes())
    def test_every_shape(self, forcing: TeacherForcing, name: str) -> None:
        genome = shapes()[name]
        assert_equal(forcing.reply_likelihoods([genome])[0], slow_twin(genome), nats_per_token=5e-3)

    def test_random_mixtures_are_equal_up_to_float32(self, forcing: TeacherForcing) -> None:
        space = replace(SPACE, methods=TOKEN_METHODS_OF_ONE_NUMBER, max_combiners=1)
        rng = np.random.default_rng(1)
        genomes = [space.random(rng=rng) for _ in range(40)]
        for genome in genomes:
            assert_equal(forcing.kept_likelihoods(genome), slow_twin(genome), nats_per_token=1e-4)

    def test_random_nested_genomes_of_every_method(self, forcing: TeacherForcing) -> None:
        space = replace(SPACE, methods=tuple(METHODS))
        rng = np.random.default_rng(2)
        genomes = [space.random(rng=rng) for _ in range(60)]
        kept = 0
        for genome in genomes:
            try:
                found = forcing.kept_likelihoods(genome)
            except NotKeptError:
                continue
            kept += 1
            assert_equal(found, slow_twin(genome), nats_per_token=5e-3)
        assert kept >= 40

    def test_prompts_that_do_not_fit_lose_the_same_tokens(self, store: Store) -> None:
        long = EvaluationSet.of([("books about the sea " * 30, "hello"), ("hello there",)], ["fine", "thank you"])
        forcing = TeacherForcing(TinyCatalogue(), long, store=store)
        for name in ("single", "bayesian", "draft"):
            genome = shapes()[name]
            assert_equal(forcing.kept_likelihoods(genome), slow_twin(genome, long), nats_per_token=1e-4)

    def test_one_sharp_product_over_hot_and_cold_members(self, forcing: TeacherForcing) -> None:
        members = {"m1": member("ada", temperature=0.5), "m2": member("bob", temperature=2.0)}
        genome = genome_of(members, {"c1": ("product", {"sharpness": 3.0}, {"m1": 1.0, "m2": 0.02})})
        assert_equal(forcing.kept_likelihoods(genome), slow_twin(genome), nats_per_token=5e-3)


class TestKeeping:
    def test_a_second_process_finds_the_outputs(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        genome = shapes()["product"]
        first = TeacherForcing(TinyCatalogue(), REPLIED, store=store).reply_likelihoods([genome])
        monkeypatch.setattr("genomes.running.runtime.CompositeRuntime.forward", None)
        assert TeacherForcing(TinyCatalogue(), REPLIED, store=store).reply_likelihoods([genome]) == first

    def test_other_replies_have_outputs_of_their_own(self, store: Store) -> None:
        other = EvaluationSet.of(CONTEXTS, ("yes", *REPLIES[1:]))
        genome = shapes()["mean"]
        found = TeacherForcing(TinyCatalogue(), other, store=store).reply_likelihoods([genome])[0]
        assert_equal(found, slow_twin(genome, other), nats_per_token=1e-4)

    def test_equal_sub_graphs_are_computed_once(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        forcing = TeacherForcing(TinyCatalogue(), REPLIED, store=store)
        forcing.reply_likelihoods([shapes()["mean"]])
        monkeypatch.setattr("genomes.running.teacher_forcing.outputs.StreamOutputs.targets", None)
        # The same members at the same temperatures, under another method.
        forcing.reply_likelihoods([shapes()["weighted"]])
        with pytest.raises(TypeError):
            forcing.reply_likelihoods([shapes()["single"]])


class TestFallback:
    def test_evidence_of_a_product_is_left_to_the_phenotype_and_counted(self, store: Store) -> None:
        forcing = TeacherForcing(TinyCatalogue(), REPLIED, store=store)
        members = {"m1": member("ada"), "m2": member("bob"), "m3": member("cleo")}
        genome = genome_of(
            members,
            {"c1": ("product", {}, {"m1": 1.0, "m2": 1.0}), "c2": ("bayesian", {}, {"c1": 1.0, "m3": 1.0})},
        )
        with pytest.raises(NotKeptError, match="'bayesian' reads what an input made of the prompt"):
            forcing.kept_likelihoods(genome)
        assert forcing.reply_likelihoods([genome]) == [slow_twin(genome)]
        assert forcing.num_fallbacks == 1

    def test_a_temperature_outside_of_the_tables_is_left_to_the_phenotype(self, store: Store) -> None:
        forcing = TeacherForcing(TinyCatalogue(), REPLIED, store=store, temperatures=(0.9, 1.1))
        genome = genome_of({"m1": member("ada", temperature=1.3)}, {})
        with pytest.raises(NotKeptError, match=r"temperature 1\.3 is outside"):
            forcing.kept_likelihoods(genome)
        assert forcing.reply_likelihoods([genome]) == [slow_twin(genome)]

    def test_a_reply_that_is_too_long_is_refused_as_the_phenotype_refuses_it(self, store: Store) -> None:
        forcing = TeacherForcing(TinyCatalogue(), EvaluationSet.of([("hello",)], ["yes " * 90]), store=store)
        genome = genome_of({"m1": member("ada")}, {})
        with pytest.raises(NotKeptError, match="room for 96 tokens"):
            forcing.kept_likelihoods(genome)
        with pytest.raises(ValueError, match=r"'yes yes .* tokens; the members have room for 95"):
            forcing.reply_likelihoods([genome])


class TestErrors:
    def test_a_range_of_temperatures_has_two_ends(self, store: Store) -> None:
        with pytest.raises(ValueError, match=r"temperatures is \(2\.0, 1\.0\)"):
            TeacherForcing(TinyCatalogue(), REPLIED, store=store, temperatures=(2.0, 1.0))

    def test_an_evaluation_set_pairs_contexts_and_replies(self) -> None:
        with pytest.raises(ValueError, match="1 contexts and 2 replies"):
            EvaluationSet.of([("hello",)], ["a", "b"])
        with pytest.raises(ValueError, match="0 contexts and 0 replies"):
            EvaluationSet.of([], [])


def test_members_have_content_keys() -> None:
    # The tests above share a store: two tiny members under one key would read each other's outputs.
    assert len({tiny_member(name).key for name in ("ada", "bob", "cleo")}) == 3
