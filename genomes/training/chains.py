"""Training a member for its place in a chain: the drafts that it will read stand in its training prompts.

Drafts are written once, by the members that will write them, with the code that runs genomes: what a member is trained
on is what it reads at run time, ``[marker][template(draft)]...[prompt][reply]``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genomes.breeding.editing import Blueprint, Input
from genomes.graph.genome import Genome
from genomes.graph.meeting import tokenizer_problem
from genomes.graph.nodes import MemberNode, ResponseNode
from genomes.members.catalogue import MemberCatalogue
from genomes.training.recipes import Recipe, Upstream

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BATCH_PROMPTS = 64


@dataclass(frozen=True, slots=True)
class Exchange:
    """A prompt and the human reply to it as tokens; the reply ends with the line break that closes it."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A member of a chain: the role whose marker it reads, and the drafts that it was trained to read itself."""

    role: str | None
    upstream: Upstream | None


@dataclass(frozen=True)
class Chain:
    """What a member with an ``upstream`` is trained with.

    Attributes:
        exchanges: Exchanges of the training split by domain.
        links: Every member upstream, those upstream of these included, by name.
        markers: Marker of every role in the links.
        directories: Where these members are, once they are there.
        keys: Their content keys, or the keys of their recipes.
    """

    exchanges: Mapping[str, Sequence[Exchange]]
    links: Mapping[str, Link]
    markers: Mapping[str, str]
    directories: Mapping[str, Path] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """A hash over all of it that decides drafts and sequences; where directories are does not."""
        digest = blake2b(digest_size=16)
        links = {
            name: [
                self.keys[name],
                self.markers.get(link.role or "", ""),
                asdict(link.upstream) if link.upstream else None,
            ]
            for name, link in self.links.items()
        }
        digest.update(json.dumps(links, sort_keys=True).encode())
        for domain, exchanges in sorted(self.exchanges.items()):
            digest.update(json.dumps([domain, [[one.prompt, one.reply] for one in exchanges]]).encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Sequences:
    """Training sequences.

    Attributes:
        tokens: int32 [sequences, positions], padded on the right.
        is_learnt: Whether the loss counts a token, bool of the same shape: not markers, drafts and padding.
    """

    tokens: npt.NDArray[np.int32]
    is_learnt: npt.NDArray[np.bool_]


def chained_sequences(
    recipe: Recipe, chain: Chain, tokenizer: PreTrainedTokenizerBase, *, marker: Sequence[int]
) -> Sequences:
    """The training sequences of a recipe that has an ``upstream``: one for every ``positions`` tokens of its budget.

    Args:
        recipe: The recipe.
        chain: Exchanges, and the members upstream.
        tokenizer: The tokenizer of all of these.
        marker: Token ids of the marker of the recipe's role.

    Raises:
        ValueError: A domain has no exchanges, a member upstream has another tokenizer, or marker, drafts and replies
            leave no room for prompts.
    """
    assert recipe.upstream is not None
    generator = np.random.Generator(np.random.Philox(recipe.seed))
    chosen = _chosen(recipe, chain.exchanges, generator)
    prompts, replies, frames = _read(recipe, chain, tokenizer, sorted(set(chosen)), num_before=len(marker))
    rows, starts = [], []
    for place in chosen:
        order = generator.permutation(len(frames))[: int(generator.integers(1, len(frames) + 1))]
        before = [*marker, *(token for slot in order for token in frames[slot][place])]
        rows.append([*before, *prompts[place], *replies[place]])
        starts.append(len(before))
    tokens = np.zeros((len(rows), max(map(len, rows))), dtype=np.int32)
    is_learnt = np.zeros(tokens.shape, dtype=np.bool_)
    for index, (row, start) in enumerate(zip(rows, starts, strict=True)):
        tokens[index, : len(row)] = row
        is_learnt[index, start : len(row)] = True
    return Sequences(tokens, is_learnt)


_Place = tuple[str, int]
"""A domain, and which of its exchanges."""


def _chosen(
    recipe: Recipe, exchanges: Mapping[str, Sequence[Exchange]], generator: np.random.Generator
) -> list[_Place]:
    """An exchange for every sequence: domains by their shares, each in passes of random order."""
    names = sorted(recipe.domains)
    for name in names:
        if not exchanges.get(name):
            raise ValueError(
                f"Domain {name!r} has no exchanges in its training split. Add documents of several turns to "
                f"data.domains.{name}, or take it out of the recipe."
            )
    total = sum(recipe.domains.values())
    shares = [recipe.domains[name] / total for name in names]
    domains = generator.choice(len(names), size=recipe.tokens // recipe.shape.positions, p=shares)
    queues: list[list[int]] = [[] for _ in names]
    chosen = []
    for domain in domains.tolist():
        if not queues[domain]:
            queues[domain] = generator.permutation(len(exchanges[names[domain]])).tolist()
        chosen.append((names[domain], queues[domain].pop()))
    return chosen


def _read(
    recipe: Recipe,
    chain: Chain,
    tokenizer: PreTrainedTokenizerBase,
    places: Sequence[_Place],
    *,
    num_before: int,
) -> tuple[dict[_Place, list[int]], dict[_Place, list[int]], list[dict[_Place, list[int]]]]:
    """Prompts and replies cut to fit, and what stands before a prompt for the draft of each upstream member."""
    from genomes.members.tokenizers import tokenizer_key
    from genomes.running.compilation import genome_program
    from genomes.running.text_format import template_tokens

    assert recipe.upstream is not None
    catalogue = MemberCatalogue(chain.directories, markers=chain.markers)
    keys = {repr(name): tokenizer_key(catalogue.tokenizer(name)) for name in chain.links}
    if problem := tokenizer_problem(
        "Drafts are learnt from as tokens",
        {"the member that reads drafts": tokenizer_key(tokenizer), **keys},
        "Name upstream members that descend from one parent, or that are trained here from random weights.",
    ):
        raise ValueError(problem)
    genomes = {name: drafting_genome(name, recipe.upstream, chain.links) for name in recipe.upstream.members}
    programs = {name: genome_program(genome, tokenizer, catalogue) for name, genome in genomes.items()}
    frame = sum(map(len, template_tokens(recipe.upstream.template, tokenizer))) + recipe.upstream.draft_tokens
    room = recipe.shape.positions - num_before - frame * len(programs)
    longest_reply = max(len(chain.exchanges[domain][index].reply) for domain, index in places)
    positions = {name: catalogue.load(name).model.config.n_positions for name in chain.links}
    room_upstream = min(program.num_positions(positions) for program in programs.values())
    longest_prompt = min(room - longest_reply, room_upstream)
    if longest_prompt < 1:
        raise ValueError(
            f"shape.positions is {recipe.shape.positions!r}, but {len(programs)} drafts of {frame} tokens with their "
            f"template, a marker of {num_before} and a reply of {longest_reply} leave no room for a prompt. Lower "
            "upstream.draft_tokens, or name fewer upstream members."
        )
    prompts, replies = {}, {}
    for domain, index in places:
        exchange = chain.exchanges[domain][index]
        prompts[domain, index] = list(exchange.prompt[-longest_prompt:])
        replies[domain, index] = list(exchange.reply)
    frames = [
        dict(zip(places, framed_drafts(genome, list(prompts.values()), tokenizer, catalogue), strict=True))
        for genome in genomes.values()
    ]
    return prompts, replies, frames


def drafting_genome(name: str, upstream: Upstream, links: Mapping[str, Link]) -> Genome:
    """A genome whose answering member reads a draft of the named one, as ``upstream`` says, and so on upstream."""
    blueprint = Blueprint()

    def add(writer: str, num_tokens: int) -> str:
        own = links[writer].upstream
        inputs = [Input(add(other, own.draft_tokens), "text") for other in own.members] if own else []
        node = MemberNode(writer, role=links[writer].role, draft_tokens=num_tokens)
        return blueprint.add(replace(node, template=own.template) if own else node, inputs)

    draft = Input(add(name, upstream.draft_tokens), "text")
    reader = blueprint.add(MemberNode(name, template=upstream.template), [draft])
    blueprint.add(ResponseNode(temperature=1.0, top_k=1, top_p=1.0, max_new_tokens=1), [Input(reader, "distribution")])
    return blueprint.genome()


def framed_drafts(
    genome: Genome, prompts: Sequence[Sequence[int]], tokenizer: PreTrainedTokenizerBase, catalogue: MemberCatalogue
) -> list[list[int]]:
    """What the answering member of a genome reads before each prompt, as token ids."""
    import torch

    from genomes.running.compilation import genome_program
    from genomes.running.fast_trunk import trunk_of
    from genomes.running.runtime import CompositeRuntime
    from genomes.running.text_format import closing_tokens

    program = genome_program(genome, tokenizer, catalogue)
    trunks = {name: trunk_of(catalogue.load(name).model, key=name) for name in program.members}
    runtime = CompositeRuntime(program, trunks, closing_tokens=closing_tokens(tokenizer))
    (reader,) = program.answering_streams
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    framed: list[list[int]] = [[] for _ in prompts]
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH_PROMPTS):
            batch = order[start : start + _BATCH_PROMPTS]
            given = [prompts[place] for place in batch]
            tokens, mask = runtime.prefixes(given, {}, len(given), torch.device("cpu"))[reader]
            for place, row, is_real in zip(batch, tokens, mask, strict=True):
                framed[place] = row[is_real].tolist()
    return framed
