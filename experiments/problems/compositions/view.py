"""How compositions and their final comparison are shown to people. What cannot be read is shown as JSON."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from typing import Any

import pandas as pd

from experiments.problems.compositions.judging import JudgedRow, judged_how
from experiments.problems.compositions.results import Results
from experiments.problems.compositions.table import mattered, verdict
from experiments.problems.views import Blocks, Headline, PlainView
from fitness.objectives import REPORTED
from fitness.statistics import count_text, interval_columns, interval_text, p_value_text
from genomes.graph.drawing import draw_genome
from genomes.graph.errors import GenomeFormatError
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, PromptNode, ResponseNode
from genomes.graph.serialization import genome_from_json

_CACHED = 4096


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


def composition_headline(results: Results) -> Headline:
    """The table at the top of a report."""
    further = [objective for objective in results.objectives if objective.name not in REPORTED]
    judged = results.judgement.by_label if results.judgement else {}
    cells = [
        (
            row.label,
            interval_text(row.coherence),
            *(interval_text(row.objectives[objective.name]) for objective in further),
            interval_text(row.winner_gain, "+.3f"),
            p_value_text(row.winner_gain_p),
            *_judge_cells(judged.get(row.label)),
            interval_text(row.nll, ".2f"),
            f"{row.active_parameters / 1e6:.2f}",
            count_text(row.answers),
        )
        for row in results.rows
    ]
    numbers = pd.DataFrame(
        [
            {
                "label": row.label,
                **interval_columns("coherence", row.coherence),
                **interval_columns("mean_coherence", row.mean_coherence),
                **{
                    key: value
                    for one in further
                    for key, value in interval_columns(one.name, row.objectives[one.name]).items()
                },
                **interval_columns("winner_gain", row.winner_gain),
                "winner_gain_p_holm": row.winner_gain_p,
                **_judge_numbers(judged.get(row.label)),
                **interval_columns("nll_nats", row.nll),
                "active_parameters": row.active_parameters,
                "answers": row.answers,
                "genome": row.genome,
            }
            for row in results.rows
        ]
    )
    return Headline(
        title=(
            f"Test split, which nothing else read: {results.extent}, 95 % paired bootstrap intervals over documents"
        ),
        columns=(
            "",
            "coherence ↑",
            *(objective.heading for objective in further),
            "winner's gain, paired",
            "p (Holm)",
            *(("judge in nats ↑", "winner's gain by judge", "p (Holm)") if judged else ()),
            "NLL in nats ↓",
            "M parameters",
            "answers",
        ),
        rows=cells,
        sentences=[
            *verdict(results).splitlines(),
            *mattered(results),
            f"Human replies to the same prompts score {results.human_coherence:.3f}.",
            *([judged_how(results.judgement)] if results.judgement else []),
        ],
        table=numbers,
        winner_genome=results.winner.genome,
        importances=results.importances,
    )


def _judge_cells(row: JudgedRow | None) -> tuple[str, ...]:
    if row is None:
        return ()
    return interval_text(row.value, ".2f"), interval_text(row.winner_gain, "+.2f"), p_value_text(row.winner_gain_p)


def _judge_numbers(row: JudgedRow | None) -> dict[str, float | None]:
    if row is None:
        return {}
    return {
        **interval_columns("judge_nats", row.value),
        **interval_columns("judge_winner_gain", row.winner_gain),
        "judge_winner_gain_p_holm": row.winner_gain_p,
    }


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
