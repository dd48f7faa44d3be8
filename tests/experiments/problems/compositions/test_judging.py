from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.commands.launch import launch_experiment
from experiments.config.execution import Execution
from experiments.corpora.documents import Example
from experiments.problems.compositions.judging import Judgement, judge_verdict, judged
from experiments.problems.compositions.results import Results
from experiments.problems.compositions.table import print_results, verdict
from experiments.problems.compositions.view import composition_headline
from experiments.problems.errors import FinalsError
from tests.experiments.problems.compositions.test_results import _contestant, _results, _scores
from tests.experiments.tiny_experiment import write_experiment, write_members

EXAMPLES = [Example(f"p{number}", "talk", ("Hello.",), "0.9", f"d{number}") for number in range(40)]


class Reader:
    """Finds a reply as good as the number that it says."""

    def score(self, contexts: Sequence[Sequence[str]], replies: Sequence[str]) -> list[float]:
        assert len(contexts) == len(replies)
        return [float(reply) for reply in replies]


def _said(seed: int, shift: float = 0.0) -> dict[str, str]:
    return {prompt: str(score) for prompt, score in _scores(seed, shift=shift, count=40).items()}


def _judgement(**rows: dict[str, str]) -> Judgement:
    answers = {label.replace("_", " "): said for label, said in rows.items()}
    return judged(answers, EXAMPLES, Reader(), name="a reader", resamples=500, seed=1)


def test_means_and_paired_gains_are_those_of_the_numbers() -> None:
    judgement = _judgement(base=_said(1), evolved_winner=_said(1, 0.25))
    base, winner = judgement.rows
    assert judgement.human == pytest.approx(0.9)
    assert (judgement.num_prompts, judgement.judge) == (40, "a reader")
    assert winner.value.value - base.value.value == pytest.approx(0.25)
    assert base.value.low < base.value.value < base.value.high
    assert base.winner_gain is not None
    assert base.winner_gain.low == pytest.approx(0.25)  # Paired: the spread of the prompts is gone.
    assert base.winner_gain_p is not None
    assert base.winner_gain_p < 0.01
    assert (winner.winner_gain, winner.winner_gain_p) == (None, None)


def test_p_values_are_corrected_for_the_number_of_rows() -> None:
    alone = _judgement(base=_said(1), evolved_winner=_said(2, 0.06)).rows[0]
    among = _judgement(base=_said(1), one=_said(3), two=_said(4), evolved_winner=_said(2, 0.06)).rows[0]
    assert alone.winner_gain_p is not None
    assert among.winner_gain_p is not None
    assert among.winner_gain_p > alone.winner_gain_p


def test_agreement_is_told_without_a_warning() -> None:
    said = judge_verdict(
        _judgement(base=_said(1), evolved_winner=_said(1, 0.25)), ahead="evolved winner", objective="coherence"
    )
    assert said.startswith("The judge a reader, which the search never saw, prefers evolved winner to base by +0.25 [")
    assert said.endswith("Holm-corrected: significant.")


def test_disagreement_is_a_warning_that_tells_whether_it_is_chance() -> None:
    strong = _judgement(base=_said(1, 0.25), evolved_winner=_said(1))
    said = judge_verdict(strong, ahead="evolved winner", objective="coherence")
    assert said.startswith(
        "Warning: judge and coherence disagree on who won; by coherence it is evolved winner. The judge"
    )
    assert "prefers base to evolved winner by +0.25 [+0.25, +0.25] nats per token" in said
    assert said.endswith(": significant.")
    weak = _judgement(base=_said(1), evolved_winner=_said(7))
    assert judge_verdict(weak, ahead="base", objective="coherence").endswith("Holm-corrected: not significant.")


def test_a_search_that_lost_agrees_with_a_judge_that_says_so() -> None:
    judgement = _judgement(base=_said(1, 0.25), evolved_winner=_said(1))
    said = judge_verdict(judgement, ahead="base", objective="coherence")
    assert said.startswith("The judge a reader, which the search never saw, prefers base to evolved winner")


def _judged_results() -> Results:
    results = _results(_contestant("base", _scores(1)), _contestant("evolved winner", _scores(2, shift=0.1)))
    return replace(results, judgement=_judgement(base=_said(1, 0.25), evolved_winner=_said(1)))


def test_the_row_ahead_is_the_winner_unless_another_gained_on_it() -> None:
    assert _judged_results().ahead.label == "evolved winner"
    lost = _results(_contestant("base", _scores(1, shift=0.2)), _contestant("evolved winner", _scores(2)))
    assert lost.ahead.label == "base"


def test_table_verdict_and_report_show_the_judge() -> None:
    results = _judged_results()
    console = Console(width=100, record=True)
    print_results(results, console=console)
    shown = console.export_text()
    assert "judge ↑" in shown
    assert "The judge a reader read the answers to 40 of these prompts" in shown
    assert verdict(results).splitlines()[-1].startswith("Warning: judge and coherence disagree")
    headline = composition_headline(results)
    assert "judge in nats ↑" in headline.columns
    assert all(len(row) == len(headline.columns) for row in headline.rows)
    assert headline.table["judge_winner_gain"][0] == pytest.approx(-0.25)
    assert any(sentence.startswith("Warning: judge") for sentence in headline.sentences)


def test_without_a_judge_nothing_of_it_is_shown() -> None:
    results = replace(_judged_results(), judgement=None)
    console = Console(width=100, record=True)
    print_results(results, console=console)
    assert "judge" not in console.export_text()
    headline = composition_headline(results)
    assert not any("judge" in name for name in (*headline.columns, *headline.table.columns))
    assert all(len(row) == len(headline.columns) for row in headline.rows)


def test_a_judgement_survives_its_file_and_files_without_one_are_read(tmp_path: Path) -> None:
    results = _judged_results()
    path = results.write(tmp_path)
    assert Results.read(tmp_path) == results
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["judgement"] == json.loads(json.dumps(asdict(results.judgement)))  # type: ignore[arg-type]
    del document["judgement"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert Results.read(tmp_path) == replace(results, judgement=None)


def test_a_launched_experiment_ends_with_the_opinion_of_its_judge(tmp_path: Path) -> None:
    write_members(tmp_path / "judges", ("stranger",))
    path = write_experiment(
        tmp_path,
        budget={"births": 8},
        report={
            "finalists": 1,
            "bootstrap_resamples": 100,
            "baselines": ["best_member"],
            "judge": {"path": "judges/stranger"},
            "judge_prompts": 5,
        },
    )
    launch_experiment(path, execution=Execution(serial=True), runs=tmp_path / "runs")
    results = Results.read(tmp_path / "runs" / "tiny")
    assert results is not None
    assert results.judgement is not None
    assert (results.judgement.judge, results.judgement.num_prompts) == ("stranger", 5)
    assert list(results.judgement.by_label) == [row.label for row in results.rows]
    report = (tmp_path / "runs" / "tiny" / "report.html").read_text(encoding="utf-8")
    assert "The judge stranger, which the search never saw" in report


def test_a_judge_that_is_not_there_is_told_before_the_search(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, report={"judge": {"path": "nowhere"}})
    with pytest.raises(FinalsError, match=r"report.judge cannot be loaded from directory '.*nowhere'"):
        launch_experiment(path, execution=Execution(serial=True), runs=tmp_path / "runs")
    assert not (tmp_path / "runs" / "tiny").exists()
