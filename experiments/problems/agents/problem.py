"""Agents in the EnergyFlow world as a kind of experiment: what protocol.py asks for.

What runs agents is imported when it is asked for, so that looking at a run loads no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from evolve.loop import Run
from evolve.workers.pool import WorkerPool
from experiments.config.agents import AgentExperimentConfig
from experiments.config.execution import Execution
from experiments.problems.agents.prepared import PreparedAgents
from experiments.problems.agents.results import AGENT_RESULTS_FILE, AgentResults, print_agent_results
from experiments.problems.agents.view import AgentView, agent_headline
from experiments.problems.protocol import Problem
from experiments.problems.views import Headline
from experiments.terminal.progress import Display
from genomes.agent.breeding.space import AgentSpace


class Agents(Problem[AgentExperimentConfig, PreparedAgents]):
    """Experiments on perception-conception-action agents."""

    kind = "agent"
    config_type = AgentExperimentConfig
    results_file = AGENT_RESULTS_FILE
    search_label = "evolution of agents"

    def prepare(self, config: AgentExperimentConfig, *, is_serial: bool, display: Display) -> PreparedAgents:
        """See the base class. There is nothing to load or to train."""
        from experiments.problems.agents.preparation import prepare_agents

        return prepare_agents(config)

    def dry_run(self, config: AgentExperimentConfig, *, path: Path, execution: Execution, console: Console) -> None:
        """See the base class."""
        from experiments.problems.agents.estimate import print_estimate

        print_estimate(config, path=path, execution=execution, console=console)

    def compare(self, run: Run, prepared: PreparedAgents, pool: WorkerPool, display: Display) -> AgentResults:
        """See the base class."""
        from experiments.problems.agents.finals import agent_finals

        display.say("final comparison: winner and default agent learn anew")
        results = agent_finals(run, prepared, pool)
        results.write(run.directory)
        return results

    def print_results(self, directory: Path, *, console: Console) -> None:
        """See the base class."""
        results = AgentResults.read(directory)
        if results is not None:
            print_agent_results(results, console=console)

    def headline(self, directory: Path) -> Headline | None:
        """See the base class."""
        results = AgentResults.read(directory)
        return None if results is None else agent_headline(results)

    def view(self) -> AgentView:
        """See the base class."""
        return AgentView()

    def described_space(self, document: Mapping[str, Any]) -> AgentSpace:
        """See the base class."""
        return AgentSpace()

    def export(self, directory: Path, to: Path, *, individual: str | None, overwrite: bool) -> Path:
        """See the base class. Only the winner can be exported."""
        if individual is not None:
            raise ValueError(f"--individual is {individual!r}; of a run on agents only the winner can be exported.")
        from experiments.problems.agents.export import export_agent

        return export_agent(directory, to, overwrite=overwrite)

    def next_commands(self, directory: Path) -> Sequence[tuple[str, str]]:
        """See the base class."""
        return (
            (f"evolve export {directory} --to agent/", "the winner with its graph and weights"),
            ("evolve agent watch agent/ --to episode.gif", "one episode of it"),
            (f"evolve runs history {directory} --format csv", "one row per birth"),
        )


AGENTS = Agents()
