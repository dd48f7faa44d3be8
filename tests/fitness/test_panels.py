"""Windows and answers of a panel, and the samples that intervals are made of."""

import numpy as np
import pytest

from fitness.coherence.agent import level
from fitness.objectives import OBJECTIVES
from fitness.panels import NUM_PROMPTS, better_first, by_answer, interval_of, joined, numbers_of, sample_of
from fitness.result import Evaluation, Objective, Outcome
from fitness.statistics import Interval, bootstrap_difference, mean


def scored(**scores: float) -> Evaluation:
    """An evaluation on one document per letter: prompts ``a1`` and ``a2`` are cut from ``a``."""
    value = level(list(scores.values())) * 0.5  # Half is taken away for all answers together.
    return Evaluation.ok(
        {"coherence": value},
        scores=scores,
        metrics={"coherence": value, "nll": 9.0, "latency": 3.0, NUM_PROMPTS: len(scores)},
        details={"coherence": scores, "nll": {prompt: 4.0 - score for prompt, score in scores.items()}},
        answers={prompt: f"to {prompt}" for prompt in scores},
        groups={prompt: prompt[0] for prompt in scores},
    )


FIRST, SECOND = scored(a1=0.2, a2=0.4, b1=0.9), scored(a1=0.4, a2=0.8, b1=0.1)


def test_windows_are_joined_by_their_prompts_also_without_scores() -> None:
    windows = [
        Evaluation.ok({"a": value}, scores={}, metrics={"a": value, NUM_PROMPTS: n}) for value, n in ((1, 3), (5, 1))
    ]
    assert joined(windows).objectives == {"a": 2.0}
    assert joined(windows).metrics[NUM_PROMPTS] == 4
    failed = Evaluation.failed(Outcome.CRASH, "lost")
    assert joined([windows[0], failed]) is failed


def test_windows_keep_their_answers_and_groups() -> None:
    whole = joined([scored(a1=0.2), scored(b1=0.9)])
    assert whole.answers == {"a1": "to a1", "b1": "to b1"}
    assert whole.groups == {"a1": "a", "b1": "b"}


class TestByAnswer:
    def test_the_second_time_that_a_prompt_was_answered_is_the_second_answer(self) -> None:
        windows = [scored(a1=0.1), scored(b1=0.2), scored(a1=0.3), scored(b1=0.4)]
        assert [one.scores for one in by_answer(windows)] == [{"a1": 0.1, "b1": 0.2}, {"a1": 0.3, "b1": 0.4}]

    def test_an_answer_that_only_some_prompts_have_is_left_out(self) -> None:
        assert len(by_answer([scored(a1=0.1), scored(b1=0.2), scored(a1=0.3)])) == 1

    def test_nothing_measured_is_no_answer(self) -> None:
        assert by_answer([]) == []


class TestSamples:
    def test_prompts_of_one_document_are_one_group(self) -> None:
        sample = sample_of([FIRST, SECOND], "nll")
        assert sample is not None
        assert sample.values == pytest.approx(np.array([[3.8, 3.6, 3.1], [3.6, 3.2, 3.9]]))
        assert sample.groups.tolist() == [0, 0, 1]
        assert sample.figure is mean

    def test_the_figure_of_coherence_is_the_objectives_value_with_all_that_was_taken_away(self) -> None:
        sample = sample_of([FIRST, SECOND], "coherence")
        assert sample is not None
        assert sample.by_answer == pytest.approx([one.metrics["coherence"] for one in (FIRST, SECOND)])
        assert sample.values[0] == pytest.approx([0.1, 0.2, 0.45])

    def test_details_can_be_had_as_they_are(self) -> None:
        sample = numbers_of([FIRST], "coherence", figure=OBJECTIVES["coherence"].figure)
        assert sample is not None
        assert sample.value == pytest.approx(level([0.2, 0.4, 0.9]))

    def test_agents_have_scores_by_episode(self) -> None:
        agent = Evaluation.ok({"return": 2.0, "parameters": 5.0}, scores={"e1": 1.0, "e2": 3.0})
        sample = sample_of([agent], "return")
        assert sample is not None
        assert (sample.value, sample.num_groups) == (2.0, 2)
        assert sample_of([agent], "parameters") is None

    def test_runs_of_older_versions_have_no_groups_and_each_prompt_is_one(self) -> None:
        old = Evaluation.ok({}, scores={}, details={"nll": {"a1": 1.0, "a2": 2.0}})
        sample = sample_of([old], "nll")
        assert sample is not None
        assert sample.num_groups == 2

    def test_answers_to_other_prompts_are_refused(self) -> None:
        with pytest.raises(ValueError, match="scored on 1 prompts and another one on 3"):
            sample_of([FIRST, scored(a1=0.1)], "nll")


def test_an_objective_without_numbers_per_prompt_has_a_value_without_an_interval() -> None:
    assert interval_of([FIRST, SECOND], "latency", resamples=50, seed=1) == Interval(3.0, 3.0, 3.0)
    assert interval_of([FIRST, SECOND], "nll", resamples=50, seed=1).has_width
    with pytest.raises(KeyError, match="other"):
        interval_of([FIRST], "other", resamples=50, seed=1)


@pytest.mark.parametrize(("direction", "sign"), [("maximise", 1.0), ("minimise", -1.0)])
def test_above_0_is_better_in_either_direction(direction: str, sign: float) -> None:
    objective = Objective("nll", direction, "nats")  # type: ignore[arg-type]
    one, other = sample_of([FIRST], "nll"), sample_of([SECOND], "nll")
    assert one is not None
    assert other is not None
    found = bootstrap_difference(*better_first(objective, one, other), resamples=50)
    assert found.value == pytest.approx(sign * (one.value - other.value))
