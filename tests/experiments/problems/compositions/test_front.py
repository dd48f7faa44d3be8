"""A run with three objectives, one of them a user's function that sometimes fails: its front, tables and exports."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from evolve.history import read_state
from evolve.individual import Fitness
from experiments.commands.evaluate import evaluate_genome
from experiments.commands.export import export_genome, export_winner
from experiments.commands.history import run_history
from experiments.commands.launch import launch_experiment
from experiments.commands.replay import replay_run
from experiments.commands.resume import resume_run
from experiments.commands.status import print_status, run_status
from experiments.config import load_experiment
from experiments.config.execution import Execution
from experiments.problems.compositions.front import Front
from experiments.problems.compositions.front_measurement import thinned
from experiments.problems.compositions.objectives import operators_of, reproducibility_note
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.results import Results
from fitness.objectives import OBJECTIVES, ObjectiveError
from fitness.panels import NUM_PROMPTS
from fitness.result import Outcome
from tests.experiments.tiny_experiment import ROOT, write_experiment

SOURCE = """
import math

def brevity(examination, *, too_many):
    if examination.language_model.active_parameters_per_token > too_many:
        return math.nan
    return [1.0 / (1 + len(answer.split())) for answer in examination.answers]
"""
FUNCTION = {"function": "mine:brevity", "direction": "maximise", "parameters": {"too_many": 20_000}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the experiment, the user's module, and the finished run."""
    directory = tmp_path_factory.mktemp("front")
    (directory / "mine.py").write_text(SOURCE)
    path = write_experiment(
        directory,
        name="front",
        fitness={"objectives": ["nll", FUNCTION, "active_parameters"], "prompts_per_evaluation": 4},
        search={"mode": "nsga2", "population": 6, "tournament": 3, "lag": 4, "rescore_every": 4, "rescore_top": 2},
        budget={"births": 16, "max_failures_share": 0.99},
        report={"finalists": 2, "front_members": 3, "bootstrap_resamples": 100, "baselines": ["best_member"]},
    )
    console = Console(file=io.StringIO(), width=200)
    launch_experiment(path, execution=Execution(serial=True), runs=directory, console=console)
    (directory / "printed.txt").write_text(console.file.getvalue())  # type: ignore[attr-defined]
    return directory


@pytest.fixture
def run(home: Path) -> Path:
    return home / "front"


@pytest.fixture
def without_the_function(home: Path) -> Iterator[None]:
    """The user's module is away, so whatever asks for it fails."""
    (home / "mine.py").rename(home / "mine.away")
    yield
    (home / "mine.away").rename(home / "mine.py")


class TestRun:
    def test_the_front_is_written_and_survives_its_file(self, run: Path) -> None:
        front = Front.read(run)
        assert front is not None
        assert 1 <= len(front.members) <= 3
        assert [objective.name for objective in front.objectives] == ["nll", "brevity", "active_parameters"]
        keys = {one.key for one in read_state(run).pareto_front}
        assert {one.key for one in front.members} <= keys
        assert len(keys) == front.num_found
        table = pd.read_csv(run / "pareto.csv")
        assert list(table["key"]) == [one.key for one in front.members]
        assert list(table["validation.nll"]) == pytest.approx([one.validation["nll"].value for one in front.members])
        assert Front(front.objectives, (), 4).table().empty

    def test_domination_is_judged_on_validation(self, run: Path) -> None:
        front = Front.read(run)
        assert front is not None
        weights = (-1.0, 1.0, -1.0)
        made = [Fitness(weights, [one.validation[o.name].value for o in front.objectives]) for one in front.members]
        for one, fitness in zip(front.members, made, strict=True):
            assert one.is_dominated == any(other.dominates(fitness) for other in made)
        assert list(front.members) == sorted(front.members, key=lambda one: one.validation["nll"].value)

    def test_front_and_table_are_printed_with_every_objective(self, home: Path, run: Path) -> None:
        console = Console(file=io.StringIO(), width=200)
        print_status(run, as_json=False, console=console)
        for printed in ((home / "printed.txt").read_text(), console.file.getvalue()):  # type: ignore[attr-defined]
            assert "Pareto front" in printed
            assert "brevity ↑" in printed
            assert "active_parameters ↓" in printed
        assert "best single member in nll: " in (home / "printed.txt").read_text()
        assert {one["key"] for one in run_status(run)["front"]} == set(pd.read_csv(run / "pareto.csv")["key"])

    def test_the_winner_leads_in_the_leading_objective(self, run: Path) -> None:
        results = Results.read(run)
        assert results is not None
        assert [row.objectives.keys() for row in results.rows] == [{"nll", "brevity", "active_parameters"}] * 2
        base, winner = results.rows
        assert base.winner_gain is not None
        assert base.winner_gain.value == pytest.approx(base.nll.value - winner.nll.value)

    def test_numbers_that_are_not_finite_are_recorded_and_the_run_goes_on(self, run: Path) -> None:
        table = run_history(run)
        failed = table[table["status"] == Outcome.NONFINITE]
        assert 0 < len(failed) < len(table) == 16
        assert failed["error"].str.contains(r"The objective 'brevity' \(mine:brevity\) gave nan").all()


