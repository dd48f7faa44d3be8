"""From an experiment to a problem that the engine can search: documents, members, scorer, space and evaluator.

Preparing trains what has to be trained (members with recipes, a scorer that is to be fitted) and keeps it in the
cache, so that a second launch or a resume finds it. The search itself is started elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config import ExperimentConfig
from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.documents import Document
from experiments.corpora.panels import load_documents, panels_of
from experiments.problems.compositions.evaluator import CompositionEvaluatorFactory
from experiments.problems.compositions.fitting import with_fitted_weights
from experiments.problems.compositions.judges import find_judge
from experiments.problems.compositions.members.jobs import TrainingProgress
from experiments.problems.compositions.members.training import member_catalogue
from experiments.problems.compositions.objectives import operators_of
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.scorers import encoder_for, fit_scorer, scorer_key
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.members.store import Store
from genomes.methods.plugins import load_plugins
from genomes.methods.ranges import Choice, Integer, Real

if TYPE_CHECKING:
    from genomes.members.catalogue import MemberCatalogue


def prepare(
    config: ExperimentConfig,
    *,
    is_serial: bool,
    store: Store | None = None,
    on_progress: TrainingProgress | None = None,
) -> PreparedCompositions:
    """Load the data, train or find the members, fit or find the scorer, and wire them up.

    Args:
        config: The experiment.
        is_serial: Train members in this process, one after the other, instead of in Ray tasks side by side.
        store: Where trained members and fitted scorers are kept; the default cache without.
        on_progress: Told the share of every member's training that is done.

    Raises:
        FinalsError: The judge of the report is not there.
        ModuleNotFoundError: The package of the judge is not installed.
        CorpusError: A corpus cannot be read, or has too few examples in a split.
        MemberLoadError: A member cannot be found or is no GPT-2.
        MemberTrainingError: The training of a member failed.
        ObjectiveError: A user's own objective cannot be imported.
    """
    store = store or Store()
    if config.report.judge is not None:
        find_judge(config.report.judge, is_offline=config.members.offline)
    operators = operators_of(config.fitness)
    documents = load_documents(config.data)
    panels = panels_of(config.data, documents)
    catalogue = member_catalogue(config, documents, store=store, is_serial=is_serial, on_progress=on_progress)
    space = composition_space(config, catalogue)
    scorer_directory = _scorer_directory(config, documents, store)
    from fitness.coherence.scorer import scorer_version

    factory = CompositionEvaluatorFactory(
        catalogue=catalogue,
        space=space,
        scorer_directory=scorer_directory,
        scorer_version=scorer_version(scorer_directory),
        panels={str(split): examples for split, examples in panels.items()},
        prompts_per_evaluation=config.fitness.prompts_per_evaluation,
        operators=operators,
        seed=config.seed,
        gpu_precision=config.members.gpu_precision if config.workers.gpus_per_worker else None,
        store_root=store.root,
    )
    if config.space.fit_weights:
        space = with_fitted_weights(space, factory.panels["search"], catalogue, store=store)
    return PreparedCompositions(config, space, factory, documents)


def load_catalogue(config: ExperimentConfig) -> MemberCatalogue:
    """The members of an experiment alone; documents are read only where members have recipes.

    Raises:
        MemberLoadError: A member cannot be found.
    """
    documents = load_documents(config.data) if config.members.recipes else {}
    return member_catalogue(config, documents, is_serial=True)


def composition_space(config: ExperimentConfig, catalogue: MemberCatalogue) -> CompositionSpace:
    """The search space of an experiment over the members of its catalogue."""
    space, response = config.space, config.space.response
    load_plugins(modules=space.plugins, methods=space.methods, merge_methods=space.merge_methods)
    low_temperature, high_temperature = response.temperature
    return CompositionSpace(
        members=catalogue.infos(),
        methods=space.methods,
        merge_methods=space.merge_methods,
        roles=dict(space.roles),
        templates=space.templates,
        max_member_nodes=space.max_member_nodes,
        max_combiners=space.max_combiners,
        max_drafts=space.max_drafts,
        max_active_parameters=space.max_active_parameters,
        draft_tokens=Integer(*space.draft_tokens, default=sum(space.draft_tokens) // 2),
        member_temperature=Real(*space.member_temperature, default=_within(1.0, space.member_temperature), is_log=True),
        response_temperature=Real(low_temperature, high_temperature, default=_within(0.7, response.temperature)),
        response_top_k=Choice(tuple(response.top_k)),
        response_top_p=Real(*response.top_p, default=max(response.top_p)),
        max_new_tokens=response.max_new_tokens,
        prompt_tokens=space.prompt_tokens,
        plugins=space.plugins,
    )


def described_space(config: ExperimentConfig) -> CompositionSpace:
    """A space over the names of an experiment's members, enough to parse and describe genomes; loads no member."""
    return CompositionSpace(
        members={name: MemberInfo(name, "", 0, 1024) for name in config.members.catalogue},
        max_new_tokens=config.space.response.max_new_tokens,
    )


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])


def _scorer_directory(config: ExperimentConfig, documents: Mapping[str, Sequence[Document]], store: Store) -> Path:
    if config.fitness.scorer == "bundled":
        return BUNDLED_SCORER
    encoder = encoder_for(config)
    key = scorer_key(documents, encoder)
    return store.ensure("scorers", key, lambda directory: fit_scorer(documents, encoder=encoder).save(directory))
