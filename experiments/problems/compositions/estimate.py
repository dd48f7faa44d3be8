"""What a launch of an experiment on compositions would take: members to train, evaluations, time and memory."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from evolve.evaluator import EvaluationRequest
from evolve.settings import planned_evaluations
from experiments.config import ExperimentConfig
from experiments.config.bundled import BUNDLED_SCORER
from experiments.config.execution import Execution
from experiments.corpora.documents import Document
from experiments.corpora.groups import described
from experiments.corpora.panels import load_documents, panel_of
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.scorer_check import ScorerCheck, check_scorer
from genomes.running.threads import torch_threads
from genomes.training.recipes import Recipe

_FURTHER = 0.33
"""What a further answer to a test prompt costs, as a share of the first: likelihoods are computed once."""


def print_estimate(config: ExperimentConfig, *, path: Path, execution: Execution, console: Console) -> None:
    """Print what a launch would do: members to train, size of the space, evaluations, estimated time and memory.

    The time is measured on one evaluation of the uniform mean in this process where every member is there; with members
    to train it is left open. Last come how documents are grouped, how well the scorer knows the texts, and whether a
    launch is refused for it.
    """
    to_train = config.members.recipes
    console.print(f"[bold]{config.name}[/] ({path})")
    console.print(f"members: {', '.join(config.members.catalogue)}")
    if to_train:
        seconds = sum(
            training_seconds(recipe, config.members.tokenizer.vocabulary_size) for recipe in to_train.values()
        )
        console.print(
            f"to train at launch, unless cached: {', '.join(to_train)} (about {seconds / 60:.1f} minutes of one core)"
        )
    limit = config.space.max_active_parameters
    console.print(
        f"space: up to {config.space.max_member_nodes} member nodes and {config.space.max_combiners} combiners "
        f"({', '.join(config.space.methods)}), up to {config.space.max_drafts} drafts; "
        f"{'' if limit is None else f'at most {limit:,} active parameters; '}"
        f"{num_flat_structures(config):,} structures without nesting and drafts, each with continuous genes"
    )
    evaluations = planned_evaluations(config.search, config.budget, config.fitness.prompts_per_evaluation)
    console.print(f"search: {config.search.mode}, {config.budget.births} births, about {evaluations} evaluations")
    console.print(
        f"workers: {1 if execution.serial else config.workers.count}, {config.workers.cpus_per_worker} CPU each"
    )
    if to_train:
        console.print("search time and memory: known once the members are trained (evolve members train).")
        documents = load_documents(config.data)
        _print_data(documents, console)
        if config.fitness.scorer == "fit":
            console.print("scorer: checked on the search prompts once it is fitted, at launch.")
        else:
            panel = panel_of(documents, "search", config.data.prompts.search)
            _print_check(check_scorer(config, panel, BUNDLED_SCORER), console)
        return
    prepared, seconds, megabytes = _measured(config)
    workers = 1 if execution.serial else config.workers.count
    searches = 2 if "random_search" in config.report.baselines else 1
    prompts = config.fitness.prompts_per_evaluation
    finals = config.report.finalists * searches + len(config.members.catalogue) + 1
    finals += config.report.front_members if len(config.fitness.objectives) > 1 else 0
    tests = (2 + searches) * config.data.prompts.test * (1 + _FURTHER * (config.report.answers_per_prompt - 1))
    in_finals = seconds / prompts * (finals * config.data.prompts.validation + tests)
    total = (seconds * evaluations * searches + in_finals) / workers
    console.print(f"time: about {total / 60:.1f} minutes ({seconds:.2f} s per evaluation, measured here just now)")
    console.print(f"memory: about {megabytes * (workers + 1) / 1024:.1f} GiB over all processes")
    _print_data(prepared.documents, console)
    factory = prepared.factory
    _print_check(check_scorer(config, factory.panels["search"], factory.scorer_directory), console)


def _print_data(documents: Mapping[str, Sequence[Document]], console: Console) -> None:
    for sentence in described(documents):
        console.print(sentence, markup=False, soft_wrap=True)


def _print_check(check: ScorerCheck, console: Console) -> None:
    verdict = "evolve launch will refuse this experiment. " if check.is_refused else ""
    console.print(f"{verdict}{check.sentence}", markup=False, soft_wrap=True)


def num_flat_structures(config: ExperimentConfig) -> int:
    """Structures of at most one combiner over members: single members, and every multiset of them by every method."""
    num_members = len(config.members.catalogue)
    if config.space.max_combiners == 0:
        return num_members
    sizes = range(2, config.space.max_member_nodes + 1)
    return num_members + len(config.space.methods) * sum(math.comb(num_members + size - 1, size) for size in sizes)


def training_seconds(recipe: Recipe, vocabulary_size: int) -> float:
    """Rough time to train a member on one core: 6 operations per parameter and token at 1e11 a second.

    That rate was seen for the bundled members (bfloat16, AVX-512); cores without bfloat16 take about twice as long.
    """
    shape = recipe.shape
    parameters = 12 * shape.layers * shape.width**2 + (vocabulary_size + shape.positions) * shape.width
    return 6.0 * parameters * recipe.tokens / 1e11


def _measured(config: ExperimentConfig) -> tuple[PreparedCompositions, float, float]:
    """The prepared experiment, seconds of one evaluation of the last founder, and this process's peak memory in MiB."""
    with torch_threads(config.workers.cpus_per_worker):
        prepared = prepare(config, is_serial=True)
        evaluator = prepared.factory()
        _, founder = prepared.space.founders()[-1]
        request = EvaluationRequest(prepared.space.to_json(founder), "search", 0)
        evaluator.evaluate(request)  # Warms caches, as all but the first evaluation of a run find them.
        started = time.perf_counter()
        evaluator.evaluate(request)
        seconds = time.perf_counter() - started
        return prepared, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
