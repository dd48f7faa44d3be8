"""Training the members of an experiment: which ones, in which order, side by side in Ray tasks or one after another.

How one member is trained is genomes' business, and whether it has to be is the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config.experiment import ExperimentConfig
from experiments.corpora.documents import Document
from experiments.corpora.streams import token_streams, tokenizer_texts
from experiments.members import untrained_sources
from genomes.members.catalogue import MemberCatalogue
from genomes.members.errors import MemberTrainingError
from genomes.members.recipes import Recipe, TokenStream
from genomes.members.store import Store, ensure_member, ensure_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TrainingProgress = Callable[[str, float], None]
"""Called with a member's name and the share of it that is done, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A member to train once its parent is there.

    Attributes:
        name: Name in the catalogue.
        recipe: How to train it.
        tokenizer_directory: The tokenizer that it and its streams share.
        streams: Training tokens of the recipe's domains.
    """

    name: str
    recipe: Recipe
    tokenizer_directory: Path
    streams: Mapping[str, TokenStream]


@dataclass(frozen=True, slots=True)
class Parent:
    """What a child is fine-tuned from.

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
    return MemberCatalogue({name: sources.get(name) or trained[name] for name in config.members.catalogue})


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
        MemberLoadError: A parent that is not trained here cannot be loaded.
    """
    if not config.members.recipes:
        return {}
    store = store or Store()
    jobs, parents = _prepared(config, documents, store)
    report = on_progress or (lambda name, share: None)
    if not is_serial:
        from experiments.ray_training import train_with_ray

        return train_with_ray(jobs, parents, config.workers, store_root=store.root, on_progress=report)
    trained: dict[str, Path] = {}
    while len(trained) < len(jobs):
        for job in ready_jobs(jobs, trained, started=set(trained)):
            parent = parent_of(job, parents, trained)
            trained[job.name] = run_job(job, parent, store, on_progress=partial(report, job.name))
            report(job.name, 1.0)
    return {job.name: trained[job.name] for job in jobs}


def ready_jobs(jobs: Sequence[TrainingJob], trained: Mapping[str, Path], *, started: set[str]) -> Iterator[TrainingJob]:
    """The jobs that are not started yet and wait for no other one."""
    names = {job.name for job in jobs}
    for job in jobs:
        parent = job.recipe.parent
        if job.name not in started and (parent not in names or parent in trained):
            yield job


def parent_of(job: TrainingJob, parents: Mapping[str, Parent], trained: Mapping[str, Path]) -> Parent | None:
    """The parent of a job that is ready; a trained one goes by the key of its recipe, the name of its directory."""
    name = job.recipe.parent
    if name is None:
        return None
    return Parent(trained[name], trained[name].name) if name in trained else parents[name]


def run_job(
    job: TrainingJob, parent: Parent | None, store: Store, *, on_progress: Callable[[float], None] | None
) -> Path:
    """The directory of one member, trained in this process where the store does not hold it yet.

    Raises:
        MemberTrainingError: It could not be trained.
    """
    try:
        return ensure_member(
            job.recipe,
            job.streams,
            _tokenizer_in(job.tokenizer_directory),
            store=store,
            parent_directory=parent.directory if parent else None,
            parent_key=parent.key if parent else None,
            on_progress=on_progress,
        )
    except Exception as error:
        raise MemberTrainingError(job.name, f"{type(error).__name__}: {error}") from error


def _prepared(
    config: ExperimentConfig, documents: Mapping[str, Sequence[Document]], store: Store
) -> tuple[list[TrainingJob], dict[str, Parent]]:
    """The jobs in the order of the file, and the parents that are not trained here."""
    recipes = config.members.recipes
    catalogue = MemberCatalogue(untrained_sources(config.members))
    parents = {
        recipe.parent: Parent(catalogue.directory(recipe.parent), catalogue.info(recipe.parent).key)
        for recipe in recipes.values()
        if recipe.parent is not None and recipe.parent not in recipes
    }
    directories: dict[str | None, Path] = {name: parent.directory for name, parent in parents.items()}
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
        missing = [domain for domain in recipe.domains if (directory, domain) not in streams]
        made = token_streams(documents, _tokenizer_in(directory), domains=missing)
        streams.update({(directory, domain): stream for domain, stream in made.items()})
        own = {domain: streams[directory, domain] for domain in recipe.domains}
        jobs.append(TrainingJob(name, recipe, directory, own))
    return jobs, parents


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
