"""How far from the best genome of a space are searches, after how many evaluations? All of its genomes are scored.

    OMP_NUM_THREADS=1 python benchmarks/known_optimum.py

The space: every subset of the quickstart's five members under every method on a grid of weights and parameters
(GridSpace). Every genome is scored once on the search prompts from kept member outputs, which takes minutes and is kept
in the cache; after that searches look values up. Simple regret is the NLL of the best genome found so far less that of
the best there is, as a share of the range from the optimum to the median of the space: 1 % of that is a stricter mark
than 1 % of the optimum's value, which is printed beside it. How far a search is behind random search at worst comes
with the standard error of the mean difference over seeds, paired.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.oracles

import numpy as np

import experiments
from evolve.evaluator import EvaluationRequest
from experiments.compare.baselines import BASELINES
from experiments.compare.bench import Bench, BudgetSpentError
from experiments.compare.task import Task
from experiments.config import load_experiment
from experiments.corpora.documents import Example
from experiments.problems.compositions.preparation import prepare
from fitness.objectives import OBJECTIVES
from fitness.result import Evaluation
from genomes.breeding.space import CompositionSpace
from genomes.graph.nodes import MemberNode
from genomes.graph.serialization import genome_from_json
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store
from genomes.methods.ranges import Choice, Real
from genomes.running.teacher_forcing import EvaluationSet, TeacherForcing
from tests.oracles.grid_space import GridSpace

GRIDS = {"sharpness": (1.0, 1.5, 2.0), "tempering": (0.1, 0.3, 1.0), "smoothing": (0.05, 0.2, 0.5)}
METHODS = ("mean", "weighted", "product", "bayesian", "vote")
SHARES = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05)
MARK = 0.01


@dataclass(frozen=True)
class Scores:
    """Every genome's score on every prompt."""

    keys: list[str]
    genomes: list[str]
    values: np.ndarray  # float32 [genomes, prompts]

    @cached_property
    def place(self) -> dict[str, int]:
        return {key: place for place, key in enumerate(self.keys)}

    @cached_property
    def means(self) -> np.ndarray:
        return self.values.mean(axis=1, dtype=np.float64)


@dataclass(frozen=True)
class TableFactory:
    """An evaluator that looks values up."""

    scores: Scores
    space: GridSpace
    catalogue: MemberCatalogue
    version: str = "table"

    @property
    def objectives(self):
        return OBJECTIVES["nll"].objective, OBJECTIVES["active_parameters"].objective

    def __call__(self) -> TableFactory:
        return self

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        genome = genome_from_json(request.genome)
        # Baselines that know nothing of the grid, greedy selection above all, get its nearest point.
        place = self.scores.place[self.space.key(self.space.snapped(genome))]
        members = {node.member for node in genome.of_type(MemberNode).values()}
        parameters = float(sum(self.space.members[name].num_parameters for name in members))
        objectives = {"nll": float(self.scores.means[place]), "active_parameters": parameters}
        prompts = {str(prompt): float(value) for prompt, value in enumerate(self.scores.values[place])}
        return Evaluation.ok(objectives, scores=prompts, metrics=objectives)


def grid_space(space: CompositionSpace) -> GridSpace:
    given = {field.name: getattr(space, field.name) for field in fields(CompositionSpace)}
    return GridSpace(
        **{
            **given,
            "methods": METHODS,
            "max_member_nodes": len(space.members),
            "max_combiners": 1,
            "max_drafts": 0,
            "response_temperature": Real(1.0, 1.0, 1.0),
            "response_top_k": Choice((0,)),
            "response_top_p": Real(1.0, 1.0, 1.0),
        },
        grids=GRIDS,
    )


