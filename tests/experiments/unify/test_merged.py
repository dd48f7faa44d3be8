"""Compositions as one merged model: what stays exactly as it was, what a mixture becomes, and what is refused."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2LMHeadModel

from experiments.unify.merged import answer_shares, fold_temperature, merge_composition
from genomes.graph.genome import Genome
from genomes.graph.recipe import without_merges
from genomes.running.compilation import compile_genome
from genomes.running.merging.models import MergeError
from tests.genomes.genomes_with_merges import TWO, merge_node, merged
from tests.genomes.tiny_members import TinyCatalogue, TinyMember, genome_of, member, shapes, tiny_member

TOKENS = torch.tensor([[5, 9, 40, 41, 7], [3, 3, 8, 60, 2]])
WEIGHTS = {"m1": 2.0, "m2": 1.0}
PAIR = {"m1": member("ada"), "m2": member("bob", temperature=0.5)}


@pytest.mark.parametrize(
    "genome",
    [
        shapes()["single"],
        merged(merge_node("linear", temperature=1.3), TWO),
        merged(merge_node("ties", base="ada", density=0.4), TWO),
        genome_of({"m1": member("ada"), "m2": member("ada")}, {"c1": ("vote", {"smoothing": 1.0}, WEIGHTS)}),
    ],
    ids=["single", "linear", "ties", "one member twice"],
)
def test_one_model_keeps_its_distributions(genome: Genome) -> None:
    unified = merge_composition(genome, TinyCatalogue())
    expected = compile_genome(genome, TinyCatalogue()).log_probabilities(TOKENS)
    torch.testing.assert_close(unified.model(TOKENS).logits.log_softmax(dim=-1), expected, atol=1e-4, rtol=0.0)
    assert type(unified.model) is GPT2LMHeadModel
    assert "whose distributions are the composition's" in unified.notes[0]


def test_a_mixture_becomes_a_linear_merge_by_its_weights() -> None:
    genome = genome_of(PAIR, {"c1": ("weighted", {}, WEIGHTS)})
    unified = merge_composition(genome, TinyCatalogue())
    for name, tensor in unified.model.named_parameters():
        values = [dict(tiny_member(one).model.named_parameters())[name] for one in ("ada", "bob")]
        expected = (2 * values[0] + values[1]) / 3
        if "ln_f" in name:
            expected = expected / (2 / 3 + 0.5 / 3)
        torch.testing.assert_close(tensor, expected, msg=name)
    assert unified.notes == (
        "Linear merge of the models that answer, by their weight in the composition: ada 0.667, bob 0.333.",
        "Member temperatures differ; their weighted mean 0.8333 is used.",
    )


def test_shares_go_through_nested_combiners_and_sum_to_one() -> None:
    shares = answer_shares(shapes()["nested"])
    assert sum(shares.values()) == pytest.approx(1.0)
    # c3 takes c1 (3 of 4) and c2 (1 of 4), which is half c1 and half m3; c1 is a third m1.
    c1 = 3 / 4 + 1 / 8
    assert shares == pytest.approx(
        {("ada", 1.0, None): c1 / 3, ("bob", 1.4, None): 2 * c1 / 3, ("cleo", 0.7, None): 1 / 8}
    )


def test_a_merge_in_a_mixture_counts_as_one_model() -> None:
    genome = merged(merge_node("linear"), TWO, partner=member("cleo"))
    (name,) = without_merges(genome)[1]
    unified = merge_composition(genome, TinyCatalogue())
    assert f"cleo 0.500, {name} 0.500" in unified.notes[0]


def test_drafts_are_left_out_and_said_so() -> None:
    unified = merge_composition(shapes()["draft"], TinyCatalogue())
    assert "Drafts are left out: one plain model writes none." in unified.notes
    assert "whose distributions" not in unified.notes[0]


class Uneven:
    """A catalogue with one member of more positions."""

    def load(self, name: str) -> TinyMember:
        return tiny_member(name, positions=128 if name == "bob" else 96)


def test_other_shapes_are_refused_with_the_way_out() -> None:
    genome = genome_of(PAIR, {"c1": ("mean", {}, WEIGHTS)})
    message = r"'ada' and 'bob' .*'transformer.wpe.weight' has the shape \[96, 16\] and .*\[128, 16\].*--as distilled"
    with pytest.raises(MergeError, match=message):
        merge_composition(genome, Uneven())


def test_members_stay_as_they_are() -> None:
    before = tiny_member("ada").model.transformer.ln_f.weight.clone()
    merge_composition(shapes()["single"], TinyCatalogue())
    assert torch.equal(tiny_member("ada").model.transformer.ln_f.weight, before)


def test_a_temperature_divides_logits() -> None:
    model = tiny_member("bob").model
    expected = model(TOKENS).logits / 1.7
    copy = GPT2LMHeadModel(model.config)
    copy.load_state_dict(model.state_dict())
    fold_temperature(copy.eval(), 1.7)
    torch.testing.assert_close(copy(TOKENS).logits, expected)
