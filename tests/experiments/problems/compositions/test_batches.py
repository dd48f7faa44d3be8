"""Batches that fit: every row once and in order, whatever the memory holds."""

from __future__ import annotations

import pytest
import torch

from experiments.problems.compositions.batches import BatchedModel, BatchSize, NoGpuError, check_gpu
from fitness.objectives.testing import ScriptedModel


class Memory:
    """Work that fails as CUDA does where more rows are asked for than there is room for."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked: list[int] = []

    def __call__(self, rows: slice) -> list[int]:
        size = rows.stop - rows.start
        self.asked.append(size)
        if size > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return list(range(rows.start, rows.stop))


@pytest.mark.parametrize("room", [1, 2, 3, 7, 15, 40])
def test_every_row_is_worked_on_once_and_in_order(room: int) -> None:
    assert BatchSize().run(15, Memory(room)) == list(range(15))


def test_the_size_is_halved_until_it_fits_and_remembered() -> None:
    size, memory = BatchSize(), Memory(4)
    size.run(15, memory)
    assert memory.asked == [15, 7, 3, 3, 3, 3, 3]
    memory.asked.clear()
    size.run(5, memory)
    assert memory.asked == [3, 2]


def test_memory_that_holds_no_row_is_an_error_and_so_is_any_other_failure() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        BatchSize().run(3, Memory(0))

    def broken(rows: slice) -> list[int]:
        raise KeyError("no such member")

    size = BatchSize()
    with pytest.raises(KeyError, match="no such member"):
        size.run(3, broken)
    assert size.most is None


def test_a_model_in_batches_says_what_it_says_in_one() -> None:
    model, size = ScriptedModel(), BatchSize()
    size.most = 2
    batched = BatchedModel(model, size)
    contexts = [(f"How is number {number}?",) for number in range(5)]
    seeds = list(range(5))
    assert batched.answer(contexts, seeds=seeds) == model.answer(contexts, seeds=seeds)
    replies = [f"Number {number} is well." for number in range(5)]
    assert batched.reply_likelihoods(contexts, replies) == list(model.reply_likelihoods(contexts, replies))
    assert batched.num_tokens(replies) == model.num_tokens(replies)
    assert batched.active_parameters_per_token == model.active_parameters_per_token


def test_a_machine_without_a_gpu_says_what_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoGpuError, match=rf"gpus_per_worker is above 0.*torch {torch.__version__[:4]}.*to 0"):
        check_gpu()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_gpu()
