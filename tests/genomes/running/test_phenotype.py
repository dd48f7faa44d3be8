"""The phenotype against the plain reference, and what makes comparisons between genomes fair."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from genomes.graph.genome import Genome
from genomes.graph.rules import check_genome
from genomes.members.catalogue import MemberCatalogue
from genomes.members.tokenizers import train_tokenizer
from genomes.running.compilation import compile_genome
from genomes.running.fast_trunk import PrefillCache
from genomes.running.text_format import prompt_tokens
from tests.genomes.tiny_members import (
    CONTEXTS,
    MARKERS,
    TinyCatalogue,
    TinyMember,
    genome_of,
    member,
    shapes,
    tiny_member,
    tiny_tokenizer,
    with_drafts,
)
from tests.oracles.phenotype import ReferencePhenotype

SHAPES = shapes()
SEEDS = [11, 12, 13, 14]
REPLIES = ["fine", "the sea, and books about it", "i am fine, thank you very much", "."]
CLOSE = {"atol": 1e-4, "rtol": 0.0}


def reference(genome: Genome) -> ReferencePhenotype:
    return ReferencePhenotype(genome, {name: tiny_member(name) for name in ("ada", "bob", "cleo")}, markers=MARKERS)


def prompts(room: int = 40) -> list[list[int]]:
    return [prompt_tokens(context, tiny_tokenizer(), room=room) for context in CONTEXTS]


@pytest.fixture(params=SHAPES, ids=[name.replace(" ", "-") for name in SHAPES])
def genome(request: pytest.FixtureRequest) -> Genome:
    return SHAPES[request.param]


def test_every_shape_keeps_the_rules(genome: Genome) -> None:
    assert check_genome(genome) == []


def test_a_marker_takes_positions_and_needs_no_prompt() -> None:
    marked, plain = (compile_genome(SHAPES[name], TinyCatalogue()) for name in ("marker", "single"))
    num_tokens = len(tiny_tokenizer()(MARKERS["talk"])["input_ids"])
    assert plain.num_positions - marked.num_positions == num_tokens > 0
    assert not marked.program.needs_prompt
    tokens = torch.tensor([[40, 41, 42]])
    assert not torch.equal(marked.log_probabilities(tokens), plain.log_probabilities(tokens))


def test_a_role_that_nobody_declared_is_named() -> None:
    catalogue = MemberCatalogue({}, markers={"talk": "talk: ", "core": ""})
    assert dict(catalogue.markers) == {"talk": "talk: ", "core": ""}
    assert pickle.loads(pickle.dumps(catalogue)).marker("talk") == "talk: "  # noqa: S301 (our own bytes)
    with pytest.raises(
        ValueError, match=r"The role 'tlak' has no marker here; allowed: 'core', 'talk'\. .*mean 'talk'"
    ):
        catalogue.marker("tlak")


class TestReference:
    def test_sampled_answers_are_the_same_tokens(self, genome: Genome) -> None:
        answers = compile_genome(genome, TinyCatalogue()).answer_tokens(CONTEXTS, seeds=SEEDS)
        oracle = reference(genome)
        assert answers == [oracle.answer_tokens(p, seed=seed) for p, seed in zip(prompts(), SEEDS, strict=True)]

    def test_replies_have_the_same_likelihood(self, genome: Genome) -> None:
        found = compile_genome(genome, TinyCatalogue()).reply_likelihoods(CONTEXTS, REPLIES)
        oracle = reference(genome)
        for likelihood, prompt, reply in zip(found, prompts(), REPLIES, strict=True):
            expected = oracle.reply_nll_nats(prompt, reply)
            assert likelihood.nll_nats == pytest.approx(expected, abs=1e-4)
            assert likelihood.num_bytes == len(reply)

    def test_distributions_at_every_position_are_the_same(self, genome: Genome) -> None:
        (row,) = prompts()[3:]
        answer = [40, 41, 42]
        tokens = torch.tensor([row + answer])
        lengths = torch.tensor([len(row)])
        found = compile_genome(genome, TinyCatalogue()).log_probabilities(tokens, prompt_lengths=lengths)[0]
        oracle = reference(genome)
        for place in range(len(answer) + 1):
            expected = np.log(oracle.next_probabilities(row, answer[:place]))
            np.testing.assert_allclose(found[len(row) - 1 + place].numpy(), expected, **CLOSE)


class TestFairness:
    def test_answers_do_not_depend_on_their_neighbours(self, genome: Genome) -> None:
        phenotype = compile_genome(genome, TinyCatalogue())
        together = phenotype.answer(CONTEXTS, seeds=SEEDS)
        for place, (context, seed) in enumerate(zip(CONTEXTS, SEEDS, strict=True)):
            assert phenotype.answer([context], seeds=[seed]) == [together[place]]
        assert phenotype.answer(CONTEXTS[::-1], seeds=SEEDS[::-1]) == together[::-1]

    def test_a_shared_prefill_changes_nothing(self) -> None:
        cache = PrefillCache()
        for genome in SHAPES.values():
            plain = compile_genome(genome, TinyCatalogue())
            for _ in range(2):  # The second time everything is there.
                shared = compile_genome(genome, TinyCatalogue(), prefill_cache=cache)
                assert shared.answer_tokens(CONTEXTS, seeds=SEEDS) == plain.answer_tokens(CONTEXTS, seeds=SEEDS)
                assert shared.reply_likelihoods(CONTEXTS, REPLIES) == plain.reply_likelihoods(CONTEXTS, REPLIES)

    def test_padding_on_the_left_changes_nothing(self, genome: Genome) -> None:
        phenotype = compile_genome(genome, TinyCatalogue())
        rows = prompts()
        width = max(map(len, rows)) + 3
        tokens = torch.tensor([[7] * (width - len(row)) + row for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        lengths = torch.tensor([len(row) - 1 for row in rows])
        padded = phenotype.log_probabilities(tokens, mask, prompt_lengths=lengths)
        for row, found, length in zip(rows, padded, lengths, strict=True):
            alone = phenotype.log_probabilities(torch.tensor([row]), prompt_lengths=length[None])[0]
            torch.testing.assert_close(found[-len(row) :], alone, **CLOSE)

    def test_seeds_matter(self) -> None:
        phenotype = compile_genome(SHAPES["mean"], TinyCatalogue())
        assert phenotype.answer(CONTEXTS, seeds=SEEDS) != phenotype.answer(CONTEXTS, seeds=[1, 2, 3, 4])

    def test_long_contexts_are_read_from_their_end(self) -> None:
        phenotype = compile_genome(SHAPES["mean"], TinyCatalogue())
        long = ("thank you very much " * 60, "hello there")
        assert phenotype.answer([long], seeds=[1]) == phenotype.answer([("so", *long)], seeds=[1])
        assert phenotype.reply_likelihoods([long], ["fine"]) == phenotype.reply_likelihoods([("so", *long)], ["fine"])

    def test_no_contexts_give_no_answers(self) -> None:
        phenotype = compile_genome(SHAPES["mean"], TinyCatalogue())
        assert phenotype.answer([], seeds=[]) == []
        assert phenotype.reply_likelihoods([], []) == []


class TestMeaning:
    def test_drafts_are_read(self) -> None:
        reader = genome_of({"m2": member("bob"), "m1": member("ada")}, {})
        with_draft = compile_genome(with_drafts(reader, {"m2": ("m1",)}), TinyCatalogue())
        alone = compile_genome(genome_of({"m2": member("bob")}, {}), TinyCatalogue())
        assert with_draft.reply_likelihoods(CONTEXTS, REPLIES) != alone.reply_likelihoods(CONTEXTS, REPLIES)

    def test_evidence_moves_weight_to_the_input_that_foresaw_the_text(self) -> None:
        two = {"m1": member("ada"), "m2": member("bob")}
        even = {"m1": 1.0, "m2": 1.0}
        nll = {
            name: compile_genome(genome_of(two if joins else {name: two[name]}, joins), TinyCatalogue())
            .reply_likelihoods([CONTEXTS[1]], [REPLIES[1]])[0]
            .nll_nats
            for name, joins in {
                "m1": {},
                "m2": {},
                "mean": {"c": ("mean", {}, even)},
                "bayesian": {"c": ("bayesian", {"tempering": 2.0}, even)},
            }.items()
        }
        assert nll["m1"] != pytest.approx(nll["m2"])
        assert abs(nll["bayesian"] - nll["mean"]) > 1e-3

    def test_equal_streams_count_once(self) -> None:
        size = tiny_member("ada").model.num_parameters()
        phenotypes = {name: compile_genome(genome, TinyCatalogue()) for name, genome in SHAPES.items()}
        assert phenotypes["one member twice"].active_parameters_per_token == size
        assert phenotypes["mean"].active_parameters_per_token == 3 * size
        # One reader, and a draft of five tokens for an answer of eight.
        assert phenotypes["draft"].active_parameters_per_token == round(size + 5 / 8 * size)

    def test_lower_precision_joins_in_float32(self) -> None:
        exact = compile_genome(SHAPES["bayesian"], TinyCatalogue())
        rough = compile_genome(SHAPES["bayesian"], TinyCatalogue(), dtype=torch.bfloat16)
        tokens = torch.tensor([prompts()[1]])
        found = rough.log_probabilities(tokens)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.exp(), exact.log_probabilities(tokens).exp(), atol=0.15, rtol=0)
        assert tiny_member("ada").model.dtype == torch.float32


class OddCatalogue:
    """Gives ``bob`` another tokenizer or vocabulary."""

    def __init__(self, odd: TinyMember) -> None:
        self._odd = odd

    def load(self, name: str) -> TinyMember:
        return self._odd if name == "bob" else tiny_member(name)


class TestErrors:
    def test_vocabularies_of_different_size_name_both_members(self) -> None:
        odd = replace(tiny_member("bob", vocabulary_size=300))
        with pytest.raises(ValueError, match=r"'ada' and 'bob' have vocabularies of 320 and 300 tokens"):
            compile_genome(SHAPES["mean"], OddCatalogue(odd))

    def test_different_tokenizers_name_both_members(self) -> None:
        other = train_tokenizer(
            ["zebra crossing zebra quiz " * 9, "fuzzy lazy dogs jump, " * 9], vocabulary_size=320, max_length=96
        )
        with pytest.raises(ValueError, match=r"'ada' and 'bob' have different tokenizers"):
            compile_genome(SHAPES["mean"], OddCatalogue(replace(tiny_member("bob"), tokenizer=other)))

    def test_answers_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"max_new_tokens is 96, .*room for 96 tokens"):
            compile_genome(genome_of({"m1": member("ada")}, {}, max_new_tokens=96), TinyCatalogue())

    def test_replies_that_do_not_fit_are_refused(self) -> None:
        phenotype = compile_genome(SHAPES["single"], TinyCatalogue())
        with pytest.raises(ValueError, match=r"'yes yes .* tokens; the members have room for 95"):
            phenotype.reply_likelihoods([("hello",)], ["yes " * 90])

    def test_an_empty_context_is_refused(self) -> None:
        phenotype = compile_genome(SHAPES["single"], TinyCatalogue())
        with pytest.raises(ValueError, match=r"context is \(\)"):
            phenotype.answer([()], seeds=[1])

    def test_counts_have_to_agree(self) -> None:
        phenotype = compile_genome(SHAPES["single"], TinyCatalogue())
        with pytest.raises(ValueError, match="1 contexts and 2 seeds"):
            phenotype.answer([("hello",)], seeds=[1, 2])
        with pytest.raises(ValueError, match="1 contexts and 0 replies"):
            phenotype.reply_likelihoods([("hello",)], [])

    def test_drafts_need_to_know_the_prompt(self) -> None:
        phenotype = compile_genome(SHAPES["draft"], TinyCatalogue())
        with pytest.raises(ValueError, match="prompt_lengths is None"):
            phenotype.log_probabilities(torch.tensor([[5, 6]]))
        with pytest.raises(ValueError, match="prompt_lengths holds 3 for a row of 2 tokens"):
            phenotype.log_probabilities(torch.tensor([[5, 6]]), prompt_lengths=torch.tensor([3]))

    def test_too_many_tokens_name_the_member(self) -> None:
        phenotype = compile_genome(SHAPES["single"], TinyCatalogue())
        with pytest.raises(ValueError, match="'ada' would read 97 tokens"):
            phenotype.log_probabilities(torch.ones(1, 97, dtype=torch.long))
