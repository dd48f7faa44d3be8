from __future__ import annotations

import json
import os
import re
import shutil
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from evolve.evaluator import EvaluationRequest
from evolve.history import replay
from evolve.testing import EvaluatorContract
from experiments.commands.export import export_winner
from experiments.commands.history import run_history
from experiments.commands.launch import dry_run_experiment, launch_experiment
from experiments.commands.resume import resume_run
from experiments.commands.status import run_status
from experiments.commands.watch import watch_agent
from experiments.config import ConfigError
from experiments.config.agents import ROLLOUT_TICKS, AgentExperimentConfig, LearningConfig
from experiments.config.execution import Execution
from experiments.config.loading import load_as
from experiments.problems import problem_of_file
from experiments.problems.agents.evaluator import AgentEvaluatorFactory, episode_seeds, make_worlds, trained_agent
from experiments.problems.agents.preparation import prepare_agents
from experiments.problems.agents.results import AgentContestant, AgentResults, compare_agents
from fitness.energy_flow.references import ReferenceVecEnv
from fitness.result import Outcome
from genomes.agent import AgentGenome, AgentSpace, default_agent
from genomes.agent.running.agent import PCDAgent
from genomes.agent.running.ppo import PPOSettings
from tests.paths import ROOT

EXPERIMENTS = ROOT / "experiments"
SMOKE = """
kind: agent
name: smoke
seed: 3
learning: {num_steps: 512, num_envs: 8, episodes: 4}
space: {max_modules: 6}
search: {mode: nsga2, population: 4, tournament: 2, lag: 2, rescore_every: 4, rescore_top: 2}
budget: {births: 7}
workers: {count: 1, deadline_seconds: 300}
report: {finalists: 2, trainings: 2, episodes: 4, bootstrap_resamples: 200}
"""
SERIAL = Execution(serial=True)


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    path = tmp_path / "smoke.yaml"
    path.write_text(SMOKE)
    return path


def quiet() -> Console:
    return Console(file=StringIO(), width=100)


class TestEvaluator(EvaluatorContract):
    @pytest.fixture(autouse=True)
    def problem(self):
        settings = {"num_steps": 512, "num_envs": 8, "episodes": 4}
        self._problem = prepare_agents(
            AgentExperimentConfig(kind="agent", name="t", learning=settings, space={"max_modules": 7})
        )
        return self._problem

    def factory(self) -> AgentEvaluatorFactory:
        return self._problem.factory

    def requests(self) -> list[EvaluationRequest]:
        agents = (dict(self._problem.space.founders())["minimal"], default_agent())
        return [EvaluationRequest(text, "search", 0) for text in ("{}", *map(self._problem.space.to_json, agents))]

    def test_objectives_are_the_mean_return_and_the_weights(self, problem) -> None:
        result = problem.factory().evaluate(self.requests()[-1])
        assert result.is_ok
        assert result.objectives["parameters"] > 200_000
        assert result.objectives["return"] == pytest.approx(sum(result.scores.values()) / 4)

    def test_replicates_are_other_trainings_on_other_episodes(self, problem) -> None:
        text = problem.space.to_json(dict(problem.space.founders())["minimal"])
        first, second = (problem.factory().evaluate(EvaluationRequest(text, "search", number)) for number in (0, 1))
        assert not set(first.scores) & set(second.scores)

    def test_test_episodes_are_the_same_for_every_training(self, problem) -> None:
        seeds = [episode_seeds(problem.factory, panel="test", replicate=number) for number in (0, 1)]
        assert seeds[0] == seeds[1]
        assert len(set(seeds[0])) == 64

    def test_what_is_no_agent_of_the_space_is_invalid(self, problem) -> None:
        evaluator = problem.factory()
        assert evaluator.evaluate(EvaluationRequest("{}", "search", 0)).outcome is Outcome.INVALID
        lonely = problem.space.to_json(AgentGenome({"action": default_agent().modules["action"]}, []))
        evaluation = evaluator.evaluate(EvaluationRequest(lonely, "search", 0))
        assert evaluation.outcome is Outcome.INVALID
        assert "[perceives] No perception feeds ['action']; add one." in str(evaluation.error)

    def test_version_tells_tasks_apart(self, problem) -> None:
        config = problem.config
        other = config.model_copy(update={"task": config.task.model_copy(update={"reward": "intrinsic"})})
        assert prepare_agents(other).factory.version != problem.factory.version
        assert isinstance(make_worlds(other.task, 2), ReferenceVecEnv)


