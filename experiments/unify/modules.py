"""The modules of a composition whose roles have markers: what one plain model is to answer as under each marker.

A module is asked alone: it reads its marker, its drafts and the prompt, and what it believes is the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.graph.parts import merged_members, part_of
from genomes.running.member_loader import MemberLoader
from genomes.running.text_format import marker_tokens


@dataclass(frozen=True)
class MarkedModule:
    """One module of a composition, with a marker that is not empty.

    Attributes:
        role: Name of its role.
        marker: The role's marker.
        gives: What stands there in the composition, in words.
        genome: The module alone, with all whose drafts it reads.
    """

    role: str
    marker: str
    gives: str
    genome: Genome


def marked_modules(genome: Genome, catalogue: MemberLoader) -> list[MarkedModule]:
    """The modules of a genome that read a marker, in the order of the canonical genome; none where no role has one.

    Args:
        genome: A valid genome.
        catalogue: Knows the markers of its roles.
    """
    genome = canonical_genome(genome)
    return [
        MarkedModule(node.role, marker, _described(genome, node_id), part_of(genome, node_id))
        for node_id, node in genome.model_nodes().items()
        if node.role is not None and (marker := catalogue.marker(node.role))
    ]


def marker_table(
    modules: Sequence[MarkedModule], tokenizer: PreTrainedTokenizerBase
) -> dict[str, dict[str, str | list[int]]]:
    """The markers by role, as a model's ``config.json`` lists them.

    The token ids are part of it because a marker is tokenized by itself: its last space would else become part of the
    prompt's first word.

    Args:
        modules: Modules of one composition.
        tokenizer: The tokenizer that they read with.
    """
    gives: dict[tuple[str, str], list[str]] = {}
    for module in modules:
        gives.setdefault((module.role, module.marker), []).append(module.gives)
    return {
        role: {
            "marker": marker,
            "token_ids": marker_tokens(marker, tokenizer),
            "gives": found[0] if len(found) == 1 else f"the mean of {'; '.join(found)}",
        }
        for (role, marker), found in sorted(gives.items())
    }


def played_roles(genome: Genome) -> Mapping[str, str | None]:
    """The role that each member plays, by the member's name; the last one where it plays several."""
    return {node.member: node.role for node in genome.model_nodes().values() if isinstance(node, MemberNode)}


def _described(genome: Genome, node_id: str) -> str:
    writers = [edge.source for edge in genome.inputs(node_id) if edge.kind == "text"]
    drafts = [_name(genome, writer) for writer in writers if isinstance(genome.nodes[writer], MemberNode | MergeNode)]
    return _name(genome, node_id) + (f" after drafts of {', '.join(drafts)}" if drafts else "")


def _name(genome: Genome, node_id: str) -> str:
    node = genome.nodes[node_id]
    if isinstance(node, MemberNode):
        return node.member
    assert isinstance(node, MergeNode)
    return f"{node.method} merge of {', '.join(merged_members(genome, node_id))}"
