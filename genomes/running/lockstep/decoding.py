"""Many genomes answer together: who takes part, and the next distribution of every open row at a time.

Genomes that choose among whole answers take part with the genomes that write these. Phenotypes that lockstep does not
run (members that only transformers runs, or that may be left out on failure) answer by themselves. How a token is drawn
from a distribution stands in running/decoding.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from genomes.graph.program import CombinerValue, Program
from genomes.methods.combiners import COMBINERS
from genomes.running.fast_trunk import FastTrunk
from genomes.running.lockstep.drafts import Strands
from genomes.running.lockstep.genome_rows import GenomeRows
from genomes.running.lockstep.strands import Rows
from genomes.running.phenotype import Phenotype
from genomes.running.plan import Plan, plan_programs


@dataclass(frozen=True)
class Question:
    """What one genome is to answer.

    Attributes:
        phenotype: The genome, compiled.
        contexts: The turns before each answer, oldest first.
        seeds: One whole number from 0 per context.
    """

    phenotype: Phenotype
    contexts: Sequence[Sequence[str]]
    seeds: Sequence[int]


@torch.inference_mode()
def answer_together(questions: Sequence[Question]) -> list[list[list[int]]]:
    """What ``Phenotype.answer_tokens`` gives for each question; all phenotypes are on one device.

    Raises:
        ValueError: A context is empty, or a question has not as many seeds as contexts.
        FloatingPointError: A member's output is not finite.
    """
    writing: list[Question] = []
    places: list[range] = []
    for question in questions:
        asked = _asked(question)
        places.append(range(len(writing), len(writing) + len(asked)))
        writing += asked
    together = [place for place, question in enumerate(writing) if _runs_in_lockstep(question)]
    decoded = _decoded([writing[place] for place in together]) if together else []
    written = dict(zip(together, decoded, strict=True))
    for place, question in enumerate(writing):
        if place not in written:
            written[place] = question.phenotype.answer_tokens(question.contexts, seeds=question.seeds)
    return [
        _answers(question, [written[place] for place in own]) for question, own in zip(questions, places, strict=True)
    ]


def _asked(question: Question) -> list[Question]:
    """The question itself, or what the inputs of its answer combiner are asked."""
    writers = question.phenotype.writers
    if writers is None or not _is_plain(question):
        return [question]
    inputs = question.phenotype.inputs
    return [Question(inputs[author], question.contexts, seeds) for author, seeds in writers.samples(question.seeds)]


def _answers(question: Question, written: list[list[list[int]]]) -> list[list[int]]:
    writers = question.phenotype.writers
    if writers is None or not _is_plain(question):
        return written[0]
    return writers.chosen(question.contexts, written)


def _is_plain(question: Question) -> bool:
    """Whether it asks for something of members that have to be there; the rest is ``answer_tokens``' matter."""
    return len(question.contexts) == len(question.seeds) > 0 and not question.phenotype.is_tolerant


def _runs_in_lockstep(question: Question) -> bool:
    phenotype = question.phenotype
    trunks = [phenotype.trunks[name] for name in phenotype.program.members if name in phenotype.trunks]
    program = phenotype.program
    gates = [program.values[index] for index in program.routed_values]
    looks_at_mixtures = any(
        COMBINERS[gate.method].reads_prompt_evidence and isinstance(program.values[source], CombinerValue)
        for gate in gates
        if isinstance(gate, CombinerValue)
        for source in gate.inputs
    )
    return _is_plain(question) and not looks_at_mixtures and all(isinstance(trunk, FastTrunk) for trunk in trunks)


