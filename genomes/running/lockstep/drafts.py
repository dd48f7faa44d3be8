"""The strands of a plan: which prompts each stream reads, the drafts before them, and who writes these.

A draft is written once for all genomes that read it, to the longest length that any of them wants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from genomes.graph.program import CombinerValue, MemberValue, Stream
from genomes.methods.combiners import COMBINERS
from genomes.running.fast_trunk import FastTrunk
from genomes.running.lockstep.strands import Rows, Strand
from genomes.running.plan import Plan, Writing

Prompt = tuple[int, ...]
"""A prompt's token ids."""


class Strands:
    """The strands of all streams of a plan, drafts written and read.

    Attributes:
        places: By task, the text of every prompt that the stream reads.
    """

    def __init__(
        self,
        plan: Plan,
        trunks: Mapping[str, FastTrunk],
        wanted: Sequence[Sequence[tuple[int, Prompt]]],
        *,
        closing: Sequence[frozenset[int]],
        device: torch.device,
    ) -> None:
        """Read all prompts.

        Args:
            plan: Of the programs.
            trunks: The members by the names that the plan has.
            wanted: For each program, what is read: stream and prompt, those that only write drafts included.
            closing: For each program, the token ids that end a draft.
            device: Where the members are.
        """
        self._device = device
        self.places: dict[int, dict[Prompt, int]] = {}
        for streams, program in zip(plan.streams, wanted, strict=True):
            for number, prompt in program:
                places = self.places.setdefault(streams[number], {})
                places.setdefault(prompt, len(places))
        answering = {task.operation.stream for task in plan.tasks if isinstance(task.operation, MemberValue)}
        lengths = self._draft_lengths(plan)
        self._temperatures = _read_for_evidence(plan)
        self._likelihoods: dict[int, dict[float, list[torch.Tensor]]] = {}
        self._strands: dict[int, Strand] = {}
        drafts: dict[int, dict[Prompt, list[int]]] = {}
        for index, task in enumerate(plan.tasks):
            match task.operation:
                case Stream() as stream if index in self.places:
                    texts = [_text(stream, prompt, drafts) for prompt in self.places[index]]
                    self._strands[index] = Strand(trunks[stream.member], texts, device=device)
                case Writing(stream=source) if index in lengths:
                    drafts[index] = self._written(source, lengths[index], closing[task.programs[0]])
            for done in plan.freed_after(index):
                drafts.pop(done, None)
                if done not in answering:
                    self._strands.pop(done, None)

    def __getitem__(self, task: int) -> Strand:
        """The strand of a stream's task."""
        return self._strands[task]

    def log_likelihoods(self, task: int, prompt: Prompt, temperature: float) -> torch.Tensor:
        """Log-likelihood of each token of a prompt with the drafts before it, but the first: [tokens - 1].

        Made for all temperatures at once at which a combiner of the plan reads the stream's evidence.
        """
        if task not in self._likelihoods:
            self._likelihoods[task] = self._strands[task].log_likelihoods(sorted(self._temperatures[task]))
        return self._likelihoods[task][temperature][self.places[task][prompt]]

    def forget_texts(self) -> None:
        """Drop what only the first tokens of answers are made from."""
        self._likelihoods.clear()
        for strand in self._strands.values():
            strand.forget_texts()

    def _draft_lengths(self, plan: Plan) -> dict[int, dict[Prompt, int]]:
        """By task that writes, the prompts that somebody wants a draft for, and the most tokens that are wanted."""
        lengths: dict[int, dict[Prompt, int]] = {}
        for index, task in enumerate(plan.tasks):
            if isinstance(task.operation, Stream) and index in self.places:
                for draft in task.operation.drafts:
                    found = lengths.setdefault(draft.source, {})
                    for prompt in self.places[index]:
                        found[prompt] = max(found.get(prompt, 0), draft.max_tokens)
        return lengths

    def _written(self, source: int, lengths: Mapping[Prompt, int], closing: frozenset[int]) -> dict[Prompt, list[int]]:
        """Drafts of a stream: greedy, without the token that closes them."""
        strand, limits = self._strands[source], list(lengths.values())
        texts = torch.tensor([self.places[source][prompt] for prompt in lengths], device=self._device)
        written: list[list[int]] = [[] for _ in limits]
        rows = Rows(strand, texts, torch.arange(len(limits), device=self._device))
        logits = strand.first_logits[texts]
        while True:
            tokens = logits.argmax(dim=-1)
            goes_on = []
            for number, token in zip(rows.numbers.tolist(), tokens.tolist(), strict=True):
                if token not in closing:
                    written[number].append(token)
                goes_on.append(token not in closing and len(written[number]) < limits[number])
            if not any(goes_on):
                return dict(zip(lengths, written, strict=True))
            if not all(goes_on):
                tokens = tokens[rows.keep(torch.tensor(goes_on, device=self._device))]
            logits = strand.trunk.logits(rows.step(tokens))


def _text(stream: Stream, prompt: Prompt, drafts: Mapping[int, Mapping[Prompt, Sequence[int]]]) -> list[int]:
    """What a stream reads before the answer: its marker, its drafts in their templates, and the prompt."""
    return [*stream.before_prompt([drafts[draft.source][prompt] for draft in stream.drafts]), *prompt]


def reads_likelihoods_of_text(value: CombinerValue) -> bool:
    """Whether a combiner looks at how likely its inputs find the prompt."""
    return COMBINERS[value.method].needs_evidence or COMBINERS[value.method].reads_prompt_evidence


def _read_for_evidence(plan: Plan) -> dict[int, set[float]]:
    """By task of a stream, the temperatures at which combiners read its likelihoods of the text so far."""
    temperatures: dict[int, set[float]] = {}
    for task in plan.tasks:
        if isinstance(task.operation, CombinerValue) and reads_likelihoods_of_text(task.operation):
            for source in task.inputs:
                value = plan.tasks[source].operation
                if isinstance(value, MemberValue):
                    temperatures.setdefault(value.stream, set()).add(value.temperature)
    return temperatures
