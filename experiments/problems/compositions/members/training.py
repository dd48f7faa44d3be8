"""Training the members of an experiment: which ones, in which order, side by side in Ray tasks or one after another.

How one member is trained is genomes' business, and whether it has to be is the store's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config.compositions import ExperimentConfig
from experiments.corpora.documents import Document
from experiments.corpora.streams import token_streams, tokenizer_texts
from experiments.problems.compositions.members.chains import chain_of
from experiments.problems.compositions.members.jobs import (
    Given,
    TrainingJob,
    TrainingProgress,
    given_to,
    ready_jobs,
    run_job,
    tokenizer_in,
)
from experiments.problems.compositions.members.sources import untrained_sources
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store
from genomes.training.keeping import ensure_tokenizer
from genomes.training.recipes import Recipe, TokenStream

if TYPE_CHECKING:
    pass


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
        if (chain := chain_of(name, config, documents, tokenizer_in(directory))) is not None:
            jobs.append(TrainingJob(name, recipe, directory, {}, marker, chain))
            continue
        missing = [domain for domain in recipe.domains if (directory, domain) not in streams]
        made = token_streams(documents, tokenizer_in(directory), domains=missing)
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
