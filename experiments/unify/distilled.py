"""From any composition to one model of any size: a student that learns the composition's next-token distributions.

Knowledge distillation (Hinton, Vinyals & Dean 2015, https://arxiv.org/abs/1503.02531) at temperature 1 with soft
targets alone, on the training split. Nothing here reads the other splits. lessons.py says what is taught.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback

from experiments.unify.lessons import Distiller, Texts, lessons_of, soft_cross_entropy
from experiments.unify.merged import Unified, merge_composition
from experiments.unify.modules import MarkedModule, marked_modules
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode
from genomes.members.architectures import num_positions as positions_of
from genomes.members.quiet import quiet_transformers
from genomes.running.member_loader import MemberLoader
from genomes.running.merging.models import MergeError
from genomes.running.phenotype import Phenotype
from genomes.training.recipes import Recipe, Shape, TokenStream, training_blocks
from genomes.training.training import Progress

_HEAD_WIDTH = 32
_BATCH_SIZE = 8


@dataclass(frozen=True, slots=True)
class Student:
    """The size of a student and of its training.

    Attributes:
        layers: Transformer blocks; None for as many as the composition's largest member has.
        width: Size of the hidden states; None likewise.
        tokens: Training tokens, counted with repetition and without markers; of all teachers together.
        learning_rate: Peak of the cosine schedule (AdamW).
        seed: Seeds initial weights, and the choice and order of training blocks.
    """

    layers: int | None = None
    width: int | None = None
    tokens: int = 1_000_000
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("layers", "width", "tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"The student's {name} is {value!r}; allowed are whole numbers from 1.")
        if not self.learning_rate > 0:
            raise ValueError(f"The student's learning_rate is {self.learning_rate!r}; allowed are numbers above 0.")


def distil_composition(
    genome: Genome,
    catalogue: MemberLoader,
    streams_with: Callable[[PreTrainedTokenizerBase], Mapping[str, TokenStream]],
    student: Student,
    *,
    on_progress: Callable[[float], None] | None = None,
) -> Unified:
    """A student of the composition, and under their markers of its modules.

    It starts from weights of its size that are there already, those nearest to the composition on the first batch:
    members', or those of the linear merge. Where there are none it starts at random.

    Args:
        genome: A valid genome, whose members share a tokenizer.
        catalogue: Loads its members.
        streams_with: Gives the training tokens by domain, in a tokenizer; every domain gets an equal share.
        student: Sizes and budget.
        on_progress: Told the share of updates done, in [0, 1].

    Raises:
        ValueError: The members have no common tokenizer, or the budget is smaller than one update.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    modules = marked_modules(genome, catalogue)
    lessons = lessons_of(genome, modules, catalogue, device=device)
    teacher = lessons[0].teacher
    members = {
        name: catalogue.load(name).model
        for name in sorted({node.member for node in genome.of_type(MemberNode).values()})
    }
    longest_marker = max(len(lesson.marker) for lesson in lessons)
    config = _student_config(student, members, num_positions=teacher.num_positions + longest_marker)
    num_positions = config.n_positions - longest_marker
    streams = streams_with(teacher.tokenizer)
    recipe = Recipe(
        domains=dict.fromkeys(streams, 1.0),
        tokens=student.tokens,
        shape=Shape(config.n_embd, config.n_layer, config.n_head, num_positions),
        learning_rate=student.learning_rate,
        batch_size=_BATCH_SIZE,
        seed=student.seed,
    )
    blocks = training_blocks(recipe, streams)
    num_updates = max(1, len(blocks) // _BATCH_SIZE)
    set_seed(student.seed)
    first = torch.from_numpy(blocks[:_BATCH_SIZE]).long().to(device)
    start, model = _nearest(_candidates(genome, catalogue, members, config), config, teacher, first)
    with tempfile.TemporaryDirectory(prefix="composite-evolve-distilling-") as scratch:
        trainer = Distiller(
            lessons,
            model=model.to(device),
            args=TrainingArguments(
                output_dir=scratch,
                max_steps=num_updates,
                per_device_train_batch_size=_BATCH_SIZE,
                learning_rate=student.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=num_updates // 20,
                weight_decay=recipe.weight_decay,
                seed=student.seed,
                data_seed=student.seed,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                remove_unused_columns=False,
                disable_tqdm=True,
                use_cpu=device == "cpu",
                dataloader_pin_memory=device != "cpu",
            ),
            train_dataset=Texts(blocks, num_lessons=len(lessons)),
            callbacks=[Progress(on_progress)] if on_progress else [],
        )
        trainer.remove_callback(PrinterCallback)
        with quiet_transformers():
            trainer.train()
    notes = (
        f"Student of {config.n_layer} blocks of width {config.n_embd} ({model.num_parameters():,} parameters), started "
        f"from {start}.",
        f"Distilled on {num_updates * _BATCH_SIZE * num_positions:,} tokens of the training split in "
        f"{num_updates} updates, seed {student.seed}: the composition's distributions as soft targets.",
        *_notes(modules),
    )
    return Unified("distilled", model.cpu().float().eval().requires_grad_(False), teacher.tokenizer, notes)


def _notes(modules: Sequence[MarkedModule]) -> list[str]:
    if not modules:
        return []
    listed = "; ".join(f"{module.marker!r} {module.gives}" for module in modules)
    return [
        "Half of the tokens taught the composition without a marker, the others its modules behind their markers, in "
        f"equal shares: {listed}."
    ]


def _student_config(student: Student, members: Mapping[str, PreTrainedModel], *, num_positions: int) -> GPT2Config:
    """The student's configuration: a GPT-2 of the largest member's sizes, or of those that were asked for."""
    largest = max(members.values(), key=lambda model: (model.num_parameters(), model.config.num_hidden_layers)).config
    if isinstance(largest, GPT2Config):
        config = GPT2Config(**largest.to_diff_dict())
    else:
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
        ends = ("bos_token_id", "eos_token_id", "pad_token_id")
        sizes = {name: getattr(largest, name) for name in (*names, *ends)}
        config = GPT2Config(**sizes, n_positions=positions_of(largest))
    config.n_positions = min(config.n_positions, num_positions)
    for name in ("attn_pdrop", "embd_pdrop", "resid_pdrop"):
        setattr(config, name, 0.0)
    if student.layers is not None:
        config.n_layer = student.layers
    if student.width is not None and student.width != config.n_embd:
        config.n_embd, config.n_inner = student.width, None
        most = max(1, student.width // _HEAD_WIDTH)
        config.n_head = next(heads for heads in range(most, 0, -1) if student.width % heads == 0)
    return config


def _candidates(
    genome: Genome, catalogue: MemberLoader, members: Mapping[str, PreTrainedModel], config: GPT2Config
) -> dict[str, PreTrainedModel]:
    """Models of the student's shape that are there already, by what they are called in the report."""
    shape = [(name, tensor.shape) for name, tensor in GPT2LMHeadModel(config).named_parameters()]

    def fits(model: PreTrainedModel) -> bool:
        shapes = [(name, tensor.shape) for name, tensor in model.named_parameters()]
        return shapes == shape and model.config.num_attention_heads == config.n_head

    found = {f"the member {name}": model for name, model in members.items() if fits(model)}
    if len(found) > 1:
        try:
            merged = merge_composition(genome, catalogue).model
        except MergeError:
            return found
        if fits(merged):
            found["the linear merge of the members"] = merged
    return found


@torch.no_grad()
def _nearest(
    candidates: Mapping[str, PreTrainedModel], config: GPT2Config, teacher: Phenotype, tokens: torch.Tensor
) -> tuple[str, GPT2LMHeadModel]:
    """A copy of the candidate whose distributions are nearest to the teacher's; random weights where there is none."""
    model = GPT2LMHeadModel(config)
    model.loss_type = "ForCausalLM"
    if not candidates:
        return "random weights", model
    losses = {
        name: float(soft_cross_entropy(candidate.to(tokens.device), teacher, tokens))
        for name, candidate in candidates.items()
    }
    nearest = min(losses, key=lambda name: (losses[name], name))
    model.load_state_dict(candidates[nearest].state_dict())
    return nearest, model
