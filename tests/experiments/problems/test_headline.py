from __future__ import annotations

from pathlib import Path

from experiments.problems import problem_of
from experiments.problems.agents.results import AgentContestant, compare_agents
from experiments.problems.compositions.finals import WINNER
from experiments.runs.story import RunStory


def test_a_run_without_results_has_none(tmp_path: Path) -> None:
    assert problem_of("composition").headline(tmp_path) is None
    assert problem_of("agent").headline(tmp_path) is None


def test_compositions_have_the_winner_last_and_numbers_beside_words(made_up_run: Path) -> None:
    with RunStory(made_up_run) as story:
        headline = story.headline()
    assert headline is not None
    assert headline.rows[-1][0] == WINNER
    assert all(len(row) == len(headline.columns) for row in headline.rows)
    assert headline.table["coherence"].between(headline.table["coherence_low"], headline.table["coherence_high"]).all()
    assert headline.winner_genome == headline.table["genome"].iloc[-1]


def test_agents_have_a_headline_too(tmp_path: Path) -> None:
    scripted = AgentContestant("scripted", None, None, [{"e1": 3.0, "e2": 5.0}])
    winner = AgentContestant(WINNER, "{}", 120, [{"e1": 7.0, "e2": 8.0}, {"e1": 9.0, "e2": 8.0}])
    compare_agents([scripted, winner], num_steps=512, resamples=100, seed=1).write(tmp_path)
    headline = problem_of("agent").headline(tmp_path)
    assert headline is not None
    assert [row[0] for row in headline.rows] == ["scripted", WINNER]
    assert headline.rows[-1][2] == "7.5, 8.5"
    assert all(len(row) == len(headline.columns) for row in headline.rows)
    assert headline.winner_genome == "{}"
