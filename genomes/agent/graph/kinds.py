"""What modules an agent is made of: their ports with types, and their genes with ranges. One table, read by all.

The senses ``grid`` and ``body`` open the graph, the one ``action`` ends it. Recurrence lives inside modules only, so
that the graph between them is acyclic within a tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from genomes.methods.ranges import Choice, Range, Real

PortType = Literal["grid", "body", "vec", "scalar", "logits"]
"""What flows: the grid's planes, the body's four numbers, ``width`` numbers, two numbers, one number per action."""

SENSES = ("grid", "body")
ACTION = "action"

_MANY = 6


@dataclass(frozen=True, slots=True)
class Port:
    """Where connections enter a module.

    Attributes:
        accepts: Types that may enter.
        low: Fewest connections.
        high: Most connections.
    """

    accepts: tuple[PortType, ...]
    low: int = 1
    high: int = 1


@dataclass(frozen=True, slots=True)
class ModuleKind:
    """A kind of module.

    Attributes:
        name: What a genome's ``kind`` says.
        summary: What it computes, in one line; docs and model cards quote it.
        output: The type that leaves it.
        ports: Where connections enter, by name.
        genes: Range of every gene, by name.
    """

    name: str
    summary: str
    output: PortType
    ports: Mapping[str, Port] = field(default_factory=dict)
    genes: Mapping[str, Range] = field(default_factory=dict)

    @property
    def is_sense(self) -> bool:
        """Whether it opens the graph."""
        return not self.ports

    def port_for(self, output: PortType) -> str | None:
        """The first port that accepts a type; None where no port does."""
        return next((name for name, port in self.ports.items() if output in port.accepts), None)


_SIGNALS: Mapping[str, Port] = {"inputs": Port(("vec", "scalar"), 1, _MANY)}
_LAYERS: Mapping[str, Range] = {"layers": Choice((1, 2))}

KINDS: Mapping[str, ModuleKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ModuleKind("grid", "what is seen", "grid"),
            ModuleKind("body", "energy, last intake, row and column", "body"),
            ModuleKind(
                "perception",
                "CNN, LSTM, attention over its last outputs",
                "vec",
                {"grid": Port(("grid",)), "body": Port(("body",), 0)},
                {
                    "channels": Choice((16, 8, 32)),
                    "features": Choice((32, 16, 64)),
                    "heads": Choice((4, 1, 2)),
                    "window": Choice((8, 4, 16)),
                },
            ),
            ModuleKind("planning", "LSTM with a skip", "vec", _SIGNALS, _LAYERS),
            ModuleKind(
                "memory",
                "attention over a store of past inputs, biased to recent ones",
                "vec",
                _SIGNALS,
                {"heads": Choice((4, 1, 2)), "window": Choice((64, 16, 32, 128))},
            ),
            ModuleKind("conception", "feed-forward join of what comes in", "vec", _SIGNALS, _LAYERS),
            ModuleKind(
                "intrinsic",
                "reference of the body's energy, with the error (or, raw, the energy itself)",
                "scalar",
                {"body": Port(("body",))},
                {"reference": Real(0.2, 1.0, 1.0), "signal": Choice(("error", "raw"))},
            ),
            ModuleKind(
                "comparator",
                "reference minus perception, with gain, through a leaky integrator",
                "vec",
                {"reference": Port(("vec",)), "perception": Port(("vec",))},
            ),
            ModuleKind("action", "LSTM, linear, categorical", "logits", _SIGNALS, _LAYERS),
        )
    }
)
"""Every kind by name; senses first, then in the order in which a signal passes."""

LEARNING_GENES: Mapping[str, Range] = MappingProxyType(
    {
        "width": Choice((64, 32, 96)),
        "learning_rate": Real(1e-4, 2e-3, 7e-4, is_log=True),
        "entropy": Real(1e-3, 5e-2, 1e-2, is_log=True),
        "discount": Real(0.95, 0.998, 0.99),
    }
)
"""Genes of the whole agent: width of vectors, step size, weight of the entropy bonus, discount per tick."""