def _decoded(questions: Sequence[Question]) -> list[list[list[int]]]:
    device = questions[0].phenotype.device
    genomes: list[GenomeRows] = []
    num_rows = 0
    for question in questions:
        prompts = [tuple(prompt) for prompt in question.phenotype.prompts(question.contexts)]
        genomes.append(GenomeRows(question.phenotype, prompts, seeds=question.seeds, first_number=num_rows))
        num_rows += len(prompts)
    trunks: dict[str, FastTrunk] = {}
    programs = [_with_keys(question.phenotype, trunks) for question in questions]
    plan = plan_programs(programs)
    strands = Strands(
        plan,
        trunks,
        [list(genome.wanted()) for genome in genomes],
        closing=[frozenset(question.phenotype.closing) for question in questions],
        device=device,
    )
    newest = torch.zeros(num_rows, dtype=torch.long, device=device)
    is_open = torch.ones(num_rows, dtype=torch.bool, device=device)
    for genome, tasks in zip(genomes, plan.streams, strict=True):
        _draw(genome, genome.begin(strands, tasks), newest, is_open)
    running = _rows(plan, genomes, strands, device=device)
    strands.forget_texts()
    while bool(is_open.any()):
        logits: dict[int, torch.Tensor] = {}
        numbers: dict[int, torch.Tensor] = {}
        for task, rows in running.items():
            stays = is_open[rows.numbers]
            if not bool(stays.all()):
                rows.keep(stays)
            if len(rows):
                order = rows.numbers.argsort()
                numbers[task] = rows.numbers[order]
                logits[task] = strands[task].trunk.logits(rows.step(newest[rows.numbers])[order]).float()
        for genome, tasks in zip(genomes, plan.streams, strict=True):
            if len(genome.rows):
                _draw(genome, genome.go_on(_own(genome, tasks, logits, numbers)), newest, is_open)
    return [genome.answers for genome in genomes]


def _with_keys(phenotype: Phenotype, trunks: dict[str, FastTrunk]) -> Program:
    """A phenotype's program with keys of weights in place of members' names, which are not the same everywhere."""
    keys: dict[str, str] = {}
    for name in phenotype.program.members:
        trunk = phenotype.trunks[name]
        assert isinstance(trunk, FastTrunk)
        keys[name] = trunk.key
        trunks.setdefault(trunk.key, trunk)
    streams = tuple(replace(stream, member=keys[stream.member]) for stream in phenotype.program.streams)
    return replace(phenotype.program, streams=streams)


def _rows(plan: Plan, genomes: Sequence[GenomeRows], strands: Strands, *, device: torch.device) -> dict[int, Rows]:
    """By task, the rows that go on from each stream's prompts."""
    numbers: dict[int, list[int]] = {}
    texts: dict[int, list[int]] = {}
    for genome, tasks in zip(genomes, plan.streams, strict=True):
        for stream in genome.answering_streams:
            task, rows = tasks[stream], genome.rows[genome.reading(stream)].tolist()
            numbers.setdefault(task, []).extend(genome.first_number + row for row in rows)
            texts.setdefault(task, []).extend(strands.places[task][genome.prompts[row]] for row in rows)
    return {
        task: Rows(strands[task], torch.tensor(texts[task], device=device), torch.tensor(places, device=device))
        for task, places in numbers.items()
        if places
    }


def _own(
    genome: GenomeRows,
    tasks: Sequence[int],
    logits: Mapping[int, torch.Tensor],
    numbers: Mapping[int, torch.Tensor],
) -> dict[int, torch.Tensor]:
    """By stream of one genome, the logits of its open rows that read it, out of all rows' by task."""
    bounds = torch.tensor([genome.first_number, genome.first_number + len(genome.answers)])
    own: dict[int, torch.Tensor] = {}
    for stream in genome.answering_streams:
        task = tasks[stream]
        own[stream] = genome.nothing
        if task in logits:
            start, end = torch.searchsorted(numbers[task], bounds.to(numbers[task].device)).tolist()
            own[stream] = logits[task][start:end]
    return own


def _draw(genome: GenomeRows, logs: torch.Tensor, newest: torch.Tensor, is_open: torch.Tensor) -> None:
    numbers = genome.first_number + genome.rows
    tokens, stays = genome.draw(logs)
    newest[numbers], is_open[numbers] = tokens, stays
    genome.leave(stays)
