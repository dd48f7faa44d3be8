"""Training the members of an experiment: which ones, in which order, side by side in Ray tasks or one after another.

How one member is trained is genomes' business, and whether it has to be is the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config.compositions import ExperimentConfig
from experiments.corpora.documents import Document
from experiments.corpora.streams import token_streams, tokenizer_texts
from experiments.problems.compositions.members.chains import chain_of
from experiments.problems.compositions.members.sources import untrained_sources
from genomes.members.catalogue import MemberCatalogue
from genomes.members.chains import Chain
from genomes.members.errors import MemberTrainingError
from genomes.members.recipes import Recipe, TokenStream
from genomes.members.store import Store, ensure_member, ensure_tokenizer

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


def member_catalogue(
    config: ExperimentConfig,
    documents: Mapping[str, Sequence[Document]],
    *,
    store: Store | None = None,
    is_serial: bool = False,
    on_progress: TrainingProgress | None = None,
) -> MemberCatalogue:
    """The catalogue of an experiment, every recipe trained; arguments and errors are those of ``train_members``."""
    trained = train_members(config, documents, store=store, is_serial=is_serial, on_progress=on_progress)
    sources = untrained_sources(config.members)
    return MemberCatalogue(
        {name: sources.get(name) or trained[name] for name in config.members.catalogue},
        markers={name: role.marker for name, role in config.space.roles.items()},
    )


def train_members(
    config: ExperimentConfig,
    documents: Mapping[str, Sequence[Document]],
    *,
    store: Store | None = None,
    is_serial: bool = False,
    on_progress: TrainingProgress | None = None,
) -> dict[str, Path]:
    """The directory of every member that has a recipe, by name; trained where the store does not hold it yet.

    Args:
        config: The experiment.
        documents: Its documents by domain; members see the training split alone.
        store: Where trained members are kept; the user's cache where it is None.
        is_serial: Train in this process, one after another. Else members that do not wait for each other are
            trained side by side, ``workers.count`` at a time, in the Ray that runs or one that is started for this.
        on_progress: Is told of every member how far it is, at last 1.0.

    Raises:
        MemberTrainingError: A member could not be trained; names it.
        MemberLoadError: A parent or upstream member that is not trained here cannot be loaded.
    """
    if not config.members.recipes:
        return {}
    store = store or Store()
    jobs, untrained = _prepared(config, documents, store)
    report = on_progress or (lambda name, share: None)
    if not is_serial:
        from experiments.problems.compositions.members.ray_training import train_with_ray

        return train_with_ray(jobs, untrained, config.workers, store_root=store.root, on_progress=report)
    trained: dict[str, Path] = {}
    while len(trained) < len(jobs):
        for job in ready_jobs(jobs, trained, started=set(trained)):
            given = given_to(job, untrained, trained)
            trained[job.name] = run_job(job, given, store, on_progress=partial(report, job.name))
            report(job.name, 1.0)
    return {job.name: trained[job.name] for job in jobs}


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
            _tokenizer_in(job.tokenizer_directory),
            store=store,
            marker=job.marker,
            chain=chain,
            parent_directory=parent.directory if parent else None,
            parent_key=parent.key if parent else None,
            on_progress=on_progress,
        )
    except Exception as error:
        raise MemberTrainingError(job.name, f"{type(error).__name__}: {error}") from error


def _prepared(
    config: ExperimentConfig, documents: Mapping[str, Sequence[Document]], store: Store
) -> tuple[list[TrainingJob], dict[str, Given]]:
    """The jobs in the order of the file, and the members that these wait for and that are not trained here."""
    recipes = config.members.recipes
    catalogue = MemberCatalogue(untrained_sources(config.members))
    untrained = {
        name: Given(catalogue.directory(name), catalogue.info(name).key)
        for recipe in recipes.values()
        for name in recipe.waits_for
        if name not in recipes
    }
    directories: dict[str | None, Path] = {name: given.directory for name, given in untrained.items()}
    if any(_ancestor(name, recipes) is None for name in recipes):
        directories[None] = ensure_tokenizer(
            tokenizer_texts(documents),
            vocabulary_size=config.members.tokenizer.vocabulary_size,
            max_length=max(recipe.shape.positions for recipe in recipes.values()),
            store=store,
        )
    jobs = []
    streams: dict[tuple[Path, str], TokenStream] = {}
    for name, recipe in recipes.items():
        directory = directories[_ancestor(name, recipes)]
        marker = config.space.roles[recipe.role].marker if recipe.role is not None else ""
        if (chain := chain_of(name, config, documents, _tokenizer_in(directory))) is not None:
            jobs.append(TrainingJob(name, recipe, directory, {}, marker, chain))
            continue
        missing = [domain for domain in recipe.domains if (directory, domain) not in streams]
        made = token_streams(documents, _tokenizer_in(directory), domains=missing)
        streams.update({(directory, domain): stream for domain, stream in made.items()})
        own = {domain: streams[directory, domain] for domain in recipe.domains}
        jobs.append(TrainingJob(name, recipe, directory, own, marker, None))
    return jobs, untrained


def _ancestor(name: str, recipes: Mapping[str, Recipe]) -> str | None:
    """The member without a recipe that a lineage starts from, None where it starts from random weights."""
    ancestor: str | None = name
    while ancestor is not None and ancestor in recipes:
        ancestor = recipes[ancestor].parent
    return ancestor


def _tokenizer_in(directory: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    return tokenizer
