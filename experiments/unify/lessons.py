"""What a student is taught: distributions of the composition, and behind a module's marker those of that module.

Every second text is the composition's, without a marker; modules with markers take turns in the others. Where there
are none, all texts are the composition's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel, Trainer

from experiments.unify.modules import MarkedModule
from genomes.graph.genome import Genome
from genomes.running.compilation import compile_genome
from genomes.running.member_loader import MemberLoader
from genomes.running.phenotype import Phenotype
from genomes.running.text_format import marker_tokens
from genomes.training.training import Blocks


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a student learns to believe after one marker.

    Attributes:
        teacher: Whose distributions are the targets; it reads a marker of its own accord.
        marker: Token ids that the student reads first.
    """

    teacher: Phenotype
    marker: tuple[int, ...] = ()


def lessons_of(
    genome: Genome, modules: Sequence[MarkedModule], catalogue: MemberLoader, *, device: str
) -> list[Lesson]:
    """The composition's lesson, which comes first, and one for each of its modules that read a marker."""
    whole = Lesson(compile_genome(genome, catalogue, device=device))
    parts = [
        Lesson(
            compile_genome(module.genome, catalogue, device=device),
            tuple(marker_tokens(module.marker, whole.teacher.tokenizer)),
        )
        for module in modules
    ]
    return [whole, *parts]


def soft_cross_entropy(
    model: PreTrainedModel, teacher: Phenotype, tokens: torch.Tensor, *, marker: Sequence[int] = ()
) -> torch.Tensor:
    """Mean cross-entropy in nats per token of a model's distributions under the teacher's.

    Where the teacher's members read drafts, the first half of every row is the prompt, and only what follows counts.

    Args:
        model: The student.
        teacher: The composition, or one of its modules.
        tokens: Token ids, [batch, positions].
        marker: Token ids that the model reads first; what it says of them does not count.
    """
    skipped, lengths = 0, None
    if teacher.program.drafts:
        half = tokens.shape[1] // 2
        skipped, lengths = half - 1, torch.full((tokens.shape[0],), half, device=tokens.device)
    targets = teacher.log_probabilities(tokens, prompt_lengths=lengths)[:, skipped:].clone()
    read = torch.cat([tokens.new_tensor(marker).expand(len(tokens), -1), tokens], dim=1) if marker else tokens
    found = model(read).logits[:, len(marker) + skipped :].float().log_softmax(dim=-1)
    loss: torch.Tensor = -(targets.exp() * found).sum(dim=-1).mean()
    return loss


class Distiller(Trainer):  # type: ignore[misc]  # transformers is not typed for mypy here
    """Trains a student on ``Texts``; every lesson counts by its rows in the batch."""

    def __init__(self, lessons: Sequence[Lesson], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lessons = lessons

    def compute_loss(self, model: Any, inputs: Mapping[str, torch.Tensor], **kwargs: Any) -> torch.Tensor:
        """See ``Trainer``."""
        tokens, chosen = inputs["input_ids"], inputs["lesson"]
        losses = []
        for number, lesson in enumerate(self._lessons):
            rows = tokens[chosen == number]
            if len(rows):
                share = len(rows) / len(tokens)
                losses.append(share * soft_cross_entropy(model, lesson.teacher, rows, marker=lesson.marker))
        return torch.stack(losses).sum()


class Texts(Blocks):
    """Training blocks, each with the number of its lesson: every second is the composition's, which is number 0."""

    def __init__(self, blocks: npt.NDArray[np.int32], *, num_lessons: int) -> None:
        super().__init__(blocks)
        self._num_modules = num_lessons - 1

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        turn, is_second = divmod(index, 2)
        number = 1 + turn % self._num_modules if is_second and self._num_modules else 0
        return super().__getitem__(index) | {"lesson": torch.tensor(number)}
