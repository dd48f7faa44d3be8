"""Runs against each other: who is paired with whom, and what is said of it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from evolve.errors import RunMissingError
from experiments.commands.compare_runs import print_comparison
from experiments.problems.compositions.results import Results
from experiments.runs.comparison import compare_runs
from tests.evolve.toy import create
from tests.experiments.report.made_up import finished, start


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("compared")
    other = {"data": {"prompts": {"test": 20}, "domains": {"other": {}}}}
    return [
        finished(directory / "one", births=30, seed=1),
        finished(directory / "two", births=12, seed=2),
        finished(directory / "other-data", births=12, seed=2, **other),
    ]


def test_winners_are_paired_where_prompts_are_the_same(runs: list[Path]) -> None:
    comparison = compare_runs(runs, resamples=500)
    first, second, third = comparison.runs
    assert first.gain is None
    assert second.gain is not None
    assert third.gain is not None
    assert (second.gain.is_paired, third.gain.is_paired) == (True, False)
    for run in (second, third):
        assert run.gain is not None
        assert run.test is not None
        assert first.test is not None
        assert run.gain.difference.value == pytest.approx(run.test.value - first.test.value)
        assert run.gain.difference.low <= run.gain.difference.value <= run.gain.difference.high
        assert 0 < run.gain.p_value <= 1
    # The same difference, paired and not: the made-up scores of one genome are the same in both runs.
    assert second.gain.difference.value == pytest.approx(third.gain.difference.value)


def test_the_first_row_says_what_the_run_itself_says(runs: list[Path]) -> None:
    results = Results.read(runs[0])
    assert results is not None
    test = compare_runs(runs, resamples=300).runs[0].test
    assert test == results.winner.coherence


def test_searches_are_compared_at_equal_cost(runs: list[Path]) -> None:
    comparison = compare_runs(runs, resamples=100)
    assert comparison.common_evaluations == min(run.evaluations for run in comparison.runs)
    assert comparison.runs[0].evaluations > comparison.common_evaluations
    assert all(run.best_at_common is not None for run in comparison.runs)


def test_a_run_without_an_end_has_no_gain(runs: list[Path], tmp_path: Path) -> None:
    start(tmp_path / "new").close()
    begun = compare_runs([runs[0], tmp_path / "new"], resamples=100).runs[1]
    assert (begun.state, begun.test, begun.gain, begun.best_at_common) == ("interrupted", None, None, None)


def test_what_cannot_be_compared_is_named(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="runs compare was given 1 run; it takes two or more"):
        compare_runs(runs[:1])
    create(tmp_path / "toy").close()
    with pytest.raises(ValueError, match=r"toy' is led by 'quality', .*one' by 'coherence'"):
        compare_runs([runs[0], tmp_path / "toy"])
    with pytest.raises(RunMissingError, match="nowhere"):
        compare_runs([runs[0], tmp_path / "nowhere"])


def test_it_is_printed_for_people_and_for_machines(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=StringIO(), width=160)
    print_comparison(runs, console=console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "paired over prompts" in printed
    assert "not paired" in printed
    assert "Holm-corrected" in printed
    print_comparison(runs, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 3
