"""Training one member as a job: what it waits for, when it is ready, and how it is run in whatever process.

Which jobs an experiment needs is training.py's business; ray_training.py runs them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from genomes.members.errors import MemberTrainingError
from genomes.members.store import Store
from genomes.training.chains import Chain
from genomes.training.keeping import ensure_member
from genomes.training.recipes import Recipe, TokenStream

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


TrainingProgress = Callable[[str, float], None]
"""Called with a member's name and the share of it that is done, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A member to train once those are there that it waits for.

    Attributes:
        name: Name in the catalogue.
        recipe: How to train it.
        tokenizer_directory: The tokenizer that it and its streams share.
        streams: Training tokens of the recipe's domains; none where there is a chain.
        marker: Marker of the recipe's role.
        chain: What a member with an ``upstream`` is trained with, but for where its members are.
    """

    name: str
    recipe: Recipe
    tokenizer_directory: Path
    streams: Mapping[str, TokenStream]
    marker: str
    chain: Chain | None

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Names of the members that have to be there first."""
        return tuple(dict.fromkeys([*self.recipe.waits_for, *(self.chain.links if self.chain else ())]))


@dataclass(frozen=True, slots=True)
class Given:
    """A member that others wait for: one to fine-tune from, or one that writes drafts to train on.

    Attributes:
        directory: Where it is.
        key: Its content key, or the key of its recipe.
    """

    directory: Path
    key: str


def ready_jobs(jobs: Sequence[TrainingJob], trained: Mapping[str, Path], *, started: set[str]) -> Iterator[TrainingJob]:
    """The jobs that are not started yet and wait for no other one."""
    names = {job.name for job in jobs}
    for job in jobs:
        if job.name not in started and all(name not in names or name in trained for name in job.waits_for):
            yield job


def given_to(job: TrainingJob, untrained: Mapping[str, Given], trained: Mapping[str, Path]) -> dict[str, Given]:
    """What a ready job waited for, by name; trained ones go by the key of their recipe, their directory's name."""
    return {
        name: Given(trained[name], trained[name].name) if name in trained else untrained[name] for name in job.waits_for
    }


def run_job(
    job: TrainingJob, given: Mapping[str, Given], store: Store, *, on_progress: Callable[[float], None] | None
) -> Path:
    """The directory of one member, trained in this process where the store does not hold it yet.

    Raises:
        MemberTrainingError: It could not be trained.
    """
    chain, parent = job.chain, given.get(job.recipe.parent or "")
    if chain is not None:
        upstream = {name: given[name] for name in chain.links}
        chain = replace(
            chain,
            directories={name: one.directory for name, one in upstream.items()},
            keys={name: one.key for name, one in upstream.items()},
        )
    try:
        return ensure_member(
            job.recipe,
            job.streams,
            tokenizer_in(job.tokenizer_directory),
            store=store,
            marker=job.marker,
            chain=chain,
            parent_directory=parent.directory if parent else None,
            parent_key=parent.key if parent else None,
            on_progress=on_progress,
        )
    except Exception as error:
        raise MemberTrainingError(job.name, f"{type(error).__name__}: {error}") from error


def tokenizer_in(directory: Path) -> PreTrainedTokenizerBase:
    """The tokenizer that lies in a directory."""
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    return tokenizer
