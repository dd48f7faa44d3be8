"""From next-token distributions to answers: the one loop that writes tokens, and the draw of each token.

Temperature, top-k and top-p are those of transformers. Draws are inverse CDF with a uniform number that belongs to
(answer, step), so that genomes are compared under common random numbers and an answer does not depend on its neighbours
in the batch. Where distributions come from is a runtime's business; exported models decode with transformers' own
``generate``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genomes.running.rows import left_padded
from genomes.running.runtime import Runtime
from genomes.running.text_format import MIN_NEW_TOKENS

# Rows leave the batch when at least this share of it has ended; less often would waste work, more often copy caches.
_ENDED_SHARE = 0.25

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class DecodingSettings:
    """How answers are drawn.

    Attributes:
        temperature: Divides the log-probabilities; 0 takes the likeliest token.
        top_k: Keeps the k likeliest tokens; 0 keeps all.
        top_p: Keeps the fewest likeliest tokens that hold this probability together.
        max_tokens: Longest answer; 0 reads the prompts only.
    """

    temperature: float
    top_k: int
    top_p: float
    max_tokens: int

    @classmethod
    def evolved(cls, response: Mapping[str, Any]) -> DecodingSettings:
        """The settings of a program's response."""
        return cls(
            float(response["temperature"]),
            int(response["top_k"]),
            float(response["top_p"]),
            int(response["max_new_tokens"]),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What one pass over the batch gave.

    Attributes:
        places: By answer that was open, its row in the batch.
        log_probabilities: Of the next token, before temperature and filters: float32 [rows, positions, vocabulary].
    """

    places: Mapping[int, int]
    log_probabilities: torch.Tensor


class Decoding:
    """Answers that are written together, one token of every open answer at a time.

    Attributes:
        prompts: Token ids that each answer follows.
        seeds: Of every answer; equal prompts and seeds give equal answers.
        settings: How tokens are drawn.
        closing: Token ids that end an answer.
        answers: The tokens of every answer so far, with the closing one.
        is_open: Which answers go on; whoever reads the tokens may close some.
        dropped: Members that were left out, each with the reason.
    """

    def __init__(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: Sequence[int],
        settings: DecodingSettings,
        closing: Collection[int],
        *,
        device: torch.device = _CPU,
    ) -> None:
        """Start with nothing answered."""
        self.prompts, self.seeds, self.settings, self.closing = prompts, seeds, settings, frozenset(closing)
        self.answers: list[list[int]] = [[] for _ in prompts]
        self.is_open = [settings.max_tokens > 0] * len(prompts)
        self.dropped: Mapping[str, str] = {}
        self._device = device
        self._uniforms = uniform_numbers(seeds, settings.max_tokens)
        self._closing = torch.tensor(sorted(self.closing), dtype=torch.long, device=device)

    @torch.inference_mode()
    def run(self, runtime: Runtime, *, reads_prompt: bool = False) -> Iterator[Step]:
        """Write all answers to their ends, and give every step as soon as its tokens are in ``answers``.

        Args:
            runtime: Gives the distributions.
            reads_prompt: Give a step before the first token, with the distributions at every place of the prompts.

        Raises:
            FloatingPointError: A distribution is not finite.
            NoMemberLeftError: Every member of a runtime that leaves out members has failed.
        """
        rows = list(range(len(self.prompts)))
        tokens, is_real = left_padded(self.prompts, device=self._device)
        mask = is_real.long()
        cache = runtime.new_cache()
        self.dropped = cache.dropped
        num_kept = None if reads_prompt else 1
        joint = runtime.forward(tokens, mask, cache=cache, prompt_lengths=mask.sum(dim=-1), num_kept=num_kept)
        if reads_prompt:
            yield Step({row: row for row in rows}, joint)
        while any(self.is_open):
            joint = joint[:, -1:]
            open_places = {row: place for place, row in enumerate(rows) if self.is_open[row]}
            tokens = self.draw(joint[:, -1], rows)
            yield Step(open_places, joint)
            places = [place for place, row in enumerate(rows) if self.is_open[row]]
            if not places:
                return
            if len(places) <= (1.0 - _ENDED_SHARE) * len(rows):
                kept = torch.tensor(places, device=self._device)
                cache.batch_select_indices(kept)
                tokens, mask, rows = tokens[kept], mask[kept], [rows[place] for place in places]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            joint = runtime.forward(tokens[:, None], mask, cache=cache, num_kept=1)

    def draw(self, log_probabilities: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """The next token of some answers, at least one of them open, which is added to those that are: int64 [rows].

        Args:
            log_probabilities: Of the next token: float32 [rows, vocabulary].
            rows: Which answers they belong to.

        Raises:
            FloatingPointError: A distribution is not finite.
        """
        settings = self.settings
        step = max(len(self.answers[row]) for row in rows)  # That of every open one.
        if step < MIN_NEW_TOKENS:
            log_probabilities = log_probabilities.index_fill(-1, self._closing, -torch.inf)
        if settings.temperature > 0:
            tokens = drawn_tokens(
                log_probabilities,
                self._uniforms[list(rows), step],
                temperature=settings.temperature,
                top_k=settings.top_k,
                top_p=settings.top_p,
            )
        else:
            _check_finite(log_probabilities.amax(dim=-1))
            tokens = log_probabilities.argmax(dim=-1)
        for row, token in zip(rows, tokens.tolist(), strict=True):
            if self.is_open[row]:
                self.answers[row].append(token)
                self.is_open[row] = token not in self.closing and step + 1 < settings.max_tokens
        return tokens


def uniform_numbers(seeds: Sequence[int], num_steps: int) -> torch.Tensor:
    """Numbers in [0, 1) for every answer and step: float64 [answers, steps]; a row depends on its seed alone."""
    draws = [np.random.Generator(np.random.Philox(seed)).random(num_steps) for seed in seeds]
    return torch.from_numpy(np.stack(draws)) if draws else torch.zeros(0, num_steps, dtype=torch.float64)


def candidate_seed(seed: int, sample: int) -> int:
    """The seed of the sample-th of several answers to one prompt; the first one's is the prompt's own."""
    return seed if sample == 0 else int(np.random.SeedSequence([seed, sample]).generate_state(1, np.uint64)[0])


def drawn_tokens(
    log_probabilities: torch.Tensor, uniforms: torch.Tensor, *, temperature: float, top_k: int, top_p: float
) -> torch.Tensor:
    """One token per row: the first whose cumulated probability, in the order of ids, exceeds the uniform number.

    The order of ids makes near ties harmless: a rounding error moves a boundary instead of exchanging two tokens.

    Args:
        log_probabilities: Float32 [rows, vocabulary].
        uniforms: Float64 [rows], in [0, 1).
        temperature: Divides the log-probabilities; above 0.
        top_k: Keeps the k most likely tokens; 0 keeps all.
        top_p: Keeps the fewest likeliest tokens that hold this probability together; 1 keeps all.

    Returns:
        Token ids, int64 [rows].

    Raises:
        FloatingPointError: A row holds no finite distribution.
    """
    scores = log_probabilities / temperature
    ids = None
    if 0 < top_k < scores.shape[-1]:
        scores, ids = scores.topk(top_k, dim=-1)
    if top_p < 1.0:
        ascending = _ascending(scores)
        # transformers removes, from the least likely up, what cumulates to at most 1 - top_p.
        is_removed = ascending.softmax(dim=-1).cumsum(dim=-1) <= 1.0 - top_p
        is_removed[:, -1] = False
        least_kept = ascending.gather(-1, is_removed.sum(dim=-1, keepdim=True))
        scores = scores.masked_fill(scores < least_kept, -torch.inf)  # A NaN is not less, and is told below.
    if ids is not None:
        ids, order = ids.sort(dim=-1)
        scores = scores.gather(-1, order)
    cumulated = scores.double().softmax(dim=-1).cumsum(dim=-1)
    _check_finite(cumulated[:, -1])
    # Rounding, of a total just below 1 or of a product just below the total, must not let a draw fall past the last
    # token that is kept: the first place at which the total is reached.
    totals = cumulated[:, -1:].contiguous()
    thresholds = uniforms.to(cumulated.device)[:, None] * totals
    places = torch.minimum(torch.searchsorted(cumulated, thresholds, right=True), torch.searchsorted(cumulated, totals))
    return (places if ids is None else ids.gather(-1, places))[:, 0]


def _check_finite(numbers: torch.Tensor) -> None:
    if not bool(torch.isfinite(numbers).all()):
        raise FloatingPointError(
            "A next-token distribution is not finite; check the members' weights and temperatures."
        )


def _ascending(scores: torch.Tensor) -> torch.Tensor:
    """Every row sorted, values alone: numpy does that several times faster than torch, which also orders the places."""
    if scores.device.type == "cpu" and scores.dtype == torch.float32:
        return torch.from_numpy(np.sort(scores.numpy(), axis=-1))
    return scores.sort(dim=-1).values
