"""Editing genomes: a mutable working copy, and the one way in which operators turn edits into children.

Operators list the edits that they could make; ``first_fitting`` makes one. What an edit leaves behind (combiners
with one input, nodes that feed nothing) is tidied here, so no operator does it for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genomes.breeding.limits import CompositionLimits
from genomes.breeding.repair import repaired
from genomes.breeding.space_rules import is_within_limits
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.nodes import (
    CombinerNode,
    Edge,
    EdgeKind,
    MemberNode,
    MergeNode,
    Node,
    PromptNode,
    ResponseNode,
    carried_kind,
)
from genomes.methods.combiners import NUMBERS


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a node; its slot is its place in the list. The fields are those of ``Edge``."""

    source: str
    kind: EdgeKind
    weight: float | None = None


class Blueprint:
    """A genome under construction.

    Attributes:
        nodes: The nodes by id.
        inputs: The inputs of every node, in slot order.
    """

    def __init__(self, genome: Genome | None = None) -> None:
        self.nodes: dict[str, Node] = dict(genome.nodes) if genome else {"prompt": PromptNode()}
        self.inputs: dict[str, list[Input]] = {node_id: [] for node_id in self.nodes}
        for edge in genome.edges if genome else ():
            self.inputs[edge.target].append(Input(edge.source, edge.kind, edge.weight))

    @property
    def prompt_id(self) -> str:
        """The id of the prompt."""
        return next(node_id for node_id, node in self.nodes.items() if isinstance(node, PromptNode))

    @property
    def response_id(self) -> str:
        """The id of the response."""
        return next(node_id for node_id, node in self.nodes.items() if isinstance(node, ResponseNode))

    def add(self, node: Node, inputs: Iterable[Input] = ()) -> str:
        """Add a node under a new id, which is returned. Members and merges get the prompt as their first input."""
        number = len(self.nodes)
        while (node_id := f"n{number}") in self.nodes:
            number += 1
        self.nodes[node_id] = node
        from_prompt = [Input(self.prompt_id, "text")] if isinstance(node, MemberNode | MergeNode) else []
        self.inputs[node_id] = [*from_prompt, *inputs]
        return node_id

    def lend(self, member: str, merge_id: str, weight: float) -> None:
        """Let a merge take the weights of one member more, from a new node that does nothing else."""
        lender = self.add(MemberNode(member))
        self.inputs[lender] = []
        self.inputs[merge_id].append(Input(lender, "weights", weight))

    def outputs(self, node_id: str) -> list[tuple[str, EdgeKind]]:
        """The nodes that a node feeds, each with the kind that it takes, in a fixed order (see ``carried_kind``)."""
        return sorted(
            (target, carried_kind(given.kind, self.nodes[target]))
            for target, inputs in self.inputs.items()
            for given in inputs
            if given.source == node_id
        )

    def chooses_answers(self, node_id: str) -> bool:
        """Whether a node is a combiner of whole answers."""
        node = self.nodes[node_id]
        return isinstance(node, CombinerNode) and node.chooses_answers

    def upstream(self, node_id: str) -> set[str]:
        """A node and all that it depends on. Sort before drawing from it."""
        found = {node_id}
        stack = [node_id]
        while stack:
            for given in self.inputs[stack.pop()]:
                if given.source not in found:
                    found.add(given.source)
                    stack.append(given.source)
        return found

    def redirect(self, target: str, old: str, new: str | None) -> None:
        """Let a node take another input in place of an old one, with its weight; none where ``new`` is None.

        A node that has the new input already just loses the old one.
        """
        has_new = any(given.source == new for given in self.inputs[target])
        self.inputs[target] = [
            replace(given, source=new) if given.source == old and new is not None else given
            for given in self.inputs[target]
            if given.source != old or (new is not None and not has_new)
        ]

    def remove(self, node_id: str, replacement: str | None = None) -> None:
        """Take a node out; what it fed takes the replacement instead, or loses that input."""
        for target, _ in self.outputs(node_id):
            self.redirect(target, node_id, replacement)
        del self.nodes[node_id], self.inputs[node_id]

    def graft(self, donor: Blueprint, node_id: str) -> dict[str, str]:
        """Copy a node of a donor with all that it depends on; the donor may be this blueprint itself.

        Returns:
            The new id of every copied node, by its id in the donor. The prompts of both are one.
        """
        part = sorted(donor.upstream(node_id) - {donor.prompt_id})
        copies = {old: self.add(donor.nodes[old]) for old in part}
        new_ids = {donor.prompt_id: self.prompt_id, **copies}
        for old, new in copies.items():
            self.inputs[new] = [replace(given, source=new_ids[given.source]) for given in donor.inputs[old]]
        return copies

    def tidy(self) -> bool:
        """Bypass combiners and merges with one input, drop those without; says whether anything feeds the response."""
        for node_id in [node_id for node_id, node in self.nodes.items() if isinstance(node, MergeNode)]:
            self._tidy_merge(node_id)
        while starved := [
            node_id
            for node_id, node in self.nodes.items()
            if isinstance(node, CombinerNode) and len(self.inputs[node_id]) < 2
        ]:
            inputs = self.inputs[starved[0]]
            self.remove(starved[0], inputs[0].source if inputs else None)
        return bool(self.inputs[self.response_id])

    def merged_members(self, node_id: str) -> dict[str, str]:
        """The members whose weights a merge takes: their nodes' ids by name."""
        lent = [(given.source, self.nodes[given.source]) for given in self.inputs[node_id] if given.kind == "weights"]
        return {node.member: source for source, node in lent if isinstance(node, MemberNode)}

    def _tidy_merge(self, node_id: str) -> None:
        node = self.nodes[node_id]
        assert isinstance(node, MergeNode)
        fitting = repaired(node, list(self.merged_members(node_id)))
        if fitting is None:
            self.remove(node_id)
            return
        self.nodes[node_id] = fitting
        if isinstance(fitting, MemberNode):
            self.inputs[node_id] = [given for given in self.inputs[node_id] if given.kind == "text"]

    def genome(self) -> Genome:
        """The canonical genome of a tidy blueprint; nodes that feed nothing vanish.

        Whether an edge into a combiner or the response carries a distribution or a whole answer follows from the
        combiners. Fitted numbers are dropped, because they belong to what the blueprint was before its edits.
        """
        edges = [
            Edge(given.source, target, self._kind(given, target), slot, given.weight)
            for target, inputs in self.inputs.items()
            for slot, given in enumerate(inputs)
        ]
        nodes = {
            node_id: CombinerNode(node.method, {**node.parameters, NUMBERS: ()})
            if isinstance(node, CombinerNode) and NUMBERS in node.parameters
            else node
            for node_id, node in self.nodes.items()
        }
        return canonical_genome(Genome(nodes, edges))

    def _kind(self, given: Input, target: str) -> EdgeKind:
        if isinstance(self.nodes[target], CombinerNode):
            return "text" if self.chooses_answers(target) else "distribution"
        if isinstance(self.nodes[target], ResponseNode):
            return "text" if self.chooses_answers(given.source) else "distribution"
        return given.kind


Edit = Callable[[Blueprint], None]
"""Changes a blueprint in place."""


def first_fitting(
    genome: Genome, space: CompositionLimits, edits: Sequence[Edit], *, rng: np.random.Generator
) -> Genome:
    """The child by a random one of the edits; the genome itself where none gives another genome within the limits.

    Args:
        genome: The genome that is edited; stays as it is.
        space: Gives the limits.
        edits: Each makes a valid genome, limits aside; they are tried in random order.
        rng: Draws the order, and what the edits draw.
    """
    for index in rng.permutation(len(edits)):
        blueprint = Blueprint(genome)
        edits[index](blueprint)
        if blueprint.tidy():
            child = blueprint.genome()
            if child != genome and is_within_limits(child, space):
                return child
    return genome
