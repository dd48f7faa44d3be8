"""A genome made runnable: one language model that answers and gives likelihoods.

The arithmetic is that of exported models (runtime.py); this file adds text, batches and
decoding. What makes a phenotype of a genome is in compilation.py; a plain second implementation, the oracle of the
tests, is in tests/oracles/phenotype.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from genomes.graph.program import Program
from genomes.members.architectures import num_positions
from genomes.running.answering import Writers
from genomes.running.choosing import answer_log_likelihoods
from genomes.running.decoding import Decoding, DecodingSettings
from genomes.running.fast_trunk import trunk_of
from genomes.running.pruning import NoMemberLeftError, rooted
from genomes.running.runtime import CompositeRuntime, Runtime
from genomes.running.text_format import (
    answer_text,
    closing_tokens,
    no_text_token,
    prompt_tokens,
    reply_tokens,
)
from genomes.running.tolerance import TolerantRuntime
from genomes.running.trunk import Trunk


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
        tokenizer: The tokenizer that all of them share; where the inputs of an answer combiner have different ones,
            that of the first input.
        trunks: Forward passes of the members by name; by default the fastest for each.
        inputs: Where the program chooses among answers, the phenotypes that write them; by default made of the same
            members.
        failed: None is strict: a member that fails fails the call. Else what has failed so far, by member and with the
            reason: such members are left out, as is every other that fails at answering time, with a warning.

    Raises:
        ValueError: Members have too few positions for drafts and answer.
        NoMemberLeftError: All members have failed.
    """

    def __init__(
        self,
        program: Program,
        models: Mapping[str, PreTrainedModel],
        tokenizer: PreTrainedTokenizerBase,
        *,
        trunks: Mapping[str, Trunk] | None = None,
        inputs: Sequence[Phenotype] | None = None,
        failed: Mapping[str, str] | None = None,
    ) -> None:
        self._program = program
        self._models = {name: models[name] for name in program.members if name in models}
        if not self._models:
            raise NoMemberLeftError(f"No member is left to answer: {dict(failed or {})!r}.")
        self._tokenizer = tokenizer
        self.closing = closing_tokens(tokenizer)
        """Token ids that end an answer."""
        trunks = trunks or {name: trunk_of(model, key=name) for name, model in self._models.items()}
        self.trunks: Mapping[str, Trunk] = trunks
        """Forward passes of the members by name."""
        self.is_tolerant = failed is not None
        """Whether members that fail are left out."""
        self._runtime: Runtime = (
            CompositeRuntime(program, trunks, closing_tokens=self.closing)
            if failed is None
            else TolerantRuntime(program, trunks, closing_tokens=self.closing, failed=failed)
        )
        first = next(iter(self._models.values()))
        self._device: torch.device = first.device
        self._vocabulary_size: int = first.config.vocab_size
        self._max_new_tokens = int(program.response["max_new_tokens"])
        # A member that is not there takes no room.
        places = {
            name: num_positions(self._models[name].config) if name in self._models else 1 << 62
            for name in program.members
        }
        self._num_positions = program.num_positions(places)
        if self._num_positions <= self._max_new_tokens:
            raise ValueError(
                f"max_new_tokens is {self._max_new_tokens!r}, but the members {sorted(self._models)} have room for "
                f"{self._num_positions} tokens of prompt and answer beside their drafts. Shorten answer or drafts."
            )
        self.inputs: list[Phenotype] = []
        """Where the program chooses among whole answers, the phenotypes that write them."""
        self.writers: Writers | None = None
        """Who has them write, and chooses."""
        if program.choosing is not None:
            self.inputs = list(inputs or self._rooted_inputs(program.choosing.inputs, trunks, failed))
            self.writers = Writers(program.choosing, self.inputs, tokenizer)

    def _rooted_inputs(
        self, roots: Sequence[int], trunks: Mapping[str, Trunk], failed: Mapping[str, str] | None
    ) -> list[Phenotype]:
        made = []
        for root in roots:
            program = rooted(self._program, root)
            if any(name in self._models for name in program.members):
                made.append(Phenotype(program, self._models, self._tokenizer, trunks=trunks, failed=failed))
        return made

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer that all members share."""
        return self._tokenizer

    @property
    def program(self) -> Program:
        """What is computed for every token."""
        return self._program

    @property
    def num_positions(self) -> int:
        """The most tokens of prompt and answer together that all members have room for."""
        return self._num_positions

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens that distributions are over."""
        return self._vocabulary_size

    @property
    def device(self) -> torch.device:
        """Where the members are."""
        return self._device

    @property
    def active_parameters_per_token(self) -> int:
        """Parameters that take part in one token of an answer, see ``Program.active_parameters``."""
        return self._program.active_parameters({name: model.num_parameters() for name, model in self._models.items()})

    def num_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text is, as an answer: with the line break that ends it."""
        return [len(reply_tokens(text, self._tokenizer)) for text in texts]

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
        if self.writers is not None:
            return self.writers.answer_tokens(contexts, seeds=seeds)
        settings = DecodingSettings.evolved(self._program.response)
        decoding = Decoding(self.prompts(contexts), seeds, settings, self.closing, device=self._device)
        for _ in decoding.run(self._runtime):
            pass
        return decoding.answers

    def prompts(self, contexts: Sequence[Sequence[str]]) -> list[list[int]]:
        """The token ids that answers to some contexts follow; the oldest are left out where there is no room.

        Raises:
            ValueError: A context is empty.
        """
        room = self._num_positions - self._max_new_tokens
        return [prompt_tokens(context, self._tokenizer, room=room) for context in contexts]

    @torch.inference_mode()
    def reply_likelihoods(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[ReplyLikelihood]:
        """The likelihood of each given reply after its context, with the line break that ends it.

        Where whole answers are chosen, the reply's likelihood is that under the mean of the inputs' distributions;
        where these have different tokenizers, that under an input drawn with equal chances.

        Raises:
            ValueError: A context is empty, the numbers of contexts and replies differ, or a reply is longer than the
                members read.
        """
        if len(contexts) != len(replies):
            raise ValueError(f"There are {len(contexts)} contexts and {len(replies)} replies; give one per context.")
        answers = [reply_tokens(reply, self._tokenizer) for reply in replies]
        for reply, answer in zip(replies, answers, strict=True):
            if len(answer) >= self._num_positions:
                raise ValueError(
                    f"The reply {reply[:40]!r}... has {len(answer)} tokens; the members have room for "
                    f"{self._num_positions - 1} beside a prompt and their drafts. Score shorter replies."
                )
        if self._is_mixed:
            by_input = [[-one.nll_nats for one in each.reply_likelihoods(contexts, replies)] for each in self.inputs]
            sums = torch.tensor(by_input, dtype=torch.float64).logsumexp(dim=0)
            totals: list[float] = (sums - torch.tensor(float(len(by_input))).log()).tolist()
        else:
            totals = self.token_log_likelihoods(contexts, answers)
        return [
            ReplyLikelihood(-total, len(answer), len(reply.strip().encode()))
            for total, answer, reply in zip(totals, answers, replies, strict=True)
        ]

    @torch.inference_mode()
    def token_log_likelihoods(
        self, contexts: Sequence[Sequence[str]] | None, answers: Sequence[Sequence[int]]
    ) -> list[float]:
        """Log-likelihood in nats of each answer's token ids after its context; without contexts, after no text at all.

        No text is the token that ends texts, or where there is none the first that ends answers.
        """
        if contexts is None:
            prompts = [[no_text_token(self._tokenizer)]] * len(answers)
        else:
            prompts = [
                prompt_tokens(context, self._tokenizer, room=self._num_positions - len(answer))
                for context, answer in zip(contexts, answers, strict=True)
            ]
        return answer_log_likelihoods(
            self._runtime, prompts, answers, vocabulary_size=self._vocabulary_size, device=self._device
        )

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
        if self._is_mixed:
            raise ValueError(
                "The inputs of the answer combiner have different tokenizers, so there is no distribution over the "
                "tokens of one. Ask for answer or reply_likelihoods."
            )
        mask = torch.ones_like(token_ids) if attention_mask is None else attention_mask.long()
        return self._runtime.forward(token_ids, mask, prompt_lengths=prompt_lengths)

    @property
    def _is_mixed(self) -> bool:
        """Whether the inputs of an answer combiner have different tokenizers."""
        return self.writers is not None and self.writers.is_mixed
