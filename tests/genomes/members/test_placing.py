"""A member in other tensors computes what torch's own conversion computes, and the member stays as it was."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from genomes.members.catalogue import MemberCatalogue
from genomes.members.placing import copied

CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_copy_equals_the_deep_copy_that_is_converted(member_directory: Path, dtype: torch.dtype) -> None:
    model = MemberCatalogue({"tiny": member_directory}).load("tiny").model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    made, expected = copied(model, device=CPU, dtype=dtype), copy.deepcopy(model).to(dtype)
    tokens = torch.arange(20)[None]
    with torch.inference_mode():
        assert torch.equal(made(tokens).logits, expected(tokens).logits)
    assert (made.dtype, made.device, made.training) == (dtype, CPU, False)
    assert made.lm_head.weight is made.transformer.wte.weight
    assert not any(parameter.requires_grad for parameter in made.parameters())
    assert made.num_parameters() == model.num_parameters()
    assert made.transformer.wte.weight.data_ptr() != model.transformer.wte.weight.data_ptr()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_nothing_is_left_where_there_are_no_values(member_directory: Path) -> None:
    made = copied(MemberCatalogue({"tiny": member_directory}).load("tiny").model, device=CPU, dtype=torch.bfloat16)
    assert not any(tensor.is_meta for tensor in (*made.parameters(), *made.buffers()))