class TestInheritance:
    """Lamarckian: weights of ancestors are taken over, through a cache that decides nothing."""

    @pytest.fixture
    def problem(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("COMPOSITE_EVOLVE_CACHE", str(tmp_path / "cache"))
        settings = {"num_steps": 512, "num_envs": 8, "episodes": 4}
        space = {"max_modules": 7, "inherited_trainings": 2}
        return prepare_agents(AgentExperimentConfig(kind="agent", name="t", learning=settings, space=space))

    def test_learning_goes_on_from_the_ancestor(self, problem) -> None:
        minimal = dict(problem.space.founders())["minimal"]
        once = trained_agent(minimal, problem.factory, panel="search", replicate=0)
        child = problem.space.inherit(minimal, minimal)
        started = PCDAgent(minimal, seed=7)
        num_weights = sum(value.numel() for value in started.network.state_dict().values())
        assert started.inherit(once.network.state_dict()) == num_weights
        twice = trained_agent(child, problem.factory, panel="search", replicate=0)
        again = trained_agent(child, problem.factory, panel="search", replicate=0)
        shutil.rmtree(tmp := Path(os.environ["COMPOSITE_EVOLVE_CACHE"]))
        uncached = trained_agent(child, problem.factory, panel="search", replicate=0)
        assert any(tmp.rglob("weights.safetensors"))
        for name, value in twice.network.state_dict().items():
            assert torch.equal(value, again.network.state_dict()[name])
            assert torch.equal(value, uncached.network.state_dict()[name])
        assert not torch.equal(twice.network.critic.head.weight, once.network.critic.head.weight)

    def test_only_weights_of_equal_name_and_shape_are_taken_over(self, problem) -> None:
        founders = dict(problem.space.founders())
        source, target = PCDAgent(founders["minimal"], seed=1), PCDAgent(founders["default"], seed=2)
        before = {name: value.clone() for name, value in target.network.state_dict().items()}
        given = source.network.state_dict()
        taken = target.inherit(given)
        after = target.network.state_dict()
        fitting = {name for name in before if name in given and given[name].shape == before[name].shape}
        assert any(name.startswith("parts.perception1") for name in fitting)
        assert taken == sum(before[name].numel() for name in fitting)
        for name in before:
            assert torch.equal(after[name], given[name] if name in fitting else before[name])

    def test_a_run_compares_at_equally_many_trainings(self, experiment: Path, tmp_path: Path, problem) -> None:
        settings = ("space.inherited_trainings=2", "budget.births=10", "report.trainings=1")
        execution = Execution(serial=True, settings=settings)
        results = launch_experiment(experiment, execution=execution, runs=tmp_path / "runs", console=quiet())
        table = run_history(tmp_path / "runs" / "smoke")
        assert table["genome.num_ancestors"].max() >= 1
        founder, winner = (AgentSpace().from_json(row.genome).num_ancestors for row in results.rows[-2:])
        assert founder == winner


class TestRuns:
    def test_launch_resume_export_and_watch(self, experiment: Path, tmp_path: Path) -> None:
        console = quiet()
        results = launch_experiment(experiment, execution=SERIAL, runs=tmp_path / "runs", console=console)
        directory = tmp_path / "runs" / "smoke"
        assert isinstance(results, AgentResults)
        scripted = ["random actions", "scripted, no memory", "scripted, with memory"]
        # The default agent has 7 modules, so the first founder of this space is another one.
        assert [row.label for row in results.rows] == [*scripted, "minimal agent", "evolved winner"]
        assert [len(row.by_training) for row in results.rows] == [1, 1, 1, 2, 2]
        assert AgentResults.read(directory) == results
        assert "evolve agent watch agent/" in console.file.getvalue()
        status = run_status(directory)
        assert (status["state"], status["births"], status["failures"]) == ("finished", 7, 0)
        table = run_history(directory)
        assert len(table) == 7
        assert table["genome.num_modules"].max() <= 6
        replay(directory)

        resumed = resume_run(
            directory, execution=Execution(serial=True, settings=("budget.births=8",)), console=quiet()
        )
        assert isinstance(resumed, AgentResults)
        assert run_status(directory)["births"] == 8

        artifact = export_winner(directory, tmp_path / "agent")
        assert "| evolved winner |" in (artifact / "README.md").read_text()
        with pytest.raises(FileExistsError, match=r"is there and not empty.*--overwrite"):
            export_winner(directory, tmp_path / "agent")
        pytest.importorskip("PIL")
        earned = watch_agent(artifact, to=tmp_path / "episode.gif", seed=1)
        assert 0 < earned < 500
        assert (tmp_path / "episode.gif").read_bytes()[:6] == b"GIF89a"
        with pytest.raises(ValueError, match=r"--to is 'episode\.mp4'; allowed are names that end with '\.gif'\."):
            watch_agent(artifact, to=Path("episode.mp4"))

    def test_a_run_cut_short_and_resumed_has_the_same_history(self, experiment: Path, tmp_path: Path) -> None:
        def digest(name: str, *budgets: int) -> str:
            directory = tmp_path / name / "smoke"
            for number, births in enumerate(budgets):
                settings = (f"budget.births={births}", "report.finalists=1", "report.trainings=1", "report.episodes=2")
                execution = Execution(serial=True, settings=settings)
                if number == 0:
                    launch_experiment(experiment, execution=execution, runs=tmp_path / name, console=quiet())
                else:
                    resume_run(directory, execution=execution, console=quiet())
            return run_status(directory)["trajectory_digest"]

        assert digest("whole", 6) == digest("parts", 4, 6)

    def test_dry_run_says_what_it_would_take(self, experiment: Path, tmp_path: Path) -> None:
        console = quiet()
        dry_run_experiment(experiment, execution=SERIAL, console=console)
        assert re.search(r"7 births, about 8 evaluations of 512 ticks, then 6 for the table", console.file.getvalue())
        assert list(tmp_path.iterdir()) == [experiment]


class TestConfig:
    def test_the_shipped_experiment_is_valid(self) -> None:
        assert problem_of_file(EXPERIMENTS / "pcd.yaml").kind == "agent"
        config = load_as(AgentExperimentConfig, EXPERIMENTS / "pcd.yaml")
        assert config.search.mode == "nsga2"
        assert AgentExperimentConfig.model_validate_json(json.dumps(config.to_document())) == config
        assert problem_of_file(EXPERIMENTS / "quickstart.yaml").kind == "composition"

    def test_kinds_that_there_are_not_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "x.yaml"
        path.write_text("name: x\nkind: agnet\n")
        with pytest.raises(
            ConfigError, match=r"kind: is 'agnet'; allowed: .*Did you mean 'agent'.*\(.*x\.yaml, line 2\)"
        ):
            problem_of_file(path)

    def test_rollouts_are_as_long_as_the_learner_says(self) -> None:
        settings = PPOSettings()
        least = LearningConfig(num_steps=ROLLOUT_TICKS * settings.batch_worlds, num_envs=settings.batch_worlds)
        assert (settings.window, least.num_envs) == (ROLLOUT_TICKS, settings.batch_worlds)

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("task.layout=Seed", r"task\.layout: is 'Seed'; allowed: 'random', 'scatter', 'seed'\. Did you mean 's"),
            ("learning.num_steps=100", r"learning\.num_steps: is 100; 8 worlds need 512 or more, which is one rollout"),
            ("learning.num_envs=9", r"learning\.num_envs: is 9; it should be a multiple of 8"),
            (
                "space.kinds=[action]",
                r"space\.kinds: \['action'\] lacks 'perception', without which no agent acts",
            ),
            ("space.kinds=[perception, action, dream]", r"space\.kinds: 'dream' is no kind of module; allowed: "),
            ("task.speed=2", r"task\.speed: unknown key; allowed: .*'layout', 'reward'"),
        ],
    )
    def test_errors_name_key_value_and_place(self, experiment: Path, override: str, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            load_as(AgentExperimentConfig, experiment, [override])


class TestComparison:
    def test_gains_are_paired_over_episodes(self) -> None:
        contestants = [
            AgentContestant("plain", "{}", 5, [{"a": 1.0, "b": 5.0}, {"a": 3.0, "b": 7.0}]),
            AgentContestant("winner", "{}", 5, [{"a": 4.0, "b": 8.0}]),
        ]
        first, winner = compare_agents(contestants, num_steps=1, resamples=100, seed=0).rows
        assert first.by_training == (3.0, 5.0)
        assert first.returns.value == 4.0
        assert (first.winner_gain.value, first.winner_gain.low, first.winner_gain.high) == (2.0, 2.0, 2.0)
        assert winner.winner_gain is None

    def test_other_episodes_cannot_be_compared(self) -> None:
        contestants = [
            AgentContestant("x", None, None, [{"a": 1.0}]),
            AgentContestant("y", None, None, [{"b": 1.0, "c": 1}]),
        ]
        with pytest.raises(ValueError, match=r"'x' played 1 episodes that are not the 2 of 'y'"):
            compare_agents(contestants, num_steps=1, resamples=100, seed=0)


def test_the_default_agent_learns_to_live() -> None:
    learning = {"num_steps": 40_960, "num_envs": 32, "episodes": 16}
    problem = prepare_agents(AgentExperimentConfig(kind="agent", name="t", learning=learning))
    request = EvaluationRequest(problem.space.to_json(default_agent()), "search", 0)
    assert problem.factory().evaluate(request).objectives["return"] > 90  # random actions: about 50
