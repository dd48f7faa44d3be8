"""benchmarks/known_optimum.py on tiny members: every genome is scored, and searches find the best of a small space."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.settings import SearchSettings
from experiments.compare.task import Task
from experiments.corpora.documents import Example
from genomes.breeding.space import CompositionSpace
from genomes.graph.serialization import genome_from_json
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store
from genomes.running.compilation import compile_genome
from tests.experiments.tiny_experiment import write_members
from tests.paths import ROOT

SEARCH = SearchSettings(population=12, tournament=5, lag=4, rescore_every=None)
EXAMPLES = [
    Example(f"talk/{number}/1", "talk", ("Do you like music at all, or not so much?",), reply, f"talk:{number}")
    for number, reply in enumerate(["It makes me think of rain.", "I have loved bread since I was a child."])
]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "known_optimum.py"))


@pytest.fixture(scope="module")
def table(script: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Any]:
    directory: Path = tmp_path_factory.mktemp("known")
    write_members(directory)
    catalogue = MemberCatalogue({name: directory / name for name in ("one", "two", "three")})
    space = script["grid_space"](CompositionSpace(catalogue.infos(), max_new_tokens=8, prompt_tokens=60))
    space = replace(space, methods=("mean", "weighted", "bayesian", "vote"), weights=(1.0, 0.25))
    scores = script["exhaustive_scores"](space, catalogue, EXAMPLES, Store(directory / "store"))
    return Task(space, script["TableFactory"](scores, space, catalogue), {}, is_noisy=False), scores


def test_the_table_holds_what_the_phenotype_says(table: tuple[Task, Any]) -> None:
    task, scores = table
    assert len(scores.keys) == 3 + (3 + 1) * (1 + 3) + (3 * 3 + 7) * (1 + 3)
    for place in range(0, len(scores.keys), 20):
        phenotype = compile_genome(genome_from_json(scores.genomes[place]), task.catalogue)
        likelihoods = phenotype.reply_likelihoods(
            [example.context for example in EXAMPLES], [example.reply for example in EXAMPLES]
        )
        expected = np.mean([one.nll_nats / one.num_tokens for one in likelihoods])
        assert scores.means[place] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", ["aging", "local_search"])
def test_searches_come_near_the_best_genome(script: dict[str, Any], table: tuple[Task, Any], name: str) -> None:
    task, scores = table
    found = script["course"](name, 0, task, SEARCH, budget=30)
    assert len(found) == 30
    assert np.all(np.diff(found) <= 0)
    assert scores.means.min() - 1e-9 <= found[-1] <= np.sort(scores.means)[12]
