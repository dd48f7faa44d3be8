"""A genome made runnable: one language model that answers and gives likelihoods.

The arithmetic is that of exported models (huggingface/runtime_composite.py); this file adds text, batches and
decoding. A plain second implementation, the oracle of the tests, is in reference.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

import torch
from transformers import GPT2LMHeadModel, PreTrainedTokenizerBase

from genomes.decoding import drawn_tokens, uniform_numbers
from genomes.genome import Genome
from genomes.huggingface.program_composite import Program, build_program
from genomes.huggingface.runtime_composite import CompositeRuntime, left_padded
from genomes.huggingface.trunk_composite import Trunk
from genomes.members.tokenizers import tokenizer_key
from genomes.nodes import MemberNode
from genomes.prompting import (
    MIN_NEW_TOKENS,
    answer_text,
    closing_tokens,
    prompt_tokens,
    reply_tokens,
    template_tokens,
)
from genomes.serialization import genome_to_json
from genomes.trunks import PrefillCache, trunk_of

__all__ = ["Phenotype", "PrefillCache", "ReplyLikelihood", "compile_genome"]

# Rows leave the batch when at least this share of it has ended; less often would waste work, more often copy caches.
_ENDED_SHARE = 0.25

# Given replies are scored in batches whose log-probabilities hold about this many numbers.
_REPLY_NUMBERS = 16_000_000


class LoadedMember(Protocol):
    """What is needed of a member: ``genomes.members.catalogue.Member`` has it."""

    name: str
    model: GPT2LMHeadModel
    tokenizer: PreTrainedTokenizerBase
    key: str


class MemberLoader(Protocol):
    """Where members come from: ``genomes.members.catalogue.MemberCatalogue`` is one."""

    def load(self, name: str) -> LoadedMember:
        """The member of that name."""
        ...


@dataclass(frozen=True, slots=True)
class ReplyLikelihood:
    """How likely a phenotype finds one given reply.

    Attributes:
        nll_nats: Negative log-likelihood of the reply and of the line break that ends it, summed over tokens.
        num_tokens: Tokens that the sum runs over.
        num_bytes: UTF-8 bytes of the reply.
    """

    nll_nats: float
    num_tokens: int
    num_bytes: int


class Phenotype:
    """A runnable genome. ``compile_genome`` makes one.

    Args:
        program: What to compute for every token.
        models: The members by name, in evaluation mode and on one device.
        tokenizer: The tokenizer that all of them share.
        trunks: Forward passes of the members by name; by default the fastest for each.

    Raises:
        ValueError: Members have too few positions for drafts and answer.
    """

    def __init__(
        self,
        program: Program,
        models: Mapping[str, GPT2LMHeadModel],
        tokenizer: PreTrainedTokenizerBase,
        *,
        trunks: Mapping[str, Trunk] | None = None,
    ) -> None:
        self._program = program
        self._models = {name: models[name] for name in program.members}
        self._tokenizer = tokenizer
        self._closing = closing_tokens(tokenizer)
        self._runtime = CompositeRuntime(
            program,
            trunks or {name: trunk_of(model, key=name) for name, model in self._models.items()},
            closing_tokens=self._closing,
        )
        first = self._models[program.members[0]]
        self._device: torch.device = first.device
        self._vocabulary_size: int = first.config.vocab_size
        self._max_new_tokens = int(program.response["max_new_tokens"])
        self._num_positions = program.num_positions(
            {name: model.config.n_positions for name, model in self._models.items()}
        )
        if self._num_positions <= self._max_new_tokens:
            raise ValueError(
                f"max_new_tokens is {self._max_new_tokens!r}, but the members {sorted(self._models)} have room for "
                f"{self._num_positions} tokens of prompt and answer beside their drafts. Shorten answer or drafts."
            )

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer that all members share."""
        return self._tokenizer

    @property
    def program(self) -> Program:
        """What is computed for every token."""
        return self._program

    @property
    def active_parameters_per_token(self) -> int:
        """Parameters that take part in one token of an answer.

        Every stream that answers counts once, however many nodes read it; a member that reads two different drafts
        has two streams. A draft of n tokens counts n / max_new_tokens times, since it is written once per answer.
        """
        sizes: dict[str, int] = {name: model.num_parameters() for name, model in self._models.items()}
        streams = self._program.streams
        answering = sum(sizes[streams[index].member] for index in self._program.answering_streams)
        drafts = {(draft.source, draft.max_tokens) for draft in self._program.drafts}
        drafting = sum(sizes[streams[source].member] * num_tokens for source, num_tokens in drafts)
        return round(answering + drafting / self._max_new_tokens)

    @torch.inference_mode()
    def answer(self, contexts: Sequence[Sequence[str]], *, seeds: Sequence[int]) -> list[str]:
        """One answer per context; equal context and seed give the equal answer, whatever stands beside them.

        Prompts lose their oldest tokens where prompt, drafts and answer together are longer than a member reads.

        Args:
            contexts: The turns before each answer, oldest first.
            seeds: One whole number from 0 per context.

        Raises:
            ValueError: A context is empty, or there are not as many seeds as contexts.
            FloatingPointError: A member's output is not finite.
        """
        return [answer_text(tokens, self._tokenizer) for tokens in self.answer_tokens(contexts, seeds=seeds)]

    @torch.inference_mode()
    def answer_tokens(self, contexts: Sequence[Sequence[str]], *, seeds: Sequence[int]) -> list[list[int]]:
        """Like ``answer``: the token ids, with the token that closed the answer where there is one."""
        if len(contexts) != len(seeds):
            raise ValueError(f"There are {len(contexts)} contexts and {len(seeds)} seeds; give one seed per context.")
        if not contexts:
            return []
        room = self._num_positions - self._max_new_tokens
        prompts = [prompt_tokens(context, self._tokenizer, room=room) for context in contexts]
        uniforms = uniform_numbers(seeds, self._max_new_tokens)
        settings = {name: self._program.response[name] for name in ("temperature", "top_k", "top_p")}
        tokens, mask = left_padded(prompts, device=self._device)
        lengths = mask.sum(dim=-1)
        mask = mask.long()
        cache = self._runtime.new_cache()
        answers: list[list[int]] = [[] for _ in prompts]
        rows = list(range(len(prompts)))
        is_open = [True] * len(prompts)
        closing = torch.tensor(sorted(self._closing), device=self._device)
        for step in range(self._max_new_tokens):
            joint = self._runtime.forward(tokens, mask, cache=cache, prompt_lengths=lengths, num_kept=1)[:, -1]
            if step < MIN_NEW_TOKENS:
                joint = joint.index_fill(-1, closing, -torch.inf)
            tokens = drawn_tokens(joint, uniforms[rows, step], **settings)[:, None]
            for row, token in zip(rows, tokens[:, 0].tolist(), strict=True):
                if is_open[row]:
                    answers[row].append(token)
                    is_open[row] = token not in self._closing
            places = [place for place, row in enumerate(rows) if is_open[row]]
            if not places:
                break
            if len(places) <= (1.0 - _ENDED_SHARE) * len(rows):
                kept = torch.tensor(places, device=self._device)
                cache.batch_select_indices(kept)
                tokens, mask = tokens[kept], mask[kept]
                rows = [rows[place] for place in places]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        return answers

    @torch.inference_mode()
    def reply_likelihoods(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[ReplyLikelihood]:
        """The likelihood of each given reply after its context, with the line break that ends it.

        Raises:
            ValueError: A context is empty, the numbers of contexts and replies differ, or a reply is longer than the
                members read.
        """
        if len(contexts) != len(replies):
            raise ValueError(f"There are {len(contexts)} contexts and {len(replies)} replies; give one per context.")
        answers = [reply_tokens(reply, self._tokenizer) for reply in replies]
        prompts = []
        for context, reply, answer in zip(contexts, replies, answers, strict=True):
            if len(answer) >= self._num_positions:
                raise ValueError(
                    f"The reply {reply[:40]!r}... has {len(answer)} tokens; the members have room for "
                    f"{self._num_positions - 1} beside a prompt and their drafts. Score shorter replies."
                )
            prompts.append(prompt_tokens(context, self._tokenizer, room=self._num_positions - len(answer)))
        longest = max((len(answer) for answer in answers), default=1)
        size = max(1, _REPLY_NUMBERS // (longest * self._vocabulary_size))
        likelihoods: list[ReplyLikelihood] = []
        for start in range(0, len(replies), size):
            rows = slice(start, start + size)
            totals = self._reply_totals(prompts[rows], answers[rows])
            likelihoods += [
                ReplyLikelihood(-total, len(answer), len(reply.strip().encode()))
                for total, answer, reply in zip(totals, answers[rows], replies[rows], strict=True)
            ]
        return likelihoods

    @torch.inference_mode()
    def log_probabilities(
        self,
        token_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *,
        prompt_lengths: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Joint log-probabilities of every next token: float32 [batch, length, vocabulary].

        Args:
            token_ids: Token ids, [batch, length].
            attention_mask: 1 at real tokens, [batch, length]; None for all.
            prompt_lengths: For each row, how many of its first real tokens are the prompt that drafts are made
                from, [batch]. Needed where members read drafts.

        Raises:
            ValueError: Members read drafts and there are no ``prompt_lengths``, or a row is too long.
        """
        mask = torch.ones_like(token_ids) if attention_mask is None else attention_mask.long()
        return self._runtime.forward(token_ids, mask, prompt_lengths=prompt_lengths)

    def _reply_totals(self, prompts: Sequence[list[int]], answers: Sequence[list[int]]) -> list[float]:
        """Log-likelihood of each answer in nats."""
        rows = [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)]
        tokens, mask = left_padded(rows, device=self._device)
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self._device)
        longest = max(len(answer) for answer in answers)
        joint = self._runtime.forward(tokens, mask.long(), prompt_lengths=lengths, num_kept=longest + 1)
        likelihoods = joint[:, :-1].gather(-1, tokens[:, -longest:, None]).squeeze(-1).double()
        counts = mask.new_zeros(mask.shape[0], longest)
        for row, answer in enumerate(answers):
            counts[row, longest - len(answer) :] = True
        totals: list[float] = likelihoods.where(counts, 0.0).sum(dim=-1).tolist()
        return totals


def compile_genome(
    genome: Genome,
    catalogue: MemberLoader,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    prefill_cache: PrefillCache | None = None,
) -> Phenotype:
    """The phenotype of a valid genome.

    Args:
        genome: A genome that keeps the rules.
        catalogue: Loads its members.
        device: Where it runs, e.g. ``"cuda"``.
        dtype: Arithmetic of the members; distributions are joined in float32.
        prefill_cache: Shares what members make of prompts between genomes; answers are the same without.

    Raises:
        ValueError: Members have different tokenizers or vocabularies, or too few positions for drafts and answer.
    """
    nodes = genome.of_type(MemberNode)
    members = {name: catalogue.load(name) for name in sorted({node.member for node in nodes.values()})}
    _check_vocabularies(members)
    tokenizer = next(iter(members.values())).tokenizer
    program = genome_program(genome, tokenizer)
    models = {name: _placed(member.model, torch.device(device), dtype) for name, member in members.items()}
    trunks = {
        name: trunk_of(models[name], key=member.key, prefill_cache=prefill_cache) for name, member in members.items()
    }
    return Phenotype(program, models, tokenizer, trunks=trunks)


def genome_templates(genome: Genome, tokenizer: PreTrainedTokenizerBase) -> dict[str, tuple[list[int], list[int]]]:
    """The templates of all member nodes as token ids before and after the draft, by node id."""
    return {name: template_tokens(node.template, tokenizer) for name, node in genome.of_type(MemberNode).items()}


def genome_program(genome: Genome, tokenizer: PreTrainedTokenizerBase) -> Program:
    """The program of a genome over members with this tokenizer."""
    return build_program(json.loads(genome_to_json(genome)), genome_templates(genome, tokenizer))


_COPIES: WeakKeyDictionary[GPT2LMHeadModel, dict[tuple[torch.device, torch.dtype], GPT2LMHeadModel]] = (
    WeakKeyDictionary()
)


def _placed(model: GPT2LMHeadModel, device: torch.device, dtype: torch.dtype) -> GPT2LMHeadModel:
    """The model itself where it already is there, else a copy that is made once and lives as long as the model."""
    if model.device.type == device.type and device.index in (None, model.device.index) and model.dtype == dtype:
        return model
    copies = _COPIES.setdefault(model, {})
    if (device, dtype) not in copies:
        copies[device, dtype] = copy.deepcopy(model).to(device=device, dtype=dtype)
    return copies[device, dtype]


def _check_vocabularies(members: Mapping[str, LoadedMember]) -> None:
    first, *others = members.values()
    for other in others:
        sizes = first.model.config.vocab_size, other.model.config.vocab_size
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"The members {first.name!r} and {other.name!r} have vocabularies of {sizes[0]} and {sizes[1]} tokens; "
                "members of one genome share a vocabulary. Leave one of the two out of the space."
            )
        if first.tokenizer is not other.tokenizer and tokenizer_key(first.tokenizer) != tokenizer_key(other.tokenizer):
            raise ValueError(
                f"The members {first.name!r} and {other.name!r} have different tokenizers, so equal token ids mean "
                "different text; members of one genome share a tokenizer. Leave one of the two out of the space."
            )
