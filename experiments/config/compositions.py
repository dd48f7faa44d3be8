"""A whole experiment as typed, immutable data, and its plain form that a run keeps. Reading files is loading.py's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import Field

from experiments.config.budget import BudgetConfig
from experiments.config.changeable import CHANGEABLE_KEYS
from experiments.config.data import DataConfig
from experiments.config.fitness import FitnessConfig
from experiments.config.members import MembersConfig
from experiments.config.report import ReportConfig
from experiments.config.search import SearchConfig
from experiments.config.section import Name, Section
from experiments.config.space import SpaceConfig
from experiments.config.workers import WorkersConfig


class ExperimentConfig(Section):
    """An experiment. Make one with ``load_experiment`` or ``experiment_from_document``, which also check that the
    sections go together.

    Attributes:
        name: Names the run directory, ``runs/<name>``.
        seed: Every random draw of the run is derived from it.
        data: Texts and prompts.
        members: The models that genomes are composed of.
        space: Which compositions there are.
        fitness: What is selected on.
        search: How the search goes.
        budget: When it ends.
        workers: What evaluates.
        report: What the winner is compared with.
    """

    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    data: DataConfig
    members: MembersConfig
    space: SpaceConfig = SpaceConfig()
    fitness: FitnessConfig = FitnessConfig()
    search: SearchConfig = SearchConfig()
    budget: BudgetConfig = BudgetConfig()
    workers: WorkersConfig = WorkersConfig()
    report: ReportConfig = ReportConfig()

    def to_document(self) -> dict[str, Any]:
        """Plain data with every default filled in and every path absolute; ``experiment_from_document`` reads it."""
        return self.model_dump(mode="json")

    def roles_for_upstream(self, reader: str, writer: str) -> tuple[str, ...]:
        """The roles in which one member writes the drafts that another is trained to read; more than one is an error.

        Args:
            reader: A member with a recipe.
            writer: A member upstream of it.
        """
        recipes, roles = self.members.recipes, self.space.roles
        if writer in recipes:
            role = recipes[writer].role
            return () if role is None else (role,)
        read_in = roles.get(recipes[reader].role or "")
        expected = read_in.expects if read_in else ()
        return tuple(name for name in expected if name in roles and writer in roles[name].members)

    @property
    def config_hash(self) -> str:
        """A hash over all that decides the course of the search; what may change on resume is left out."""
        return blake2b(json.dumps(_fixed(self), sort_keys=True).encode(), digest_size=16).hexdigest()


def _fixed(config: ExperimentConfig) -> dict[str, Any]:
    """The settings that may not change on resume, by dotted key."""
    return {
        key: value
        for key, value in _leaves(config.to_document())
        if not any(key == free or key.startswith(f"{free}.") for free in CHANGEABLE_KEYS)
    }


def _leaves(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
