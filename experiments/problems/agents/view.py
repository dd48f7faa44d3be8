"""How agents and their final comparison are shown to people. What cannot be read is shown as JSON."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import pandas as pd

from experiments.problems.agents.results import AgentResults
from experiments.problems.views import Blocks, Headline, PlainView
from fitness.statistics import interval_columns, interval_text
from genomes.agent.graph.drawing import draw_agent
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.serialization import agent_from_json
from genomes.graph.errors import GenomeFormatError

_CACHED = 4096


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


def agent_headline(results: AgentResults) -> Headline:
    """The table at the top of a report."""
    cells = [
        (
            row.label,
            interval_text(row.returns, ".1f"),
            ", ".join(f"{value:.1f}" for value in row.by_training),
            interval_text(row.winner_gain, "+.1f"),
            "" if row.parameters is None else f"{row.parameters:,}",
        )
        for row in results.rows
    ]
    numbers = pd.DataFrame(
        [
            {
                "label": row.label,
                **interval_columns("return", row.returns),
                "return_by_training": " ".join(f"{value:.6g}" for value in row.by_training),
                **interval_columns("winner_gain", row.winner_gain),
                "parameters": row.parameters,
                "genome": row.genome,
            }
            for row in results.rows
        ]
    )
    return Headline(
        title=f"Test episodes, {results.num_steps} ticks of learning each, 95 % bootstrap intervals over episodes",
        columns=("", "return ↑", "each training", "winner's gain, paired", "parameters"),
        rows=cells,
        sentences=["The intervals cover the luck of episodes, not that of learning: look at each training."],
        table=numbers,
        winner_genome=results.winner.genome,
    )


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@lru_cache(maxsize=_CACHED)
def _agent(text: str) -> AgentGenome | None:
    try:
        return agent_from_json(text)
    except (GenomeFormatError, ValueError):
        return None
