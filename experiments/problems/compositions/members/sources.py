"""Where the members of an experiment are that need no training; those that do are training.py's."""

from __future__ import annotations

from experiments.config.bundled import bundled_member_directory
from experiments.config.members import BundledMember, DirectoryMember, HubMember, MembersConfig
from genomes.members.sources import DirectorySource, HubSource, MemberSource


def untrained_sources(members: MembersConfig) -> dict[str, MemberSource]:
    """Source of every member that has no recipe, by name."""
    sources: dict[str, MemberSource] = {}
    for name, entry in members.catalogue.items():
        if isinstance(entry, BundledMember):
            sources[name] = DirectorySource(bundled_member_directory(entry.bundled))
        elif isinstance(entry, DirectoryMember):
            sources[name] = DirectorySource(entry.path)
        elif isinstance(entry, HubMember):
            sources[name] = HubSource(entry.hub, entry.revision, is_offline=members.offline)
    return sources
