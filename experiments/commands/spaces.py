"""The search space of a stored run, for verbs that only describe its genomes."""

from __future__ import annotations

from pathlib import Path

from evolve.log_reading import RunLogReader
from experiments.config import experiment_from_document
from experiments.config.loading import AGENT_KIND
from genomes.agent.breeding.space import AgentSpace
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace


def described_space(directory: Path) -> CompositionSpace | AgentSpace:
    """A space over the names of the run's members, enough to parse and describe its genomes; loads no member.

    Raises:
        RunMissingError: There is no run in the directory.
    """
    with RunLogReader(directory) as log:
        document = log.meta["config"]
    if document.get("kind") == AGENT_KIND:
        return AgentSpace()
    config = experiment_from_document(document)
    return CompositionSpace(
        members={name: MemberInfo(name, "", 0, 1024) for name in config.members.catalogue},
        max_new_tokens=config.space.response.max_new_tokens,
    )