def exhaustive_scores(
    space: GridSpace, catalogue: MemberCatalogue, examples: Iterable[Example], store: Store
) -> Scores:
    examples = list(examples)
    replied = EvaluationSet.of([example.context for example in examples], [example.reply for example in examples])
    members = {name: catalogue.info(name).key for name in catalogue.names}
    content = [1, replied.key, members, METHODS, GRIDS, space.weights, space.temperatures]
    key = blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()

    def make(directory: Path) -> None:
        forcing = TeacherForcing(catalogue, replied, store=store)
        keys, genomes, values = [], [], []
        for genome in space.enumerate():
            (likelihoods,) = forcing.reply_likelihoods([genome])
            keys.append(space.key(genome))
            genomes.append(space.to_json(genome))
            values.append([one.nll_nats / one.num_tokens for one in likelihoods])
        assert forcing.num_fallbacks == 0
        assert len(set(keys)) == len(keys)
        np.save(directory / "values.npy", np.array(values, np.float32))
        (directory / "genomes.json").write_text(json.dumps({"keys": keys, "genomes": genomes}))

    started = time.perf_counter()
    directory = store.ensure("exhaustive-scores", key, make)
    print(f"{time.perf_counter() - started:.0f} s to score the space, or to find its scores")
    return Scores(**json.loads((directory / "genomes.json").read_text()), values=np.load(directory / "values.npy"))


def course(name: str, seed: int, task: Task, search, *, budget: int) -> np.ndarray:
    """The best NLL after each evaluation: float64 [budget]."""
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(task, task.factory(), search=search, budget=budget, seed=seed, directory=Path(directory))
        with suppress(BudgetSpentError):
            BASELINES[name].search(bench)
    found = [step.evaluation.objectives["nll"] for step in bench.steps]
    best = np.minimum.accumulate(found)
    return np.concatenate([best, np.full(budget - len(best), best[-1])])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=90)
    parser.add_argument("--methods", default="greedy_selection,random,local_search,aging,nsga2,lexicase,mapelites")
    arguments = parser.parse_args()
    config = load_experiment(Path(experiments.__file__).parent / "quickstart.yaml", [])
    problem = prepare(config, is_serial=True)
    space = grid_space(problem.space)
    scores = exhaustive_scores(space, problem.catalogue, problem.factory.panels["search"][: arguments.prompts], Store())
    optimum, median = float(scores.means.min()), float(np.median(scores.means))
    spread = median - optimum
    count = len(scores.keys)
    budget = round(max(SHARES) * count)
    print(
        f"{count} genomes; NLL of the best {optimum:.4f}, of the median {median:.4f}, of the worst "
        f"{scores.means.max():.4f}; {int((scores.means <= optimum + MARK * spread).sum())} genomes within "
        f"{MARK:.0%} of the range, {int((scores.means <= optimum * (1 + MARK)).sum())} within {MARK:.0%} of the value"
    )
    print(f"best: {space.describe(genome_from_json(scores.genomes[int(scores.means.argmin())]))}")
    task = Task(space, TableFactory(scores, space, problem.catalogue), {}, is_noisy=False)
    checkpoints = [max(1, round(share * count)) for share in SHARES]
    header = " | ".join(f"{share:.2%} ({at})" for share, at in zip(SHARES, checkpoints, strict=True))
    print(f"\nmean regret in % of the range over {arguments.seeds} seeds, after a share of the space's evaluations\n")
    print(f"| method | {header} | worst seed | seeds within {MARK:.0%} | ever behind random |")
    print("|---|" + "---|" * (len(SHARES) + 3), flush=True)
    courses: dict[str, np.ndarray] = {}
    names = sorted(arguments.methods.split(","), key=lambda name: name != "random")
    for name in names:
        num_seeds = arguments.seeds if BASELINES[name].is_seeded else 1
        found = [course(name, seed, task, config.search, budget=budget) for seed in range(num_seeds)]
        courses[name] = (np.array(found) - optimum) / spread
        at = courses[name][:, [number - 1 for number in checkpoints]]
        shown = " | ".join(f"{100 * value:.2f}" for value in at.mean(axis=0))
        behind = "-"
        if "random" in courses and name != "random":
            gap = courses[name].mean(axis=0) - courses["random"].mean(axis=0)
            late = np.flatnonzero(gap[:budget] > 1e-9)
            behind = "never"
            if len(late):
                pairs = (courses[name] - courses["random"])[:, gap.argmax()]
                error = pairs.std(ddof=1) / len(pairs) ** 0.5
                behind = f"at {len(late)} of {budget}, by at most {100 * gap.max():.2f} (± {100 * error:.2f})"
        within = int((at[:, -1] <= MARK).sum())
        print(f"| {name} | {shown} | {100 * at[:, -1].max():.2f} | {within} of {num_seeds} | {behind} |", flush=True)


if __name__ == "__main__":
    main()
