"""What is charged, what is free, and who leads."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evolve.evaluator import EvaluationRequest
from evolve.score_model import FEWEST_SCORES
from evolve.settings import SearchSettings
from experiments.compare.baselines.gp_guided import GpGuided
from experiments.compare.baselines.tuned_member import TunedMember
from experiments.compare.bench import PROPOSALS_PER_EVALUATION, Bench, BudgetSpentError, leaders, restricted
from experiments.compare.cell import run_cell
from experiments.compare.memo import MemoisedEvaluator
from experiments.problems.errors import FinalsError
from fitness.result import Evaluation, Objective, Outcome
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode
from genomes.graph.serialization import genome_from_json
from tests.genomes.spaces import SPACE

NLL = Objective("nll", "minimise", "nats")
COST = Objective("active_parameters", "minimise", "parameters")


class Counting:
    """Scores a genome by its number of nodes; fails for those of one node more than allowed."""

    def __init__(self, *, most_nodes: int = 99) -> None:
        self.requests: list[EvaluationRequest] = []
        self._most_nodes = most_nodes

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        self.requests.append(request)
        size = float(len(genome_from_json(request.genome).nodes))
        if size > self._most_nodes:
            return Evaluation.failed(Outcome.CRASH, f"{size:g} nodes")
        scores = {"a": size + request.replicate, "b": size - request.replicate}
        return Evaluation.ok({"nll": size, "active_parameters": 1.0}, scores=scores)


def task(*, direction: str = "minimise", is_noisy: bool = False) -> SimpleNamespace:
    objective = Objective("nll", direction, "nats")  # type: ignore[arg-type]
    return SimpleNamespace(space=SPACE, objective=objective, is_noisy=is_noisy)


def bench(tmp_path: Path, evaluator: Counting, *, budget: int = 5, **options: object) -> Bench:
    return Bench(task(**options), evaluator, search=SearchSettings(), budget=budget, seed=0, directory=tmp_path)


def genomes(count: int) -> list[Genome]:
    rng = np.random.default_rng(0)
    found = {SPACE.key(genome): genome for genome in (SPACE.random(rng=rng) for _ in range(10 * count))}
    return list(found.values())[:count]


class TestCharging:
    def test_every_new_genome_is_charged_and_a_repeated_one_is_free(self, tmp_path: Path) -> None:
        evaluator = Counting()
        account = bench(tmp_path, evaluator)
        first, second = genomes(2)
        assert account.loss(first) == account.loss(first) == len(first.nodes)
        account.loss(second)
        assert len(account.steps) == len(evaluator.requests) == 2

    def test_another_replicate_is_charged(self, tmp_path: Path) -> None:
        account = bench(tmp_path, Counting())
        text = SPACE.to_json(genomes(1)[0])
        for replicate in (0, 1, 1):
            account.evaluations([EvaluationRequest(text, "search", replicate)])
        assert [step.replicate for step in account.steps] == [0, 1]

    def test_the_budget_ends_the_search(self, tmp_path: Path) -> None:
        account = bench(tmp_path, Counting(), budget=3)
        *affordable, last = genomes(4)
        for genome in affordable:
            account.loss(genome)
        account.loss(affordable[0])
        with pytest.raises(BudgetSpentError):
            account.loss(last)
        assert len(account.steps) == 3

    def test_a_method_that_only_repeats_itself_is_stopped(self, tmp_path: Path) -> None:
        account = bench(tmp_path, Counting(), budget=2)
        (genome,) = genomes(1)
        for _ in range(2 * PROPOSALS_PER_EVALUATION):
            account.loss(genome)
        with pytest.raises(BudgetSpentError):
            account.loss(genome)

    def test_a_failure_is_charged_and_never_leads(self, tmp_path: Path) -> None:
        some = sorted(genomes(6), key=lambda genome: len(genome.nodes))
        account = bench(tmp_path, Counting(most_nodes=len(some[0].nodes)), budget=6)
        losses = [account.loss(genome) for genome in some]
        assert losses[-1] == float("inf")
        assert len(account.steps) == 6
        assert all(leader.value <= len(some[0].nodes) for leader in leaders(account.steps, account.task, count=6))


class TestDraws:
    def test_asking_anew_is_charged_again_and_asking_is_not(self, tmp_path: Path) -> None:
        (genome,) = genomes(1)
        account = bench(tmp_path, Counting(), is_noisy=True)
        account.losses([genome])
        for _ in range(2):
            account.losses_anew([genome])
        account.losses([genome])
        assert [step.replicate for step in account.steps] == [0, 1, 2]

    def test_fresh_draws_are_those_that_nobody_had(self, tmp_path: Path) -> None:
        first, second = genomes(2)
        search = replace(SearchSettings(), draws="fresh")
        account = Bench(task(is_noisy=True), Counting(), search=search, budget=9, seed=0, directory=tmp_path)  # type: ignore[arg-type]
        account.losses([first])
        account.losses([second])
        account.losses_anew([first, second])
        assert [step.replicate for step in account.steps] == [0, 1, 2, 2]


class TestGpGuided:
    def test_its_proposals_are_better_than_random_ones(self, tmp_path: Path) -> None:
        account = bench(tmp_path, Counting(), budget=96)
        with pytest.raises(BudgetSpentError):
            GpGuided().search(account)
        sizes = [step.evaluation.objectives["nll"] for step in account.steps]
        opening = 2 * FEWEST_SCORES
        assert np.mean(sizes[opening:]) < 0.8 * np.mean(sizes[len(SPACE.founders()) : opening])
        assert len({step.key for step in account.steps}) == len(account.steps)


class TestTunedMember:
    def test_the_rest_of_the_budget_goes_into_decoding(self, tmp_path: Path) -> None:
        account = bench(tmp_path, Counting(), budget=200, is_noisy=True)
        with pytest.raises(BudgetSpentError):
            TunedMember().search(account)
        assert all(len(SPACE.from_json(step.genome).of_type(MemberNode)) == 1 for step in account.steps)
        counts = Counter(step.key for step in account.steps)
        assert max(counts.values()) > 2  # again and again, on other prompts


class TestLeaders:
    def test_they_are_ranked_by_direction(self, tmp_path: Path) -> None:
        some = genomes(5)
        for direction, sign in (("minimise", 1), ("maximise", -1)):
            account = bench(tmp_path, Counting(), direction=direction)
            for genome in some:
                assert account.loss(genome) == sign * len(genome.nodes)
            values = [leader.value for leader in leaders(account.steps, account.task, count=5)]
            assert values == sorted(values, reverse=direction == "maximise")

    def test_under_noise_the_surer_of_equals_leads(self, tmp_path: Path) -> None:
        # Both have the same mean; the replicates of the second spread its prompts.
        sure, spread = [genome for genome in genomes(200) if len(genome.nodes) == 5][:2]
        account = bench(tmp_path, Counting(), is_noisy=True)
        account.evaluations([EvaluationRequest(SPACE.to_json(sure), "search", 0)])
        account.evaluations([EvaluationRequest(SPACE.to_json(spread), "search", 3)])
        assert [leader.key for leader in leaders(account.steps, account.task, count=2)] == [
            SPACE.key(sure),
            SPACE.key(spread),
        ]

    def test_metrics_keep_what_restricting_takes_out(self) -> None:
        evaluation = Evaluation.ok(
            {"nll": 1.0, "active_parameters": 2.0}, scores={}, metrics={"active_parameters": 2.0}
        )
        assert restricted(evaluation, [NLL]).objectives == {"nll": 1.0}
        assert restricted(evaluation, [NLL]).metrics == {"active_parameters": 2.0}
        assert restricted(Evaluation.failed(Outcome.OOM, "no"), [NLL, COST]).outcome is Outcome.OOM


class TestMemo:
    def test_equal_genomes_are_computed_once_across_objects(self, tmp_path: Path) -> None:
        (genome,) = genomes(1)
        request = EvaluationRequest(SPACE.to_json(genome), "search", 0)
        results = []
        for _ in range(2):
            evaluator = Counting()
            memo = MemoisedEvaluator(evaluator, version="v1", path=tmp_path / "memo.db")
            results += [memo.evaluate(request), memo.evaluate(request)]
            memo.close()
        assert all(result == results[0] for result in results)
        assert evaluator.requests == []

    @pytest.mark.parametrize("change", ["version", "panel", "replicate"])
    def test_what_decides_an_evaluation_decides_its_place(self, tmp_path: Path, change: str) -> None:
        (genome,) = genomes(1)
        address = {"version": "v1", "panel": "search", "replicate": 0}
        other = address | {change: 1 if change == "replicate" else "other"}
        evaluator = Counting()
        for place in (address, other):
            version = str(place["version"])
            memo = MemoisedEvaluator(evaluator, version=version, path=tmp_path / "memo.db")
            memo.evaluate(EvaluationRequest(SPACE.to_json(genome), place["panel"], place["replicate"]))  # type: ignore[arg-type]
            memo.close()
        assert len(evaluator.requests) == 2

    def test_a_crash_is_not_kept(self, tmp_path: Path) -> None:
        (genome,) = genomes(1)
        evaluator = Counting(most_nodes=0)
        memo = MemoisedEvaluator(evaluator, version="v1", path=tmp_path / "memo.db")
        request = EvaluationRequest(SPACE.to_json(genome), "search", 0)
        assert memo.evaluate(request) == memo.evaluate(request)
        memo.close()
        assert len(evaluator.requests) == 2


class TestCells:
    def test_a_method_that_finds_nothing_says_why(self, tmp_path: Path) -> None:
        with pytest.raises(FinalsError, match=r"'best_member' with seed 3 found nothing that could be scored: 3 nodes"):
            run_cell(
                "best_member",
                3,
                task(),  # type: ignore[arg-type]
                Counting(most_nodes=0),
                search=SearchSettings(),
                budget=9,
                finalists=2,
                directory=tmp_path,
            )
        assert list(tmp_path.iterdir()) == []
