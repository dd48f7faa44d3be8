"""How a problem's genomes are shown to people: building blocks, one line, a list of genes, and a picture.

The one place of the report that knows problems. A genome that this version cannot read is shown as the JSON that it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol

from experiments.config.loading import AGENT_KIND
from genomes.agent.graph.drawing import draw_agent
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.serialization import agent_from_json
from genomes.graph.drawing import draw_genome
from genomes.graph.errors import GenomeFormatError
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.graph.serialization import genome_from_json

Blocks = Mapping[str, Mapping[str, int]]
"""How often a genome has each building block, by group (``"members"``) and name."""

_CACHED = 4096
_LONGEST_PLAIN = 120


class GenomeView(Protocol):
    """Shows genomes, given as canonical JSON; equal texts give equal answers."""

    def blocks(self, text: str) -> Blocks:
        """What it is built of."""
        ...

    def summary(self, text: str) -> str:
        """The genome in one line."""
        ...

    def genes(self, text: str) -> list[tuple[str, str]]:
        """Every part with its genes, as pairs to put in a table."""
        ...

    def picture(self, text: str, *, title: str) -> str | None:
        """A drawing as a self-contained SVG document, None where there is none."""
        ...


def view_of(config: Mapping[str, Any]) -> GenomeView:
    """The view for the run of an experiment, given as the document that its log holds."""
    if config.get("kind") == AGENT_KIND:
        return AgentView()
    return CompositionView() if "members" in config else PlainView()


class PlainView:
    """Genomes of a problem that nothing is known of."""

    def blocks(self, text: str) -> Blocks:
        """Nothing."""
        return {}

    def summary(self, text: str) -> str:
        """The beginning of the JSON."""
        return text if len(text) <= _LONGEST_PLAIN else text[: _LONGEST_PLAIN - 1] + "…"

    def genes(self, text: str) -> list[tuple[str, str]]:
        """Nothing."""
        return []

    def picture(self, text: str, *, title: str) -> str | None:
        """None."""
        return None


class CompositionView(PlainView):
    """Compositions of GPT-2 members."""

    def blocks(self, text: str) -> Blocks:
        """Members, and methods of combiners and merges."""
        return _composition_blocks(text)

    def summary(self, text: str) -> str:
        """As an expression, e.g. ``weighted(arrays, graphs ← conversation)``; an arrow points from a draft."""
        return _composition_summary(text) or super().summary(text)

    def genes(self, text: str) -> list[tuple[str, str]]:
        """Every node but the prompt."""
        genome = _composition(text)
        if genome is None:
            return []
        rows = []
        for node_id, node in genome.nodes.items():
            match node:
                case MemberNode():
                    role = "" if node.role is None else f", role {node.role}"
                    words = f"member {node.member}{role}, temperature {node.temperature:.3g}"
                case CombinerNode() | MergeNode():
                    words = ", ".join([f"{node.kind} {node.method}", *(f"{k} {v}" for k, v in node.parameters.items())])
                case ResponseNode():
                    words = (
                        f"temperature {node.temperature:.3g}, top-k {node.top_k}, top-p {node.top_p:.3g}, "
                        f"at most {node.max_new_tokens} tokens"
                    )
                case PromptNode():
                    continue
            rows.append((node_id, words))
        return rows

    def picture(self, text: str, *, title: str) -> str | None:
        """The graph with roles, weights and kinds of edges."""
        genome = _composition(text)
        return None if genome is None else draw_genome(genome, title=title)


class AgentView(PlainView):
    """Agents of modules."""

    def blocks(self, text: str) -> Blocks:
        """Kinds of modules besides the senses."""
        agent = _agent(text)
        if agent is None:
            return {}
        return {"modules": Counter(one.kind for one in agent.modules.values() if not one.description.is_sense)}

    def summary(self, text: str) -> str:
        """Kinds of modules with their counts."""
        blocks = self.blocks(text)
        if not blocks:
            return super().summary(text)
        return ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(blocks["modules"].items()))

    def genes(self, text: str) -> list[tuple[str, str]]:
        """Every module, and the learning genes."""
        agent = _agent(text)
        if agent is None:
            return []
        rows = [
            (name, ", ".join([one.kind, *(f"{gene} {_short(value)}" for gene, value in one.genes.items())]))
            for name, one in agent.modules.items()
        ]
        return [*rows, ("learning", ", ".join(f"{name} {_short(value)}" for name, value in agent.learning.items()))]

    def picture(self, text: str, *, title: str) -> str | None:
        """The graph of modules."""
        agent = _agent(text)
        return None if agent is None else draw_agent(agent, title=title)


def _expression(genome: Genome) -> str:
    """The genome from its response backwards; a part that is used twice is written twice."""

    def written(node_id: str) -> str:
        node = genome.nodes[node_id]
        inputs = [edge for edge in genome.inputs(node_id) if not isinstance(genome.nodes[edge.source], PromptNode)]
        if isinstance(node, MemberNode):
            drafts = ", ".join(written(edge.source) for edge in inputs)
            return f"{node.member} ← {drafts}" if drafts else node.member
        parts = ", ".join(written(edge.source) for edge in inputs)
        return f"{node.method}({parts})" if isinstance(node, CombinerNode | MergeNode) else parts

    return written(next(iter(genome.of_type(ResponseNode))))


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@lru_cache(maxsize=_CACHED)
def _composition(text: str) -> Genome | None:
    try:
        return genome_from_json(text)
    except (GenomeFormatError, ValueError):
        return None


@lru_cache(maxsize=_CACHED)
def _composition_summary(text: str) -> str:
    genome = _composition(text)
    return "" if genome is None else _expression(genome)


@lru_cache(maxsize=_CACHED)
def _composition_blocks(text: str) -> Blocks:
    # Only two fields are read: following a long run must not parse whole genomes.
    nodes = [node for node in _nodes(text) if isinstance(node, dict)]
    members = Counter(str(node["member"]) for node in nodes if "member" in node)
    methods = Counter(str(node["method"]) for node in nodes if "method" in node)
    return {"members": members, "methods": methods}


def _nodes(text: str) -> list[Any]:
    try:
        nodes = json.loads(text).get("nodes", {})
    except (ValueError, AttributeError):
        return []
    return list(nodes.values()) if isinstance(nodes, dict) else []


@lru_cache(maxsize=_CACHED)
def _agent(text: str) -> AgentGenome | None:
    try:
        return agent_from_json(text)
    except (GenomeFormatError, ValueError):
        return None
