from __future__ import annotations

import pytest

from genomes.methods.merging.layers import LAYER_GROUPS, factor_at, groups_of, relative_factors
from tests.genomes.tiny_members import tiny_member


@pytest.mark.parametrize(
    ("num_blocks", "depths"),
    [(1, "m"), (2, "el"), (3, "eml"), (4, "emml"), (6, "eemmll"), (12, "eeeemmmmllll")],
)
def test_blocks_are_thirds_by_their_middle(num_blocks: int, depths: str) -> None:
    found = [groups_of(f"transformer.h.{block}.mlp.c_fc.weight", num_blocks=num_blocks) for block in range(num_blocks)]
    assert "".join(depth[0] for depth, _ in found) == depths
    assert {kind for _, kind in found} == {"mlp"}


def test_every_tensor_of_a_model_has_its_groups() -> None:
    groups = {name: groups_of(name, num_blocks=2) for name, _ in tiny_member("ada").model.named_parameters()}
    assert groups["transformer.wte.weight"] == groups["transformer.wpe.weight"] == ("embeddings",)
    assert groups["transformer.h.0.ln_1.bias"] == ("early", "attention")
    assert groups["transformer.h.1.ln_2.weight"] == ("late", "mlp")
    assert groups["transformer.ln_f.weight"] == ("late",)
    assert {group for found in groups.values() for group in found} <= set(LAYER_GROUPS)


@pytest.mark.parametrize("tensor", ["transformer.h.x.mlp.c_fc.weight", "score.weight"])
def test_other_tensors_are_named(tensor: str) -> None:
    with pytest.raises(ValueError, match=f"'{tensor}' belongs to none .*embeddings, early"):
        groups_of(tensor, num_blocks=2)


def test_factors_of_depth_and_kind_multiply() -> None:
    layers = {"late": {"ada": 0.5}, "attention": {"ada": 3.0}}
    assert factor_at("transformer.h.1.attn.c_attn.weight", "ada", layers, num_blocks=2) == 1.5
    assert factor_at("transformer.h.1.attn.c_attn.weight", "bob", layers, num_blocks=2) == 1.0
    assert factor_at("transformer.h.0.mlp.c_fc.weight", "ada", layers, num_blocks=2) == 1.0


def test_equal_factors_have_one_form() -> None:
    assert relative_factors({"early": {"ada": 4.0, "bob": 4.0}}, ["ada", "bob"]) == {}
    assert relative_factors({"early": {"ada": 4.0}}, ["ada", "bob"]) == {"early": {"bob": 0.25}}
    once = relative_factors({"mlp": {"ada": 0.3, "bob": 0.7}}, ["ada", "bob"])
    assert relative_factors(once, ["ada", "bob"]) == once
