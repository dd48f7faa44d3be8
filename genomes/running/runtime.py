"""The arithmetic of a composite: from tokens to the joint log-probabilities of the next one.

The exported model and the engine's phenotype both run this code; they differ in how a member's hidden states are
computed (trunk.py). Decoding settings are not applied here.
This file travels inside exported artifacts: it imports nothing but torch, transformers and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from genomes.graph.program import CombinerValue, Draft, MemberValue, Program
from genomes.methods.combiners import COMBINERS
from genomes.running.cache import CompositeCache
from genomes.running.rows import evidence_so_far, left_padded, new_positions, prompts_of
from genomes.running.trunk import Trunk

# Log-probabilities of the text so far are computed for a few rows at a time, to bound the memory they take.
_HISTORY_NUMBERS = 16_000_000


class Runtime(Protocol):
    """From tokens to log-probabilities; what ``forward`` takes and gives is said in ``CompositeRuntime``."""

    def new_cache(self) -> CompositeCache:
        """An empty cache."""

    def forward(
        self,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        *,
        cache: CompositeCache | None = None,
        prompt_lengths: torch.Tensor | None = None,
        num_kept: int | None = None,
    ) -> torch.Tensor:
        """Log-probabilities of the tokens after the newest ones."""


class CompositeRuntime:
    """Runs a program on trunks; whatever goes wrong in one of them goes wrong here."""

    def __init__(self, program: Program, trunks: Mapping[str, Trunk], *, closing_tokens: Sequence[int]) -> None:
        """Bind a program to its members.

        Args:
            program: What to compute.
            trunks: The members' forward passes by name.
            closing_tokens: Token ids that end a draft.
        """
        self._program = program
        self._by_name = trunks
        self._trunks = [trunks[stream.member] for stream in program.streams]
        self._closing = frozenset(closing_tokens)
        self._weights: dict[tuple[int, torch.device], torch.Tensor] = {}

    def new_cache(self) -> CompositeCache:
        """An empty cache for this program."""
        cache = CompositeCache({}, ())
        self.restart(cache)
        return cache

    def restart(self, cache: CompositeCache) -> None:
        """Make a cache an empty one for this program."""
        program = self._program
        streams = {index: self._trunks[index].new_cache() for index in program.answering_streams}
        cache.restart(streams, program.evidence_values, program.routed_values)

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
                from and gates look at, [batch]. Needed on first use of a cache where there are such, ignored otherwise.
            num_kept: Number of last positions that are wanted; None for all.

        Raises:
            ValueError: Members read drafts or a gate reads the prompt, and the prompt's lengths are missing or reach
                past the tokens given.
        """
        program = self._program
        is_first = cache is None or cache.num_tokens == 0
        prompts: list[list[int]] = []
        if program.needs_prompt and is_first:
            prompts = prompts_of(tokens, mask, prompt_lengths)
        routes = self._routes(prompts, cache, is_first=is_first, device=tokens.device)
        reads = self._reads(routes, tokens.shape[0], tokens.device)
        prefixes = self.prefixes(prompts, reads, len(tokens), tokens.device) if is_first else {}
        num_new = tokens.shape[1]
        hidden: dict[int, torch.Tensor | None] = {}
        shared_positions = new_positions(mask, num_new)
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
            is_read = reads.get(index)
            stream_cache = None if cache is None else cache.streams[index]
            if is_read is None:
                positions = shared_positions if stream_mask is mask else None
                hidden[index] = self._hidden(index, stream_tokens, stream_mask, stream_cache, positions)[:, -num_new:]
                continue
            if cache is not None and is_first:
                cache.rows[index].store(is_read)
            hidden[index] = None
            if bool(is_read.any()):
                states = self._hidden(index, stream_tokens[is_read], stream_mask[is_read], stream_cache)[:, -num_new:]
                spread = states.new_zeros(tokens.shape[0], *states.shape[1:])
                spread[is_read] = states
                hidden[index] = spread
        num_kept = num_new if num_kept is None else min(num_kept, num_new)
        joint = self._joint(hidden, reads, routes, tokens, mask[:, -num_new:].bool(), num_kept, cache)
        if cache is not None:
            cache.num_tokens += num_new
        return joint

    # Routes

    def _routes(
        self, prompts: Sequence[Sequence[int]], cache: CompositeCache | None, *, is_first: bool, device: torch.device
    ) -> dict[int, torch.Tensor]:
        """The weights of every combiner that reads the prompt, by value: float32 [batch, inputs]."""
        if not is_first and cache is not None:
            return {index: layer.state[0] for index, layer in cache.routes.items()}
        routes: dict[int, torch.Tensor] = {}
        for index in self._program.routed_values:
            value = self._program.values[index]
            assert isinstance(value, CombinerValue)
            routes[index] = self._routed(index, value, prompts, device)
            if cache is not None:
                cache.routes[index].store(routes[index])
        return routes

    def _routed(
        self, index: int, value: CombinerValue, prompts: Sequence[Sequence[int]], device: torch.device
    ) -> torch.Tensor:
        """The weights of one combiner that reads the prompt: float32 [batch, inputs]."""
        combiner = COMBINERS[value.method]
        evidence = torch.zeros(len(value.inputs), len(prompts))
        if combiner.reads_prompt_evidence:
            evidence = torch.stack([self._prompt_evidence(source, prompts, device) for source in value.inputs]).cpu()
        weights = torch.tensor(value.weights, dtype=torch.float32)
        routed = combiner.route(prompts, weights=weights, evidence=evidence, parameters=dict(value.parameters))
        return routed.T.to(device)

    def _prompt_evidence(self, index: int, prompts: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
        """Log-likelihood that a value gives to every prompt, its first token left out: float32 [batch]."""
        part = self._program.part(index)
        runtime = CompositeRuntime(part, self._by_name, closing_tokens=tuple(self._closing))
        tokens, real = left_padded(prompts, device=device)
        (top,) = part.values[-1:]
        if isinstance(top, MemberValue):
            prefixes = runtime.prefixes(prompts, {}, len(prompts), device)
            prefix, prefix_mask = prefixes.get(top.stream, (tokens[:, :0], real[:, :0]))
            read, mask = torch.cat([prefix, tokens], dim=1), torch.cat([prefix_mask, real], dim=1).long()
            trunk = runtime._trunks[top.stream]
            states = runtime._hidden(top.stream, read, mask, None)[:, -tokens.shape[1] :]
            gains = trunk.log_likelihoods(states, tokens, top.temperature)
        else:
            size = max(1, _HISTORY_NUMBERS // (tokens.shape[1] * self._trunks[0].vocabulary_size))
            parts = []
            for start in range(0, len(prompts), size):
                rows = slice(start, start + size)
                logs = runtime.forward(tokens[rows], real[rows].long(), prompt_lengths=real[rows].sum(dim=-1))
                parts.append(logs[:, :-1].gather(-1, tokens[rows, 1:, None])[..., 0])
            gains = torch.cat(parts)
        return gains.where(real[:, :-1], gains.new_zeros(())).sum(dim=-1)

    def _reads(
        self, routes: Mapping[int, torch.Tensor], num_rows: int, device: torch.device
    ) -> dict[int, torch.Tensor]:
        """Which rows each stream has to read, by stream: bool [batch]; empty where all read all."""
        if not routes:
            return {}
        program = self._program
        wanted = torch.zeros(len(program.values), num_rows, dtype=torch.bool, device=device)
        wanted[-1] = True
        reads = torch.zeros(len(program.streams), num_rows, dtype=torch.bool, device=device)
        for index in reversed(range(len(program.values))):
            value = program.values[index]
            if isinstance(value, MemberValue):
                reads[value.stream] |= wanted[index]
                continue
            for slot, source in enumerate(value.inputs):
                wanted[source] |= wanted[index] & (routes[index][:, slot] > 0) if index in routes else wanted[index]
        for index in reversed(range(len(program.streams))):
            for draft in program.streams[index].drafts:
                reads[draft.source] |= reads[index]
        return dict(enumerate(reads))

    # Streams

    def _hidden(
        self,
        stream: int,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        cache: Any,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        trunk = self._trunks[stream]
        positions = new_positions(mask, tokens.shape[1]) if positions is None else positions
        if mask.shape[1] > trunk.num_positions and (longest := int(positions.max()) + 1) > trunk.num_positions:
            raise ValueError(
                f"The member {self._program.streams[stream].member!r} would read {longest} tokens, drafts included; "
                f"it has {trunk.num_positions} positions. Shorten the prompt or the answer."
            )
        return trunk.hidden(tokens, mask, positions, cache)

    def prefixes(
        self,
        prompts: Sequence[Sequence[int]],
        reads: Mapping[int, torch.Tensor],
        num_rows: int,
        device: torch.device,
    ) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
        """What each stream reads before the prompt, by stream: left-padded tokens and their mask.

        Args:
            prompts: The token ids of every row's prompt; not looked at where there are no drafts.
            reads: Which rows each stream has to read, by stream; empty where all read all.
            num_rows: Number of rows.
            device: Where the tokens go.
        """
        prefixes: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        written: dict[tuple[int, int], list[list[int]]] = {}
        for index, stream in enumerate(self._program.streams):
            if not stream.drafts and not stream.marker:
                continue
            keys = [(draft.source, draft.max_tokens) for draft in stream.drafts]
            for key, draft in zip(keys, stream.drafts, strict=True):
                if key not in written:
                    written[key] = self._written(draft, prompts, prefixes.get(draft.source), reads, device)
            texts = [stream.before_prompt([written[key][row] for key in keys]) for row in range(num_rows)]
            prefixes[index] = left_padded(texts, device=device)
        return prefixes

    def _written(
        self,
        draft: Draft,
        prompts: Sequence[Sequence[int]],
        prefix: tuple[torch.Tensor, torch.Tensor] | None,
        reads: Mapping[int, torch.Tensor],
        device: torch.device,
    ) -> list[list[int]]:
        """A draft for every prompt; an empty one where nobody reads it."""
        is_read = reads.get(draft.source)
        if is_read is None:
            return self._write(draft.source, prompts, prefix, draft.max_tokens, device)
        drafts: list[list[int]] = [[] for _ in prompts]
        if places := is_read.nonzero()[:, 0].tolist():
            part = None if prefix is None else (prefix[0][is_read], prefix[1][is_read])
            some = self._write(draft.source, [prompts[place] for place in places], part, draft.max_tokens, device)
            for place, words in zip(places, some, strict=True):
                drafts[place] = words
        return drafts

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
        hidden: Mapping[int, torch.Tensor | None],
        reads: Mapping[int, torch.Tensor],
        routes: Mapping[int, torch.Tensor],
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
        if size >= num_rows:
            joint, new_states = self._joint_of_rows(hidden, reads, routes, tokens, real, num_kept, states)
            for index, layer in evidence.items():
                layer.store(*new_states[index])
            return joint
        joints, collected = [], []
        for start in range(0, num_rows, size):
            rows = slice(start, start + size)
            joint, new_states = self._joint_of_rows(
                {index: None if states_of is None else states_of[rows] for index, states_of in hidden.items()},
                {index: is_read[rows] for index, is_read in reads.items()},
                {index: weights[rows] for index, weights in routes.items()},
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
        hidden: Mapping[int, torch.Tensor | None],
        reads: Mapping[int, torch.Tensor],
        routes: Mapping[int, torch.Tensor],
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
                    num_wanted = tokens.shape[1] if needs_history else num_kept
                    logits[key] = self._logits(value.stream, hidden, reads, (tokens.shape[0], num_wanted))
                values.append((logits[key] / value.temperature).log_softmax(dim=-1))
                continue
            sources = [values[source] for source in value.inputs]
            inputs = torch.stack([source if needs_history else source[:, -num_kept:] for source in sources])
            evidence = inputs.new_zeros(()).expand(inputs.shape[:3])
            if COMBINERS[value.method].needs_evidence:
                foreseen = torch.stack([self._foreseen(source, values, hidden, tokens) for source in value.inputs])
                newest = torch.stack([source[:, -1] for source in sources])
                evidence, new_states[index] = evidence_so_far(foreseen, newest, tokens, real, states.get(index, ()))
                evidence = evidence[..., -inputs.shape[2] :]
            weights = routes[index].T if index in routes else self._fixed_weights(index, inputs.device)
            joint = COMBINERS[value.method].combine(
                inputs, weights=weights, evidence=evidence, parameters=dict(value.parameters)
            )
            values.append(joint)
        return values[-1][:, -num_kept:], new_states

    def _fixed_weights(self, index: int, device: torch.device) -> torch.Tensor:
        """A combiner's weights, made once: that takes longer than reading a token's distributions together."""
        if (index, device) not in self._weights:
            value = self._program.values[index]
            assert isinstance(value, CombinerValue)
            self._weights[index, device] = torch.tensor(value.weights, dtype=torch.float32, device=device)
        return self._weights[index, device]

    def _logits(
        self,
        stream: int,
        hidden: Mapping[int, torch.Tensor | None],
        reads: Mapping[int, torch.Tensor],
        shape: tuple[int, int],
    ) -> torch.Tensor:
        """Logits of a stream at the last positions; where a row does not read the stream, all are zero."""
        states, is_read, trunk = hidden[stream], reads.get(stream), self._trunks[stream]
        if states is not None and (is_read is None or bool(is_read.all())):
            return trunk.logits(states[:, -shape[1] :]).float()
        device = next(iter(reads.values())).device
        logits = torch.zeros(*shape, trunk.vocabulary_size, device=device)
        if states is not None and is_read is not None and bool(is_read.any()):
            logits[is_read] = trunk.logits(states[is_read, -shape[1] :]).float()
        return logits

    def _foreseen(
        self,
        index: int,
        values: Sequence[torch.Tensor],
        hidden: Mapping[int, torch.Tensor | None],
        tokens: torch.Tensor,
    ) -> torch.Tensor:
        """Log-likelihood that a value gave to each new token but the first: [batch, positions - 1]."""
        value = self._program.values[index]
        if values[index].shape[1] == tokens.shape[1]:
            return values[index][:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)
        # Only members' values are cut to the wanted positions where evidence is read (see Program.needs_history).
        assert isinstance(value, MemberValue)
        states = hidden[value.stream]
        if states is None:
            return torch.zeros(tokens.shape[0], tokens.shape[1] - 1, device=tokens.device)
        return self._trunks[value.stream].log_likelihoods(states, tokens, value.temperature)