class TestReading:
    @pytest.mark.usefixtures("without_the_function")
    def test_looking_at_a_run_needs_nothing_of_its_functions(self, run: Path, tmp_path: Path) -> None:
        assert run_status(run)["state"] == "finished"
        assert len(run_history(run)) == 16
        assert replay_run(run, verify=True) is not None
        export_winner(run, tmp_path / "winner")

    @pytest.mark.usefixtures("without_the_function")
    def test_resuming_does(self, run: Path) -> None:
        with pytest.raises(ObjectiveError, match="'mine:brevity' names the module 'mine', and there is no such module"):
            resume_run(run, execution=Execution(serial=True))

    def test_any_member_of_the_front_can_be_exported(self, run: Path, tmp_path: Path) -> None:
        front = Front.read(run)
        assert front is not None
        other = next(one for one in front.members if not one.is_winner)
        export_winner(run, tmp_path / "by-key", individual=other.key[:10])
        export_winner(run, tmp_path / "by-id", individual=other.id)
        written = (tmp_path / "by-key" / "genome.json").read_text()
        assert written == (tmp_path / "by-id" / "genome.json").read_text() == other.genome + "\n"
        card = (tmp_path / "by-key" / "README.md").read_text()
        assert "not the winner of a final comparison" in card
        assert f"| nll | {other.search['nll']:.4g} | {other.validation['nll'].value:.4g} [" in card

    def test_an_individual_that_is_not_there_is_named_with_the_closest(self, run: Path, tmp_path: Path) -> None:
        key = read_state(run).pareto_front[0].key
        wrong = key[:7] + ("0" if key[7] != "0" else "1")
        with pytest.raises(ValueError, match=rf"--individual is '{wrong}'.*Did you mean '{key[:8]}'\?"):
            export_winner(run, tmp_path / "none", individual=wrong)
        with pytest.raises(ValueError, match=r"--individual is '', with which \d+ keys begin"):
            export_winner(run, tmp_path / "none", individual="")


