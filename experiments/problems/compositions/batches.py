"""Batches that fit a GPU: the largest is found by trying, and halved where memory runs out.

On a CPU nothing here is used: an evaluation's prompts are one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from evolve.workers.execution import is_out_of_memory
from fitness.language_model import Context, LanguageModel, Likelihood

T = TypeVar("T")


class NoGpuError(RuntimeError):
    """Workers are to have a GPU, and torch sees none: the message says what to change."""


def check_gpu() -> None:
    """Nothing, where there is a GPU that torch can use.

    Raises:
        NoGpuError: There is none.
    """
    import torch

    if not torch.cuda.is_available():
        raise NoGpuError(
            f"workers.gpus_per_worker is above 0, so members run on CUDA, and torch {torch.__version__!s} sees no GPU "
            f"here. Install a CUDA build of torch on every node, or set workers.gpus_per_worker to 0."
        )


class BatchSize:
    """How many rows fit, as far as is known; one for all genomes of a worker, since members are what takes the room.

    Attributes:
        most: The most rows that are tried together; None until memory ran out once.
    """

    def __init__(self) -> None:
        self.most: int | None = None

    def run(self, num_rows: int, work: Callable[[slice], Sequence[T]]) -> list[T]:
        """What ``work`` gives for all rows, asked for a slice of them at a time.

        Args:
            num_rows: How many rows there are.
            work: One result for each row of a slice; called again with a smaller slice where memory runs out.

        Raises:
            Exception: What ``work`` raises, also where memory runs out at a single row.
        """
        results: list[T] = []
        while len(results) < num_rows:
            start = len(results)
            size = min(num_rows - start, self.most or num_rows)
            try:
                results += work(slice(start, start + size))
            except Exception as error:
                if size == 1 or not is_out_of_memory(error):
                    raise
                self.most = size // 2
            else:
                continue
            _release()  # Out of the handler, which keeps the failed call's tensors alive.
        return results


class BatchedModel:
    """A language model that answers in batches that fit. Answers are those of the whole, up to rounding."""

    def __init__(self, model: LanguageModel, size: BatchSize) -> None:
        self._model = model
        self._size = size

    @property
    def active_parameters_per_token(self) -> int:
        """See ``LanguageModel``."""
        return self._model.active_parameters_per_token

    def answer(self, contexts: Sequence[Context], *, seeds: Sequence[int]) -> list[str]:
        """See ``LanguageModel``."""
        return self._size.run(len(contexts), lambda rows: self._model.answer(contexts[rows], seeds=seeds[rows]))

    def reply_likelihoods(self, contexts: Sequence[Context], replies: Sequence[str]) -> Sequence[Likelihood]:
        """See ``LanguageModel``."""
        return self._size.run(len(contexts), lambda rows: self._model.reply_likelihoods(contexts[rows], replies[rows]))

    def num_tokens(self, texts: Sequence[str]) -> list[int]:
        """See ``LanguageModel``."""
        return self._model.num_tokens(texts)


def _release() -> None:
    """Give what the allocator of the GPU keeps back to it."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
