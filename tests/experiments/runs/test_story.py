"""The story is the engine's own fold with more noted down, however it is cut into pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.errors import RunMissingError
from evolve.history import history, read_state
from experiments.runs.story import RunStory
from tests.experiments.report.made_up import carry_on, search, start


@pytest.fixture(scope="module")
def story(made_up_run: Path) -> RunStory:
    with RunStory(made_up_run) as story:
        story.advance()
    return story


def test_its_state_is_the_one_of_the_log(story: RunStory, made_up_run: Path) -> None:
    assert story.state.summary() == read_state(made_up_run).summary()


def test_births_are_those_of_the_history(story: RunStory, made_up_run: Path) -> None:
    frame = history(made_up_run)
    assert [birth.number for birth in story.births] == frame.index.tolist()
    assert [birth.key for birth in story.births] == frame["key"].tolist()
    assert [birth.outcome for birth in story.births] == frame["status"].tolist()
    assert [" ".join(birth.parents) for birth in story.births] == [one.replace("+", " ") for one in frame["parents"]]


def test_gains_are_against_scored_parents_only(story: RunStory) -> None:
    gained = [birth for birth in story.births if birth.gain is not None]
    assert gained
    assert all(birth.parents and birth.outcome == "OK" and not birth.is_duplicate for birth in gained)
    assert all(birth.gain is None for birth in story.births if birth.outcome != "OK" or not birth.parents)


def test_failures_are_those_that_the_state_counts(story: RunStory) -> None:
    assert 0 < sum(story.failures.values()) == story.state.num_failures


def test_every_evaluation_is_work(story: RunStory) -> None:
    assert len([one for one in story.work if one.kind != "measurement"]) >= story.state.num_evaluations
    assert len([one for one in story.work if one.kind == "measurement"]) == 3 * 2  # Rows, answers to each prompt.


def test_the_last_best_is_the_incumbent(story: RunStory) -> None:
    incumbent = story.state.incumbent
    assert incumbent is not None
    assert story.best[-1].id == incumbent.id
    assert story.best[-1].mean == incumbent.results.means["coherence"]
    assert [one.evaluations for one in story.best] == sorted(one.evaluations for one in story.best)


@pytest.mark.parametrize("events", [1, 7, 10_000])
def test_pieces_give_the_same_story(story: RunStory, made_up_run: Path, events: int) -> None:
    with RunStory(made_up_run) as again:
        while again.advance(events):
            pass
    assert again.births == story.births
    assert again.best == story.best
    assert again.samples.points == story.samples.points
    assert again.num_events == story.num_events


def test_it_follows_a_run_that_is_resumed(tmp_path: Path) -> None:
    with start(tmp_path / "run", births=12) as run:
        search(run)
    with RunStory(tmp_path / "run") as story:
        story.advance()
        assert len(story.births) == 12
        assert story.advance() == 0
        carry_on(tmp_path / "run", births=20)
        assert story.advance() > 0
        assert len(story.births) == 20
        assert story.state.digest == read_state(tmp_path / "run").digest


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunMissingError, match=r"no run.db in .*nowhere"):
        RunStory(tmp_path / "nowhere")