class TestByHand:
    @pytest.fixture
    def genome(self, home: Path, run: Path) -> Path:
        front = Front.read(run)
        assert front is not None
        path = home / "genome.json"
        path.write_text(json.dumps(json.loads(front.members[0].genome), indent=2))
        return path

    def test_a_genome_file_is_scored_as_the_run_scored_it(
        self, home: Path, run: Path, genome: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scores = evaluate_genome(genome, home / "tiny.yaml", as_json=True)
        front, printed = Front.read(run), json.loads(capsys.readouterr().out)
        assert front is not None
        by_name = {score.objective.name: score for score in scores}
        assert set(by_name) == {*OBJECTIVES, "brevity"}
        for name, interval in front.members[0].validation.items():
            assert by_name[name].value.value == pytest.approx(interval.value)
        assert printed["genome"] == front.members[0].key
        assert (printed["panel"], printed[NUM_PROMPTS]) == ("validation", 6)
        assert printed["objectives"][0]["objective"]["name"] == "nll"

    def test_a_table_for_people_names_every_objective(self, home: Path, genome: Path) -> None:
        console = Console(file=io.StringIO(), width=200)
        evaluate_genome(genome, home / "tiny.yaml", panel="search", console=console)
        printed = console.file.getvalue()  # type: ignore[attr-defined]
        assert "on search prompts of front" in printed
        assert all(name in printed for name in (*OBJECTIVES, "brevity", "8 prompts"))

    def test_what_cannot_be_scored_says_why(self, home: Path, genome: Path) -> None:
        with pytest.raises(ValueError, match="--panel is 'train'; allowed are validation, test, search"):
            evaluate_genome(genome, home / "tiny.yaml", panel="train")
        settings = (f"fitness.objectives=[nll, {json.dumps({**FUNCTION, 'parameters': {'too_many': 0}})}]",)
        with pytest.raises(
            ValueError, match=r"could not be scored: NONFINITE, The objective 'brevity' \(mine:brevity\)"
        ):
            evaluate_genome(genome, home / "tiny.yaml", settings=settings)

    def test_a_genome_file_becomes_an_artifact(self, home: Path, genome: Path, tmp_path: Path) -> None:
        export_genome(genome, home / "tiny.yaml", tmp_path / "artifact")
        card = (tmp_path / "artifact" / "README.md").read_text()
        assert "written by hand" in card
        assert "Not measured" in card
        assert (tmp_path / "artifact" / "model.safetensors").exists()


class TestVersion:
    def test_the_evaluators_version_follows_the_users_source(self, home: Path) -> None:
        config = load_experiment(home / "tiny.yaml")
        before = prepare(config, is_serial=True).factory.version
        assert prepare(config, is_serial=True).factory.version == before
        (home / "mine.py").write_text(SOURCE + "\n# changed\n")
        after = prepare(config, is_serial=True).factory.version
        (home / "mine.py").write_text(SOURCE)
        assert after != before

    def test_only_clocks_are_warned_of(self, home: Path) -> None:
        document = yaml.safe_load((home / "tiny.yaml").read_text())
        assert document["name"] == "front"
        plain = operators_of(load_experiment(home / "tiny.yaml").fitness)
        timed = operators_of(load_experiment(home / "tiny.yaml", ["fitness.objectives=[nll, latency]"]).fitness)
        assert reproducibility_note(plain) is None
        assert "latency is measured by the clock" in (reproducibility_note(timed) or "")


def test_the_documented_section_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own-objective.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"^```yaml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (module, _) = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "politeness.py").write_text(module)
    (tmp_path / "e.yaml").write_text(
        "name: e\ndata: {domains: {d: {corpus: chitchat}}}\n"
        "members: {catalogue: {m: {bundled: generalist}}}\n" + section
    )
    operators = operators_of(load_experiment(tmp_path / "e.yaml").fitness)
    assert [operator.name for operator in operators] == ["coherence", "share"]


class _Point:
    def __init__(self, key: str, values: list[float]) -> None:
        self.key, self.fitness = key, Fitness((1.0, -1.0), values)


class TestThinning:
    def test_extremes_stay_and_the_rest_is_spread(self) -> None:
        points = [_Point(f"k{number:02}", [number, float(number)]) for number in range(11)]
        chosen = thinned(points, count=3)  # type: ignore[arg-type]
        assert [one.key for one in chosen] == ["k00", "k05", "k10"]
        assert thinned(points, count=20) == points  # type: ignore[arg-type]

    def test_scales_do_not_matter(self) -> None:
        values = np.random.default_rng(0).random((12, 2))
        one = [_Point(f"k{n:02}", list(value)) for n, value in enumerate(values)]
        other = [_Point(f"k{n:02}", list(value * [1.0, 1e6])) for n, value in enumerate(values)]
        assert [p.key for p in thinned(one, count=5)] == [p.key for p in thinned(other, count=5)]  # type: ignore[arg-type]
