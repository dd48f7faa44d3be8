"""The arithmetic of a composite: from tokens to the joint log-probabilities of the next one.

The exported model and the engine's phenotype both run this code; they differ in how a member's hidden states are
computed (trunk_composite.py). Decoding settings are not applied here.
This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genomes.combiners import COMBINERS
from genomes.huggingface.cache_composite import CompositeCache
from genomes.huggingface.program_composite import MemberValue, Program
from genomes.huggingface.trunk_composite import Trunk

# Log-probabilities of the text so far are computed for a few rows at a time, to bound the memory they take.
_HISTORY_NUMBERS = 16_000_000


class CompositeRuntime:
    """Runs a program on trunks."""

    def __init__(self, program: Program, trunks: Mapping[str, Trunk], *, closing_tokens: Sequence[int]) -> None:
        """Bind a program to its members.

        Args:
            program: What to compute.
            trunks: The members' forward passes by name.
            closing_tokens: Token ids that end a draft.
        """
        self._program = program
        self._trunks = [trunks[stream.member] for stream in program.streams]
        self._closing = frozenset(closing_tokens)

    def new_cache(self) -> CompositeCache:
        """An empty cache for this program."""
        program = self._program
        return CompositeCache(
            {index: self._trunks[index].new_cache() for index in program.answering_streams}, program.evidence_values
        )

    def forward(
        self,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        *,
        cache: CompositeCache | None = None,
        prompt_lengths: torch.Tensor | None = None,
        num_kept: int | None = None,
    ) -> torch.Tensor:
        """Log-probabilities of the tokens after the newest ones: float32 [batch, kept, vocabulary], normalised.

        Args:
            tokens: New tokens, [batch, positions], padded on either side.
            mask: 1 at real tokens, earlier ones included: [batch, earlier + positions].
            cache: Holds the earlier tokens; the new ones are added. None starts from nothing and keeps nothing.
            prompt_lengths: For each row, how many of its first real tokens are the prompt that drafts are made
                from, [batch]. Needed on first use of a cache where members read drafts, ignored otherwise.
            num_kept: Number of last positions that are wanted; None for all.

        Raises:
            ValueError: Members read drafts and the prompt's lengths are missing or reach past the tokens given.
        """
        program = self._program
        is_first = cache is None or cache.num_tokens == 0
        prefixes: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        if program.drafts and is_first:
            prefixes = self._prefixes(tokens, mask, prompt_lengths)
        num_new = tokens.shape[1]
        hidden: dict[int, torch.Tensor] = {}
        for index in program.answering_streams:
            stream_tokens, stream_mask = tokens, mask
            if index in prefixes:
                prefix, prefix_mask = prefixes[index]
                stream_tokens = torch.cat([prefix, tokens], dim=1)
                stream_mask = torch.cat([prefix_mask.to(mask.dtype), mask], dim=1)
                if cache is not None:
                    cache.prefix_masks[index].store(prefix_mask)
            elif cache is not None and cache.prefix_masks[index].state:
                (prefix_mask,) = cache.prefix_masks[index].state
                stream_mask = torch.cat([prefix_mask.to(mask.dtype), mask], dim=1)
            states = self._hidden(index, stream_tokens, stream_mask, None if cache is None else cache.streams[index])
            hidden[index] = states[:, -num_new:]
        num_kept = num_new if num_kept is None else min(num_kept, num_new)
        joint = self._joint(hidden, tokens, mask[:, -num_new:].bool(), num_kept, cache)
        if cache is not None:
            cache.num_tokens += num_new
        return joint

    # Streams

    def _hidden(self, stream: int, tokens: torch.Tensor, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        trunk = self._trunks[stream]
        positions = (mask.cumsum(dim=-1) - 1).clamp_min(0)[:, -tokens.shape[1] :]
        if mask.shape[1] > trunk.num_positions and (longest := int(positions.max()) + 1) > trunk.num_positions:
            raise ValueError(
                f"The member {self._program.streams[stream].member!r} would read {longest} tokens, drafts included; "
                f"it has {trunk.num_positions} positions. Shorten the prompt or the answer."
            )
        return trunk.hidden(tokens, mask, positions, cache)

    def _prefixes(
        self, tokens: torch.Tensor, mask: torch.Tensor, prompt_lengths: torch.Tensor | None
    ) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
        """What each stream reads before the prompt, by stream: left-padded tokens and their mask."""
        if prompt_lengths is None:
            raise ValueError(
                "prompt_lengths is None, but members of this composite read drafts, which are made from the prompt. "
                "Use generate(), which takes its whole input as the prompt, or say for each row how many of its "
                "tokens are the prompt."
            )
        prompts = []
        for row, row_mask, length in zip(tokens.tolist(), mask.tolist(), prompt_lengths.tolist(), strict=True):
            real = [token for token, is_real in zip(row, row_mask, strict=True) if is_real]
            if not 1 <= length <= len(real):
                raise ValueError(
                    f"prompt_lengths holds {length!r} for a row of {len(real)} tokens; a prompt has at least one token "
                    "and is given as a whole, without chunks."
                )
            prompts.append(real[:length])
        prefixes: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        written: dict[tuple[int, int], list[list[int]]] = {}
        for index, stream in enumerate(self._program.streams):
            if not stream.drafts:
                continue
            texts: list[list[int]] = [[] for _ in prompts]
            for draft in stream.drafts:
                key = draft.source, draft.max_tokens
                if key not in written:
                    written[key] = self._write(
                        draft.source, prompts, prefixes.get(draft.source), draft.max_tokens, tokens.device
                    )
                before, after = draft.template
                for text, words in zip(texts, written[key], strict=True):
                    text += [*before, *words, *after]
            prefixes[index] = left_padded(texts, device=tokens.device)
        return prefixes

    def _write(
        self,
        stream: int,
        prompts: Sequence[Sequence[int]],
        prefix: tuple[torch.Tensor, torch.Tensor] | None,
        max_tokens: int,
        device: torch.device,
    ) -> list[list[int]]:
        """Drafts of a stream: greedy, without the token that closes them."""
        tokens, mask = left_padded(prompts, device=device)
        if prefix is not None:
            tokens, mask = torch.cat([prefix[0], tokens], dim=1), torch.cat([prefix[1], mask], dim=1)
        cache = self._trunks[stream].new_cache()
        drafts: list[list[int]] = [[] for _ in prompts]
        is_open = [True] * len(prompts)
        for step in range(max_tokens):
            hidden = self._hidden(stream, tokens, mask.long(), cache)
            tokens = self._trunks[stream].logits(hidden[:, -1:]).argmax(dim=-1)
            for row, token in enumerate(tokens[:, 0].tolist()):
                is_open[row] = is_open[row] and token not in self._closing
                if is_open[row]:
                    drafts[row].append(token)
            if not any(is_open) or step == max_tokens - 1:
                break
            mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
        return drafts

    # Values

    def _joint(
        self,
        hidden: Mapping[int, torch.Tensor],
        tokens: torch.Tensor,
        real: torch.Tensor,
        num_kept: int,
        cache: CompositeCache | None,
    ) -> torch.Tensor:
        evidence = {} if cache is None else cache.evidence
        states = {index: layer.state for index, layer in evidence.items()}
        num_rows, num_new = tokens.shape
        size = num_rows
        if any(self._program.needs_history) and num_new > 1:
            size = max(1, _HISTORY_NUMBERS // (num_new * self._trunks[0].vocabulary_size))
        joints, collected = [], []
        for start in range(0, num_rows, size):
            rows = slice(start, start + size)
            joint, new_states = self._joint_of_rows(
                {index: states_of[rows] for index, states_of in hidden.items()},
                tokens[rows],
                real[rows],
                num_kept,
                {index: tuple(tensor[rows] for tensor in state) for index, state in states.items()},
            )
            joints.append(joint)
            collected.append(new_states)
        for index, layer in evidence.items():
            layer.store(*(torch.cat(parts) for parts in zip(*(each[index] for each in collected), strict=True)))
        return torch.cat(joints)

    def _joint_of_rows(
        self,
        hidden: Mapping[int, torch.Tensor],
        tokens: torch.Tensor,
        real: torch.Tensor,
        num_kept: int,
        states: Mapping[int, tuple[torch.Tensor, ...]],
    ) -> tuple[torch.Tensor, dict[int, tuple[torch.Tensor, ...]]]:
        program = self._program
        logits: dict[tuple[int, bool], torch.Tensor] = {}
        values: list[torch.Tensor] = []
        new_states: dict[int, tuple[torch.Tensor, ...]] = {}
        for index, (value, needs_history) in enumerate(zip(program.values, program.needs_history, strict=True)):
            if isinstance(value, MemberValue):
                key = value.stream, needs_history
                if key not in logits:
                    states_of = hidden[value.stream] if needs_history else hidden[value.stream][:, -num_kept:]
                    logits[key] = self._trunks[value.stream].logits(states_of).float()
                values.append((logits[key] / value.temperature).log_softmax(dim=-1))
                continue
            sources = [values[source] for source in value.inputs]
            inputs = torch.stack([source if needs_history else source[:, -num_kept:] for source in sources])
            evidence = inputs.new_zeros(()).expand(inputs.shape[:3])
            if COMBINERS[value.method].needs_evidence:
                foreseen = torch.stack([self._foreseen(source, values, hidden, tokens) for source in value.inputs])
                newest = torch.stack([source[:, -1] for source in sources])
                evidence, new_states[index] = _evidence(foreseen, newest, tokens, real, states.get(index, ()))
                evidence = evidence[..., -inputs.shape[2] :]
            joint = COMBINERS[value.method].combine(
                inputs, weights=inputs.new_tensor(value.weights), evidence=evidence, parameters=dict(value.parameters)
            )
            values.append(joint)
        return values[-1][:, -num_kept:], new_states

    def _foreseen(
        self, index: int, values: Sequence[torch.Tensor], hidden: Mapping[int, torch.Tensor], tokens: torch.Tensor
    ) -> torch.Tensor:
        """Log-likelihood that a value gave to each new token but the first: [batch, positions - 1]."""
        value = self._program.values[index]
        if values[index].shape[1] == tokens.shape[1]:
            return values[index][:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)
        # Only members' values are cut to the wanted positions where evidence is read (see Program.needs_history).
        assert isinstance(value, MemberValue)
        return self._trunks[value.stream].log_likelihoods(hidden[value.stream], tokens, value.temperature)


def _evidence(
    foreseen: torch.Tensor,
    newest: torch.Tensor,
    tokens: torch.Tensor,
    real: torch.Tensor,
    state: tuple[torch.Tensor, ...],
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """Log-likelihood of the text up to each token, [inputs, batch, positions], and the state for the next call.

    The first real token of a row counts nothing, nor does padding.

    Args:
        foreseen: Log-likelihood of each new token but the first, [inputs, batch, positions - 1].
        newest: Log-probabilities after the newest token, [inputs, batch, vocabulary].
        tokens: The new tokens, [batch, positions].
        real: Which of them are no padding, [batch, positions].
        state: What the last call gave, or nothing on the first.
    """
    first = newest.new_zeros(*newest.shape[:2], 1)
    total, before_is_real = first, torch.zeros_like(real[:, :1])
    if state:
        earlier, last, last_is_real = state
        first = last.gather(-1, tokens[:, :1, None].expand(-1, last.shape[1], 1)).transpose(0, 1)
        total, before_is_real = earlier.T[..., None], last_is_real[:, None]
    counts = real & torch.cat([before_is_real, real[:, :-1]], dim=1)
    gains = torch.cat([first, foreseen], dim=-1)
    evidence = total + gains.where(counts, gains.new_zeros(())).cumsum(dim=-1)
    return evidence, (evidence[..., -1].T, newest.transpose(0, 1), real[:, -1])


def left_padded(rows: Sequence[Sequence[int]], *, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of token ids as int64 [rows, longest] with zeros on the left, and bool of the same shape: True at tokens."""
    width = max((len(row) for row in rows), default=0)
    tokens = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], dtype=torch.long, device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], dtype=torch.bool, device=device)
    return tokens.view(len(rows), width), mask.view(len(rows), width)
