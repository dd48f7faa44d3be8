"""What the runtime asks of members and of where they come from. The catalogue in genomes/members/ offers it."""

from __future__ import annotations

from typing import Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerBase


class LoadedMember(Protocol):
    """What is needed of a member: ``genomes.members.catalogue.Member`` has it."""

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    key: str


class MemberLoader(Protocol):
    """Where members come from: ``genomes.members.catalogue.MemberCatalogue`` is one."""

    def load(self, name: str) -> LoadedMember:
        """The member of that name."""
        ...

    def marker(self, role: str) -> str:
        """The text that members in a role read before everything else. Asked where a genome has roles."""
        ...
