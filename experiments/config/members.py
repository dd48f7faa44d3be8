"""The section ``members``: the GPT-2 models that genomes are composed of, each from one of four kinds of source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from experiments.config.section import FilePath, Name, Section
from genomes.training.recipes import Recipe


class TokenizerConfig(Section):
    """The byte-level BPE tokenizer that all members trained from scratch share; other members bring their own.

    Attributes:
        vocabulary_size: Number of tokens; 257 is every byte and the end of text.
    """

    vocabulary_size: Annotated[int, Field(ge=257, le=200_000)] = 4096


class BundledMember(Section):
    """A member that ships with this package.

    Attributes:
        bundled: Its name there; ``experiments/bundled/members.yaml`` lists them.
    """

    bundled: str


class DirectoryMember(Section):
    """A local directory as written by ``save_pretrained``, with its tokenizer.

    Attributes:
        path: The directory.
    """

    path: FilePath


class HubMember(Section):
    """A model of the Hugging Face hub, by its id there.

    Attributes:
        hub: The id, e.g. ``"openai-community/gpt2"``.
        revision: Branch, tag or commit.
    """

    hub: Annotated[str, Field(min_length=1)]
    revision: Annotated[str, Field(min_length=1)] = "main"


class TrainedMember(Section):
    """A member that is trained when the experiment is launched, once: the same recipe is read from the cache.

    Attributes:
        train: The recipe.
    """

    train: Recipe


SOURCE_KEYS = ("bundled", "path", "hub", "train")


def _source_key(source: Any) -> str | None:
    keys = type(source).model_fields if isinstance(source, BaseModel) else source
    found = [key for key in SOURCE_KEYS if isinstance(keys, Mapping) and key in keys]
    return found[0] if len(found) == 1 else None


MemberEntry = Annotated[
    Annotated[BundledMember, Tag("bundled")]
    | Annotated[DirectoryMember, Tag("path")]
    | Annotated[HubMember, Tag("hub")]
    | Annotated[TrainedMember, Tag("train")],
    Discriminator(
        _source_key,
        custom_error_type="member_source",
        custom_error_message="allowed is a mapping with exactly one of the keys " + ", ".join(map(repr, SOURCE_KEYS)),
    ),
]
"""One entry of the catalogue."""


class MembersConfig(Section):
    """The section ``members``.

    Attributes:
        catalogue: Source of every member, by the name that genomes and reports use.
        tokenizer: The tokenizer of the members that are trained from scratch.
        offline: Whether hub ids are read from the local Hugging Face cache alone.
        gpu_precision: Arithmetic of members where ``workers.gpus_per_worker`` is above 0; elsewhere it is float32.
    """

    catalogue: Annotated[Mapping[Name, MemberEntry], Field(min_length=1)]
    tokenizer: TokenizerConfig = TokenizerConfig()
    offline: bool = True
    gpu_precision: Literal["bfloat16", "float32"] = "bfloat16"

    @property
    def recipes(self) -> dict[str, Recipe]:
        """Recipe of every member that is to be trained, by name, in the order of the file."""
        return {name: entry.train for name, entry in self.catalogue.items() if isinstance(entry, TrainedMember)}
