"""One stream in lockstep: its prompts, read once for all genomes, and the rows that go on from them.

Rows of one prompt share its keys and values: attention reads them once for all of these rows, in one matrix product,
and only what a row said itself is kept per row. Which rows there are is the caller's business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from genomes.running.fast_trunk import FastTrunk

_BLOCK_TOKENS = 16
_PIECE_NUMBERS = 1 << 19  # Logits of texts are made in pieces that fit into a core's cache.


class Strand:
    """A member after some texts. Only their real tokens are computed; they are padded on the right.

    Attributes:
        trunk: The member's forward pass.
        lengths: Tokens of each text, [texts].
        keys: Of all blocks, [blocks, texts * heads, head width, longest].
        values: Of all blocks, [blocks, texts * heads, longest, head width].
        bias: 0 at tokens and -inf at padding, [texts * heads, 1, longest].
    """

    def __init__(self, trunk: FastTrunk, texts: Sequence[Sequence[int]], *, device: torch.device) -> None:
        """Read the texts; where the trunk has a cache, once for all that come with the same ones.

        Raises:
            ValueError: A text is longer than the member reads.
        """
        longest = max(map(len, texts))
        if longest > trunk.num_positions:
            raise ValueError(
                f"A text has {longest} tokens, drafts included; the member has {trunk.num_positions} positions. "
                "Shorten the prompt or the answer."
            )
        self.trunk = trunk
        self._texts = texts
        self._tokens = torch.tensor([token for text in texts for token in text], device=device)
        self.lengths = torch.tensor([len(text) for text in texts], device=device)
        self._is_real = torch.arange(longest, device=device) < self.lengths[:, None]
        if trunk.prefill_cache is None:
            self._states, self.keys, self.values = self._read()
        else:
            key = "strand", trunk.key, tuple(map(tuple, texts))
            self._states, self.keys, self.values = trunk.prefill_cache.recall(key, self._read)
        padding = torch.zeros(self._is_real.shape, dtype=self.keys.dtype, device=device)
        padding.masked_fill_(~self._is_real, -math.inf)
        self.bias = padding.repeat_interleave(trunk.num_heads, dim=0)[:, None]
        self._ends = self.lengths.cumsum(0)
        self._logits: torch.Tensor | None = None

    @property
    def first_logits(self) -> torch.Tensor:
        """Logits of the token after each text: [texts, vocabulary]."""
        if self._logits is None:
            self._logits = self.trunk.logits(self._states[self._ends - 1])
        return self._logits

    def states(self, texts: Sequence[int], num_wanted: int) -> torch.Tensor:
        """Final hidden states at the last tokens of some texts: [texts, wanted, width], zeros before their first."""
        states = self._states.new_zeros(len(texts), num_wanted, self._states.shape[-1])
        for place, text in enumerate(texts):
            count = min(num_wanted, len(self._texts[text]))
            states[place, num_wanted - count :] = self._states[int(self._ends[text]) - count : int(self._ends[text])]
        return states

    def log_likelihoods(self, temperatures: Sequence[float]) -> dict[float, list[torch.Tensor]]:
        """By temperature and text, the log-likelihood of each token but the first, given those before it."""
        is_last = torch.zeros(len(self._tokens), dtype=torch.bool, device=self._tokens.device)
        is_last[self._ends - 1] = True
        places = (~is_last).nonzero()[:, 0]
        size = max(1, _PIECE_NUMBERS // self.trunk.vocabulary_size)
        totals: dict[float, list[torch.Tensor]] = {temperature: [] for temperature in temperatures}
        for piece in torch.split(places, size):
            logits = self.trunk.logits(self._states[piece]).float()
            chosen = logits.gather(-1, self._tokens[piece + 1][:, None])[:, 0]
            for temperature, parts in totals.items():
                scaled = logits if temperature == 1.0 else logits / temperature
                parts.append(chosen / temperature - log_normalisers(scaled))
        sizes = (self.lengths - 1).tolist()
        return {
            temperature: list(torch.split(torch.cat([self._states.new_zeros(0).float(), *parts]), sizes))
            for temperature, parts in totals.items()
        }

    def forget_texts(self) -> None:
        """Drop what only the first tokens after the texts are made from."""
        self._states, self._logits = self._states[:0], None

    def _read(self) -> tuple[torch.Tensor, ...]:
        trunk, is_real = self.trunk, self._is_real
        num_texts, longest = is_real.shape
        heads = num_texts, longest, 3, trunk.num_heads, trunk.width // trunk.num_heads
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []

        def attend(_: int, mixed: torch.Tensor) -> torch.Tensor:
            spread = mixed.new_zeros(num_texts, longest, 3 * trunk.width)
            spread[is_real] = mixed
            query, key, value = spread.view(heads).permute(2, 0, 3, 1, 4)
            keys.append(key.transpose(-1, -2).flatten(0, 1))
            values.append(value.flatten(0, 1))
            # Padding is behind all tokens, so none of them attends to it.
            read = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            return read.transpose(1, 2).reshape(num_texts, longest, trunk.width)[is_real]

        positions = torch.arange(longest, device=is_real.device).expand(is_real.shape)[is_real]
        states = trunk.run(self._tokens, positions, attend)
        return states, torch.stack(keys), torch.stack(values)


def log_normalisers(logits: torch.Tensor) -> torch.Tensor:
    """``logits.logsumexp(dim=-1)``: [rows, vocabulary] to [rows]."""
    return (logits[:, 0] - logits.log_softmax(dim=-1)[:, 0]) if logits.shape[0] else logits.sum(dim=-1)


class Rows:
    """Rows that go on from a strand's texts, one token each at every step.

    Attributes:
        numbers: The caller's number of the row at each place, [rows]. Places change when rows leave.
    """

    def __init__(self, strand: Strand, texts: torch.Tensor, numbers: torch.Tensor) -> None:
        """Start with nothing said.

        Args:
            strand: Where the rows come from.
            texts: The text of each row, [rows].
            numbers: The caller's number of each row, [rows].
        """
        self._strand = strand
        self._texts = texts
        self.numbers = numbers
        self._num_said = 0
        shape = strand.keys.shape[0], 2, _BLOCK_TOKENS, len(texts), strand.trunk.width
        self._said = strand.keys.new_empty(shape)
        self._arrange()

    def __len__(self) -> int:
        return len(self._texts)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Final hidden states after each row's next token, by places: [rows, width] from [rows].

        Raises:
            ValueError: A row is longer than the member reads.
        """
        positions = self._strand.lengths[self._texts] + self._num_said
        if int(positions.max()) >= self._strand.trunk.num_positions:
            raise ValueError(
                f"A row would read {int(positions.max()) + 1} tokens, drafts included; the member has "
                f"{self._strand.trunk.num_positions} positions. Shorten the prompt or the answer."
            )
        self._num_said += 1
        if self._num_said > self._said.shape[2]:
            self._said = torch.cat([self._said, torch.empty_like(self._said[:, :, :_BLOCK_TOKENS])], dim=2)
        return self._strand.trunk.run(tokens, positions, self._attend)

    def keep(self, is_kept: torch.Tensor) -> torch.Tensor:
        """Let the other rows leave; the last ones move into the places that become free.

        Args:
            is_kept: By places, bool [rows].

        Returns:
            The earlier place of each row that stays, by its new place.
        """
        count = int(is_kept.sum())
        free = (~is_kept[:count]).nonzero()[:, 0]
        movers = count + is_kept[count:].nonzero()[:, 0]
        if len(free):
            self._said[:, :, : self._num_said, free] = self._said[:, :, : self._num_said, movers]
        places = torch.arange(count, device=movers.device)
        places[free] = movers
        self._texts, self.numbers = self._texts[places], self.numbers[places]
        self._arrange()
        return places

    def _arrange(self) -> None:
        """Give every row a rank among those of its text: attention to texts runs on [texts, most rows of one]."""
        order = torch.argsort(self._texts, stable=True)
        counts = torch.bincount(self._texts, minlength=len(self._strand.lengths))
        self._most = int(counts.max())
        self._ranks = torch.empty_like(order)
        starts = counts.cumsum(0) - counts
        self._ranks[order] = torch.arange(len(order), device=order.device) - starts[self._texts[order]]

    def _attend(self, block: int, mixed: torch.Tensor) -> torch.Tensor:
        """Softmax attention in two parts, to the text and to what the row said, joined by their largest scores."""
        strand, num_rows = self._strand, len(self)
        num_heads, num_texts = strand.trunk.num_heads, len(strand.lengths)
        head_width = strand.trunk.width // num_heads
        queries, key, value = mixed.view(num_rows, 3, -1).unbind(1)
        said = self._said[block, :, : self._num_said, :num_rows]
        said[0, -1], said[1, -1] = key, value
        queries = queries * head_width**-0.5
        # To the text: [texts * heads, rows of a text, head width] by [texts * heads, head width, longest].
        cells = queries.new_zeros(num_texts, num_heads, self._most, head_width)
        cells[self._texts, :, self._ranks] = queries.view(num_rows, num_heads, head_width)
        scores = torch.baddbmm(strand.bias, cells.flatten(0, 1), strand.keys[block])
        tops = scores.amax(dim=-1, keepdim=True)
        scores.sub_(tops).exp_()
        sums = scores.sum(dim=-1, keepdim=True)
        read = torch.cat([torch.bmm(scores, strand.values[block]), tops, sums], dim=-1)
        read = read.view(num_texts, num_heads, self._most, head_width + 2)[self._texts, :, self._ranks]
        read, top, total = read[..., :head_width], read[..., -2], read[..., -1]
        # To its own tokens, which are few: products by element are faster here than many small matrices.
        own = (said[0] * queries).view(-1, num_rows, num_heads, head_width).sum(dim=-1)
        peak = torch.maximum(top, own.amax(dim=0))
        own, share = (own - peak).exp_(), (top - peak).exp_()
        own_read = (said[1].view(-1, num_rows, num_heads, head_width) * own[..., None]).sum(dim=0)
        total = total * share + own.sum(dim=0)
        attended: torch.Tensor = (read * share[..., None] + own_read) / total[..., None]
        return attended.view(num_rows, -1)
