"""The agent problem wired up: from an experiment to its search space and its evaluator.

This is the one place where agents and their world meet. An evaluation lets an agent learn from scratch, then scores it:
evolution is the outer loop, over graphs and learning genes, and PPO the inner one, over weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.evaluator import EvaluationRequest
from evolve.jobs import SEARCH_PANEL
from evolve.seeding import integer_seed
from experiments.config.agents import LearningConfig, TaskConfig
from fitness.energy_flow.references import ReferenceVecEnv
from fitness.energy_flow.rollouts import episode_returns
from fitness.energy_flow.senses import Senses
from fitness.energy_flow.vector import EnergyFlowVecEnv
from fitness.energy_flow.worlds import MOVES
from fitness.result import Evaluation, Objective, Outcome
from genomes.agent.breeding.space import AgentSpace
from genomes.agent.graph.genome import AgentGenome
from genomes.agent.graph.serialization import agent_from_json, agent_to_json
from genomes.graph.errors import GenomeFormatError
from genomes.members.store import Store

if TYPE_CHECKING:
    from torch import Tensor

    from genomes.agent.running.agent import PCDAgent
    from genomes.agent.running.ppo import Progress

AGENT_OBJECTIVES = (
    Objective("return", "maximise", "sum of rewards per episode, at most 500"),
    Objective("parameters", "minimise", "weights that act"),
)

TEST_PANEL = "test"
VALIDATION_PANEL = "validation"

_WEIGHTS = "weights.safetensors"

_CODE_VERSION = 1  # Part of every evaluator's version: raise it when a change here changes results.


@dataclass(frozen=True)
class AgentEvaluatorFactory:
    """Makes the evaluator of an agent experiment in any process.

    Attributes:
        space: Limits that agents are checked against.
        task: The world.
        learning: What one evaluation is.
        final_episodes: Episodes of the panels other than ``"search"``.
        seed: Seed of the run; worlds, weights and actions derive theirs from it.
    """

    space: AgentSpace
    task: TaskConfig
    learning: LearningConfig
    final_episodes: int
    seed: int

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Return and number of parameters."""
        return AGENT_OBJECTIVES

    @cached_property
    def version(self) -> str:
        """A hash over everything that decides an evaluation's result besides the request."""
        document = {
            "code": _CODE_VERSION,
            "task": self.task.model_dump(mode="json"),
            "learning": self.learning.model_dump(mode="json"),
            "final_episodes": self.final_episodes,
            "seed": self.seed,
        }
        return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=16).hexdigest()

    def __call__(self) -> AgentEvaluator:
        """The evaluator; nothing is loaded."""
        return AgentEvaluator(self)


class AgentEvaluator:
    """Scores agents by what they earn after learning. Lives in a worker; see ``AgentEvaluatorFactory``."""

    def __init__(self, factory: AgentEvaluatorFactory) -> None:
        self._factory = factory

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """Let the request's agent learn, then play episodes that are the same for all agents.

        Initial weights, worlds and episodes are drawn by panel and replicate: another replicate is another training on
        other worlds, scored on other episodes.
        """
        started = time.perf_counter()
        try:
            genome = agent_from_json(request.genome)
        except GenomeFormatError as error:
            return Evaluation.failed(Outcome.INVALID, str(error))
        problems = self._factory.space.problems(genome)
        if problems:
            return Evaluation.failed(Outcome.INVALID, "; ".join(problems))
        agent = trained_agent(genome, self._factory, panel=request.panel, replicate=request.replicate)
        scores = self._scores(agent, request)
        mean = sum(scores.values()) / len(scores)
        objectives = {"return": mean, "parameters": float(agent.network.num_parameters)}
        return Evaluation.ok(objectives, scores=scores, metrics=objectives, seconds=time.perf_counter() - started)

    def _scores(self, agent: PCDAgent, request: EvaluationRequest) -> dict[str, float]:
        seeds = episode_seeds(self._factory, panel=request.panel, replicate=request.replicate)
        player = agent.player(seed=integer_seed(self._factory.seed, "play", request.panel, request.replicate))
        returns = episode_returns(player, make_worlds(self._factory.task, len(seeds)), seeds)
        return {f"{request.panel}-{seed}": returns[seed] for seed in seeds}


def trained_agent(
    genome: AgentGenome,
    factory: AgentEvaluatorFactory,
    *,
    panel: str,
    replicate: int,
    on_progress: Callable[[Progress], None] | None = None,
) -> PCDAgent:
    """An agent after learning; equal arguments give equal weights (on equal machines).

    An agent with an ancestor starts from what that one has learnt under the same panel and replicate. Weights of
    ancestors are kept in the cache, and learnt again where they are not there, so a result is a function of its
    request and not of the order in which agents are bred.

    Args:
        genome: A valid agent.
        factory: Of the run.
        panel: As in a request.
        replicate: As in a request.
        on_progress: Told after every rollout.
    """
    from genomes.agent.running.agent import PCDAgent

    seed = integer_seed(factory.seed, "learn", panel, replicate) % 2**32
    worlds = make_worlds(factory.task, factory.learning.num_envs)
    agent = PCDAgent(genome, grid_size=senses_of(factory.task).size, num_actions=len(MOVES), seed=seed)
    if genome.ancestor is not None:
        agent.inherit(_learnt_weights(genome.ancestor, factory, panel=panel, replicate=replicate))
    agent.learn(worlds, num_steps=factory.learning.num_steps, seed=seed, on_progress=on_progress)
    return agent


def _learnt_weights(
    genome: AgentGenome, factory: AgentEvaluatorFactory, *, panel: str, replicate: int
) -> dict[str, Tensor]:
    """What an agent has learnt, from the cache or by letting it learn."""
    from safetensors.torch import load_file, save_file

    def make(directory: Path) -> None:
        agent = trained_agent(genome, factory, panel=panel, replicate=replicate)
        save_file(
            {name: value.contiguous() for name, value in agent.network.state_dict().items()}, directory / _WEIGHTS
        )

    content = json.dumps([factory.version, agent_to_json(genome), panel, replicate])
    key = blake2b(content.encode(), digest_size=16).hexdigest()
    weights: dict[str, Tensor] = load_file(Store().ensure("agents", key, make) / _WEIGHTS)
    return weights


def senses_of(task: TaskConfig) -> Senses:
    """What agents perceive in a task."""
    return Senses(task.view, task.view_radius, task.has_pose)


def make_worlds(task: TaskConfig, num_envs: int) -> EnergyFlowVecEnv | ReferenceVecEnv:
    """New worlds as a task has them."""
    worlds = EnergyFlowVecEnv(
        num_envs, layout=task.layout, view=task.view, view_radius=task.view_radius, has_pose=task.has_pose
    )
    return worlds if task.reward == "energy" else ReferenceVecEnv(worlds)


def episode_seeds(factory: AgentEvaluatorFactory, *, panel: str, replicate: int) -> list[int]:
    """Seeds of the episodes that an evaluation is scored on."""
    count = factory.learning.episodes if panel == SEARCH_PANEL else factory.final_episodes
    # Test episodes are the same for every training, so that trainings can be compared on them.
    draw = replicate if panel == SEARCH_PANEL else 0
    return [integer_seed(factory.seed, "episode", panel, draw, number) % 2**32 for number in range(count)]
