"""An evolved agent as a directory: weights as safetensors, graph as JSON, a card. ``evolve agent watch`` plays it."""

from __future__ import annotations

from pathlib import Path

from evolve.history import read_state
from evolve.log_reading import RunLogReader
from experiments.config.agents import AgentExperimentConfig
from experiments.config.loading import document_as
from experiments.files import replaced_directory, require_free
from experiments.problems.agents.evaluator import TEST_PANEL, trained_agent
from experiments.problems.agents.preparation import prepare_agents
from experiments.problems.agents.results import AgentResults
from fitness.statistics import interval_text
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.kinds import KINDS
from genomes.agent.graph.serialization import agent_from_json
from genomes.agent.running.artifact import GRAPH_FILE, WEIGHTS_FILE, save_agent

CARD_FILE = "README.md"


def export_agent(directory: Path, to: Path, *, overwrite: bool = False) -> Path:
    """Write the winner of a run on agents.

    A run keeps no weights, because an evaluation is a function of its request: the winner learns once more, just as in
    its first test training, and so has the weights that the table speaks of. Of a run without a table it is the
    incumbent, and the card says so.

    Args:
        directory: The run directory.
        to: Directory to write.
        overwrite: Replace what is there.

    Raises:
        RunMissingError: There is no run in the directory.
        FileExistsError: ``to`` is not empty.
        ValueError: The run has no result yet.
    """
    require_free(to, overwrite=overwrite)
    with RunLogReader(directory) as log:
        config = document_as(AgentExperimentConfig, log.meta["config"], place=str(directory))
    results, incumbent = AgentResults.read(directory), read_state(directory).incumbent
    if results is not None and results.winner.genome is not None:
        genome = agent_from_json(results.winner.genome)
    elif incumbent is not None:
        genome = agent_from_json(incumbent.genome_json)
    else:
        raise ValueError(
            f"The run in {directory} has no result yet, so there is nothing to export. "
            f"Go on with it first: evolve resume {directory}"
        )
    agent = trained_agent(genome, prepare_agents(config).factory, panel=TEST_PANEL, replicate=0)
    with replaced_directory(to) as scratch:
        save_agent(agent, scratch, task=config.task.model_dump(mode="json"))
        (scratch / CARD_FILE).write_text(agent_card(genome, config, results), encoding="utf-8")
    print(f"Wrote {to}: {WEIGHTS_FILE}, {GRAPH_FILE}, {CARD_FILE}")
    return to


def agent_card(genome: AgentGenome, config: AgentExperimentConfig, results: AgentResults | None) -> str:
    """The text of the card: what the agent is, what it learnt in, how it scored."""
    task, learning = config.task, config.learning
    modules = [
        f"| {name} | {module.kind} | {', '.join(one.source for one in genome.inputs(name)) or '–'} "
        f"| {', '.join(f'{gene} {value}' for gene, value in module.genes.items()) or '–'} "
        f"| {KINDS[module.kind].summary} |"
        for name, module in genome.modules.items()
    ]
    genes = ", ".join(f"{name} {value}" for name, value in genome.learning.items())
    lines = [
        f"# Agent of the run {config.name}",
        "",
        f"Evolved over graphs and learning genes, then trained by PPO for {learning.num_steps} ticks in EnergyFlow "
        f"(layout `{task.layout}`, view `{task.view}`, reward `{task.reward}`). Run seed {config.seed}.",
        "",
        "| module | kind | takes | genes | computes |",
        "|---|---|---|---|---|",
        *modules,
        "",
        f"Learning genes: {genes}.",
        "",
        "## Scores",
        "",
        *_scores(results),
        "",
        "## Use",
        "",
        "    evolve agent watch THIS_DIRECTORY --to episode.gif",
        "",
        "    from genomes.agent.running.artifact import load_agent",
        "    agent, task = load_agent(Path('THIS_DIRECTORY'))",
        "",
    ]
    return "\n".join(lines)


def _scores(results: AgentResults | None) -> list[str]:
    if results is None:
        return ["The run has no final comparison: this is its incumbent, scored on the search's episodes only."]
    rows = [
        f"| {row.label} | {interval_text(row.returns, '.1f')} "
        f"| {', '.join(f'{value:.1f}' for value in row.by_training)} |"
        for row in results.rows
    ]
    return [
        "Return per test episode (at most 500), 95 % bootstrap intervals over episodes. They do not cover the luck of "
        "learning, which the single trainings show.",
        "",
        "| | return | each training |",
        "|---|---|---|",
        *rows,
    ]
