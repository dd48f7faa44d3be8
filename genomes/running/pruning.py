"""Parts of a program: what one of its values needs, and what is left without some members.

This file travels inside exported artifacts: it imports nothing but the standard library and its siblings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from genomes.graph.program import (
    Choosing,
    CombinerValue,
    MemberValue,
    Program,
    Stream,
    Value,
    history_needs,
    mean_of,
)
from genomes.methods.combiners import ANSWER_COMBINERS, COMBINERS


class NoMemberLeftError(RuntimeError):
    """Every member that could answer has failed."""


def rooted(program: Program, root: int) -> Program:
    """The program whose response is one of the values of another; it decodes alike."""
    pruned = _Pruning(program, frozenset())
    if pruned.value(root) is None:
        raise NoMemberLeftError(f"The value {root!r} is made of no member.")
    return pruned.program(None)


def without(program: Program, failed: Mapping[str, str]) -> Program:
    """The program with some members left out and the weights of the others renormalised.

    A combiner with one input left is that input, and readers of a lost draft read without it, as where a mutation takes
    the member out of the genome.

    Args:
        program: Any program.
        failed: The members to leave out, each with the reason.

    Raises:
        NoMemberLeftError: Nothing is left to answer with; the message names the members and the reasons.
    """
    pruned = _Pruning(program, frozenset(failed))
    choosing = program.choosing
    if choosing is None:
        kept = [pruned.value(len(program.values) - 1)]
    else:
        kept = [pruned.value(source) for source in choosing.inputs]
    slots = [slot for slot, index in enumerate(kept) if index is not None]
    if not slots:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in sorted(failed.items()))
        raise NoMemberLeftError(f"No member is left to answer. {reasons}.")
    if choosing is None or len(slots) == 1:
        return pruned.program(None)
    inputs = tuple(index for index in kept if index is not None)
    parameters = ANSWER_COMBINERS[choosing.method].rearranged(dict(choosing.parameters), slots)
    pruned.add(mean_of(inputs))
    return pruned.program(Choosing(choosing.method, inputs, tuple(sorted(parameters.items()))))


class _Pruning:
    """Copies values and streams into a new program, inputs first."""

    def __init__(self, program: Program, failed: Collection[str]) -> None:
        self._old = program
        self._failed = failed
        self._streams: dict[Stream, int] = {}
        self._values: dict[Value, int] = {}

    def add(self, value: Value) -> int:
        return self._values.setdefault(value, len(self._values))

    def value(self, index: int) -> int | None:
        """The new index of a value; None where no member of it is left."""
        value = self._old.values[index]
        if isinstance(value, MemberValue):
            stream = self._stream(value.stream)
            return None if stream is None else self.add(replace(value, stream=stream))
        kept = [(slot, new) for slot, old in enumerate(value.inputs) if (new := self.value(old)) is not None]
        if len(kept) < 2:
            return kept[0][1] if kept else None
        slots = [slot for slot, _ in kept]
        total = sum(value.weights[slot] for slot in slots)
        parameters = dict(value.parameters)
        if len(slots) < len(value.inputs):
            parameters = COMBINERS[value.method].rearranged(parameters, slots)
        return self.add(
            CombinerValue(
                value.method,
                tuple(new for _, new in kept),
                tuple(value.weights[slot] / total for slot in slots),
                tuple(sorted(parameters.items())),
            )
        )

    def _stream(self, index: int) -> int | None:
        stream = self._old.streams[index]
        if stream.member in self._failed:
            return None
        drafts = tuple(
            replace(draft, source=source)
            for draft in stream.drafts
            if (source := self._stream(draft.source)) is not None
        )
        return self._streams.setdefault(replace(stream, drafts=drafts), len(self._streams))

    def program(self, choosing: Choosing | None) -> Program:
        values = tuple(self._values)
        return Program(tuple(self._streams), values, history_needs(values), self._old.response, choosing)
