"""The rules that roles add: a space that declares roles is one of agents made of modules.

space_rules.py lists them among the rules of a space, and asks ``keeps_roles`` about children of operators.
"""

from __future__ import annotations

from collections.abc import Iterator

from genomes.breeding.limits import CompositionLimits
from genomes.breeding.roles import Role
from genomes.graph.genome import Genome
from genomes.graph.nodes import EdgeKind, MemberNode, MergeNode, carried_kind
from genomes.graph.parts import merged_members
from genomes.sentences import allowed_names


def keeps_roles(genome: Genome, space: CompositionLimits) -> bool:
    """Whether a genome keeps all rules about roles."""
    rules = (undeclared_roles, untrained_players, misplaced_returns, unexpected_inputs)
    return not any(True for broken in rules for _ in broken(genome, space))


def undeclared_roles(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    """Messages about modules whose role is not declared, and about roles of nodes that are never run."""
    for node_id, node in genome.nodes.items():
        if not isinstance(node, MemberNode | MergeNode):
            continue
        name = f"{node.kind.title()} {node_id!r}"
        if genome.gives_weights(node_id) or not space.roles:
            why = "it only lends its weights" if space.roles else "space.roles declares none"
            if node.role is not None:
                yield f"{name} has the role {node.role!r}; {why}, allowed is None."
        elif node.role is None:
            yield (
                f"{name} has the role None; in an experiment with roles every module has one, "
                f"{allowed_names('', space.roles)}"
            )
        elif node.role not in space.roles:
            yield f"{name} has the role {node.role!r}; {allowed_names(node.role, space.roles)}"


def untrained_players(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    """Messages about members that play a role that they were not trained for."""
    for node_id, node, role in _modules(genome, space):
        names = [node.member] if isinstance(node, MemberNode) else merged_members(genome, node_id)
        for name in names:
            if name not in role.members:
                yield (
                    f"{node.kind.title()} {node_id!r} lets {name!r} play the role {node.role!r}, for which it was not "
                    f"trained; {allowed_names(name, role.members)}"
                )


def misplaced_returns(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    """Messages about modules that give what their role does not return."""
    for node_id, node, role in _modules(genome, space):
        for edge in genome.outputs(node_id):
            given: EdgeKind = carried_kind(edge.kind, genome.nodes[edge.target])
            if given not in role.returns:
                yield (
                    f"{node.kind.title()} {node_id!r} ({node.role}) gives a {given} to {edge.target!r}; its role "
                    f"returns {' and '.join(role.returns)}."
                )


def unexpected_inputs(genome: Genome, space: CompositionLimits) -> Iterator[str]:
    """Messages about modules, cores above all, that are fed by others than they expect, or by none."""
    for node_id, node, role in _modules(genome, space):
        name = f"{node.kind.title()} {node_id!r} ({node.role})"
        writers = {edge.source: genome.nodes[edge.source] for edge in genome.inputs(node_id) if edge.kind == "text"}
        drafters = {key: one for key, one in writers.items() if isinstance(one, MemberNode | MergeNode)}
        for writer_id, writer in drafters.items():
            if writer.role not in role.expects:
                allowed = allowed_names(writer.role, role.expects)
                yield f"{name} reads {writer_id!r} of the role {writer.role!r}; {allowed}"
        if role.expects and not drafters:
            yield f"{name} reads no draft; its role expects one or more of {', '.join(map(repr, role.expects))}."


def _modules(genome: Genome, space: CompositionLimits) -> Iterator[tuple[str, MemberNode | MergeNode, Role]]:
    for node_id, node in genome.model_nodes().items():
        if (role := space.role(node.role)) is not None:
            yield node_id, node, role
