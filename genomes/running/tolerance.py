"""A runtime that goes on without members that fail: it starts again on the text so far, without them.

Search and evaluation do not use it: there a failing member is the genome's failure, and is recorded as such.
This file travels inside exported artifacts: it imports nothing but torch and its siblings.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genomes.graph.program import Program
from genomes.running.cache import CompositeCache
from genomes.running.pruning import NoMemberLeftError, without
from genomes.running.runtime import CompositeRuntime
from genomes.running.trunk import Trunk


class MemberWarning(RuntimeWarning):
    """A member was left out of an answer."""


class MemberFailure(Exception):  # noqa: N818  # never leaves this file
    """A member cannot go on."""

    def __init__(self, member: str, reason: str) -> None:
        self.member, self.reason = member, reason
        super().__init__(member, reason)


class TolerantRuntime:
    """Runs a program on trunks and leaves out those that fail, with a ``MemberWarning`` that names them.

    What is left is the genome without these members: a combiner with one input left is that input, the weights of the
    others are renormalised. A text that was begun with a member goes on without it; the next one tries it again.
    """

    def __init__(
        self,
        program: Program,
        trunks: Mapping[str, Trunk],
        *,
        closing_tokens: Sequence[int],
        failed: Mapping[str, str],
    ) -> None:
        """Bind a program to its members.

        Args:
            program: What to compute.
            trunks: The members' forward passes by name.
            closing_tokens: Token ids that end a draft.
            failed: Members that have failed for good, each with the reason; they need no trunk.

        Raises:
            NoMemberLeftError: All have.
        """
        self._program = program
        self._trunks: dict[str, Trunk] = {name: _WatchedTrunk(name, trunk) for name, trunk in trunks.items()}
        self._closing = tuple(closing_tokens)
        self._failed = {name: reason for name, reason in failed.items() if name in program.members}
        self._runtimes: dict[tuple[str, ...], CompositeRuntime] = {}
        self._runtime(self._failed)

    def new_cache(self) -> CompositeCache:
        """An empty cache."""
        cache = self._runtime(self._failed).new_cache()
        cache.dropped = dict(self._failed)
        return cache

    def forward(
        self,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        *,
        cache: CompositeCache | None = None,
        prompt_lengths: torch.Tensor | None = None,
        num_kept: int | None = None,
    ) -> torch.Tensor:
        """What ``CompositeRuntime.forward`` gives, of the members that do not fail.

        Raises:
            NoMemberLeftError: All have failed.
        """
        num_kept = tokens.shape[1] if num_kept is None else min(num_kept, tokens.shape[1])
        dropped = dict(self._failed) if cache is None else cache.dropped
        if cache is not None:
            _remember(cache, tokens, prompt_lengths)
        while True:
            runtime = self._runtime(dropped)
            try:
                return runtime.forward(tokens, mask, cache=cache, prompt_lengths=prompt_lengths, num_kept=num_kept)
            except MemberFailure as failure:
                dropped[failure.member] = failure.reason
                warnings.warn(
                    f"The member {failure.member!r} is left out, the weights of the others are renormalised: "
                    f"{failure.reason}.",
                    MemberWarning,
                    stacklevel=2,
                )
            if cache is not None:
                tokens, lengths = cache.text.state
                prompt_lengths = None if bool((lengths < 0).any()) else lengths
                self._runtime(dropped).restart(cache)

    def _runtime(self, dropped: Mapping[str, str]) -> CompositeRuntime:
        key = tuple(sorted(dropped))
        if key not in self._runtimes:
            program = without(self._program, dropped) if dropped else self._program
            self._runtimes[key] = CompositeRuntime(program, self._trunks, closing_tokens=self._closing)
        return self._runtimes[key]


class _WatchedTrunk:
    """A trunk whose errors, and numbers that are none, become a ``MemberFailure``."""

    def __init__(self, name: str, trunk: Trunk) -> None:
        self._name, self._trunk = name, trunk
        self.num_positions, self.vocabulary_size = trunk.num_positions, trunk.vocabulary_size

    def new_cache(self) -> Any:
        """See ``Trunk``."""
        return self._trunk.new_cache()

    def hidden(self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        """See ``Trunk``."""
        try:
            return self._trunk.hidden(tokens, mask, positions, cache)
        except Exception as error:
            raise self._failure(error) from error

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """See ``Trunk``."""
        try:
            logits = self._trunk.logits(hidden)
        except Exception as error:
            raise self._failure(error) from error
        # One infinite logit makes all probabilities NaN, so both count; an impossible token (-inf) does not. The
        # largest of some numbers is NaN where one of them is.
        if not bool(logits.amax() < torch.inf):
            raise MemberFailure(self._name, "its logits are not finite")
        return logits

    def log_likelihoods(self, hidden: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
        """See ``Trunk``."""
        try:
            likelihoods = self._trunk.log_likelihoods(hidden, tokens, temperature)
        except Exception as error:
            raise self._failure(error) from error
        if bool(likelihoods.isnan().any()):
            raise MemberFailure(self._name, "its likelihoods are not finite")
        return likelihoods

    def _failure(self, error: Exception) -> MemberFailure:
        return MemberFailure(self._name, f"{type(error).__name__}: {error}".rstrip(".: "))


def _remember(cache: CompositeCache, tokens: torch.Tensor, prompt_lengths: torch.Tensor | None) -> None:
    if cache.text.state:
        earlier, lengths = cache.text.state
        cache.text.store(torch.cat([earlier, tokens], dim=1), lengths)
    else:
        unknown = tokens.new_full((tokens.shape[0],), -1)
        cache.text.store(tokens, unknown if prompt_lengths is None else prompt_lengths.to(tokens.device))


__all__ = ["MemberWarning", "NoMemberLeftError", "TolerantRuntime"]
