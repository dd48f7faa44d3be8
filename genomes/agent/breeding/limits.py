"""What agents of a search may be: kinds of modules, and how many. Breeding them is space.py's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genomes.agent.graph.forms import MAX_ANCESTORS
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import ACTION, KINDS
from genomes.graph.errors import Violation
from genomes.sentences import allowed_names

MODULE_KINDS = tuple(name for name, kind in KINDS.items() if not kind.is_sense)
"""Every kind but the senses."""


@dataclass(frozen=True)
class AgentLimits:
    """What agents of a search may be.

    Attributes:
        kinds: Kinds of modules that may be used; perception and action are needed.
        max_modules: Most modules besides the senses.
        inherited_trainings: How many trainings of its ancestors an agent's weights go through before its own
            (Lamarckian inheritance, by module id and shape); 0 lets every agent learn from scratch.

    Raises:
        ValueError: A setting is impossible; the message names it, its value and what is allowed.
    """

    kinds: tuple[str, ...] = MODULE_KINDS
    max_modules: int = 12
    inherited_trainings: int = 0

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in MODULE_KINDS:
                raise ValueError(f"kinds names {kind!r}; {allowed_names(kind, MODULE_KINDS)}")
        for kind in ("perception", ACTION):
            if kind not in self.kinds:
                raise ValueError(f"kinds is {self.kinds!r}; it needs {kind!r}. Add it.")
        if self.max_modules < 2:
            raise ValueError(f"max_modules is {self.max_modules!r}; allowed are whole numbers from 2.")
        if not 0 <= self.inherited_trainings <= MAX_ANCESTORS:
            raise ValueError(
                f"inherited_trainings is {self.inherited_trainings!r}; "
                f"allowed are whole numbers from 0 to {MAX_ANCESTORS}."
            )

    def violations(self, genome: AgentGenome) -> list[Violation]:
        """Every broken limit; ``check_agent`` has the rules of the graph as well."""
        return [Violation(name, message) for name, message in self._broken(genome)]

    def _broken(self, genome: AgentGenome) -> Iterator[tuple[str, str]]:
        if genome.num_ancestors > self.inherited_trainings:
            yield (
                "inherited-trainings",
                f"The agent has {genome.num_ancestors} ancestors in line; "
                f"this space allows {self.inherited_trainings}.",
            )
        num_modules = sum(not module.description.is_sense for module in genome.modules.values())
        if num_modules > self.max_modules:
            yield (
                "max-modules",
                f"The agent has {num_modules} modules; allowed are {self.max_modules} besides the senses.",
            )
        for module_id, module in genome.modules.items():
            if module.kind not in self.kinds and not module.description.is_sense:
                yield "kinds", f"Module {module_id} is a {module.kind!r}; {allowed_names(module.kind, self.kinds)}"
