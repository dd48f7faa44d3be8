"""Experiments of ``kind: agent``: the sections of their files, as typed, immutable data.

They share search, budget and workers with the experiments on compositions, and the way they are read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from experiments.config.budget import BudgetConfig
from experiments.config.search import SearchConfig
from experiments.config.section import Name, Section, Unrepeated
from experiments.config.workers import WorkersConfig
from fitness.energy_flow.senses import View
from fitness.energy_flow.worlds import Layout
from genomes.agent.breeding.limits import MODULE_KINDS
from genomes.agent.graph.forms import MAX_ANCESTORS
from genomes.agent.graph.kinds import ACTION
from genomes.sentences import allowed_names

ROLLOUT_TICKS = 64
"""Ticks of a rollout per world, as in ``PPOSettings``, which imports torch."""

_BATCH_WORLDS = 8  # as there


class TaskConfig(Section):
    """The section ``task``: the world that agents live in.

    Attributes:
        layout: Where sources, pathways and agent stand.
        view: What agents see.
        view_radius: Cells that the ego view reaches in each direction.
        has_pose: Whether they perceive their row and column.
        reward: ``energy`` pays for energy, ``intrinsic`` for keeping it at a reference that changes by episode.
    """

    layout: Layout = "random"
    view: View = "ego"
    view_radius: Annotated[int, Field(ge=1, le=9)] = 2
    has_pose: bool = True
    reward: Literal["energy", "intrinsic"] = "energy"


class LearningConfig(Section):
    """The section ``learning``: what one evaluation of an agent is.

    Attributes:
        num_steps: Ticks that an agent learns for, all its worlds together.
        num_envs: Worlds that it learns in.
        episodes: Episodes that it is scored on afterwards, the same for all agents.
    """

    num_steps: Annotated[int, Field(ge=1)] = 60_000
    num_envs: Annotated[int, Field(ge=_BATCH_WORLDS, multiple_of=_BATCH_WORLDS)] = 32
    episodes: Annotated[int, Field(ge=1)] = 32

    @model_validator(mode="after")
    def _learns(self) -> LearningConfig:
        rollout = self.num_envs * ROLLOUT_TICKS
        if self.num_steps < rollout:
            raise ValueError(
                f"num_steps is {self.num_steps!r}; {self.num_envs} worlds need {rollout} or more, which is one rollout"
            )
        return self


class AgentSpaceConfig(Section):
    """The section ``space``: which agents the search may build.

    Attributes:
        kinds: Kinds of modules.
        max_modules: Most modules besides the senses.
        inherited_trainings: How many trainings of its ancestors an agent's weights go through before its own.
    """

    kinds: Annotated[tuple[str, ...], Unrepeated] = MODULE_KINDS
    max_modules: Annotated[int, Field(ge=2, le=32)] = 12
    inherited_trainings: Annotated[int, Field(ge=0, le=MAX_ANCESTORS)] = 0

    @field_validator("kinds")
    @classmethod
    def _are_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if kind not in MODULE_KINDS:
                raise ValueError(f"{kind!r} is no kind of module; {allowed_names(kind, MODULE_KINDS)}")
        for kind in ("perception", ACTION):
            if kind not in kinds:
                raise ValueError(f"{list(kinds)!r} lacks {kind!r}, without which no agent acts; add it")
        return kinds


class AgentReportConfig(Section):
    """The section ``report``: how the winner is chosen and what it is compared with.

    Attributes:
        finalists: Agents of the hall of fame that learn anew for the choice of the winner.
        trainings: How often winner and default agent learn anew for the comparison.
        episodes: Episodes that each of these is scored on.
        bootstrap_resamples: Resamples of the episodes behind every interval.
    """

    finalists: Annotated[int, Field(ge=1)] = 3
    trainings: Annotated[int, Field(ge=1)] = 2
    episodes: Annotated[int, Field(ge=2)] = 64
    bootstrap_resamples: Annotated[int, Field(ge=100)] = 10_000


class AgentExperimentConfig(Section):
    """An experiment on agents.

    Attributes:
        kind: The name of this kind of experiment.
        name: Names the run directory, ``runs/<name>``.
        seed: Every random draw of the run is derived from it.
        task: The world.
        learning: What one evaluation is.
        space: Which agents there are.
        search: How the search goes.
        budget: When it ends.
        workers: What evaluates.
        report: What the winner is compared with.
    """

    kind: Literal["agent"]
    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    task: TaskConfig = TaskConfig()
    learning: LearningConfig = LearningConfig()
    space: AgentSpaceConfig = AgentSpaceConfig()
    search: SearchConfig = SearchConfig()
    budget: BudgetConfig = BudgetConfig()
    workers: WorkersConfig = WorkersConfig()
    report: AgentReportConfig = AgentReportConfig()

    def to_document(self) -> dict[str, Any]:
        """Plain data with every default filled in."""
        return self.model_dump(mode="json")
