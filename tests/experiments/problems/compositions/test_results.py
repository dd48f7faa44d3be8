from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from experiments.problems.compositions.results import Contestant, Results, Shown, compare, human_coherence
from experiments.problems.compositions.table import verdict
from fitness.coherence.agent import level
from fitness.result import Evaluation, Objective
from fitness.statistics import Interval


def _contestant(label: str, scores: dict[str, float], *, evaluations: int = 7) -> Contestant:
    test = Evaluation.ok(
        {"coherence": sum(scores.values()) / len(scores)},
        scores=scores,
        metrics={"coherence": sum(scores.values()) / len(scores), "active_parameters": 1e6, "whole": scores["p0"]},
        details={"coherence": scores, "nll": {prompt: 4.0 + score for prompt, score in scores.items()}},
    )
    return Contestant(label, f'{{"name":"{label}"}}', evaluations, [test])


def _scores(seed: int, *, shift: float = 0.0, count: int = 200) -> dict[str, float]:
    draws = np.random.default_rng(seed).normal(0.4, 0.15, count)
    return {f"p{index}": float(draw) + shift for index, draw in enumerate(draws)}


COHERENCE = Objective("coherence", "maximise", "in [0, 1]")
NLL = Objective("nll", "minimise", "nats")


def _results(*contestants: Contestant, objectives: tuple[Objective, ...] = (COHERENCE,)) -> Results:
    rows = compare(contestants, objectives=objectives, resamples=500, seed=1)
    return Results(rows, 0.7, 200, 1, (Shown(("hello",), "hi", {"evolved winner": "hey"}),), objectives)


def test_a_real_gain_is_found_and_its_interval_holds_it() -> None:
    results = _results(_contestant("base", _scores(1)), _contestant("evolved winner", _scores(2, shift=0.1)))
    gain = results.rows[0].winner_gain
    assert gain is not None
    assert gain.low < 0.1 < gain.high
    assert gain.low > 0
    assert verdict(results).startswith("The evolved winner is better than base: +0.")


def test_pure_noise_has_no_significant_winner() -> None:
    results = _results(*(_contestant(f"noise {seed}", _scores(seed)) for seed in range(6)))
    *sentences, last = verdict(results).splitlines()
    assert len(sentences) == 5
    assert all(sentence.startswith("No significant difference") for sentence in sentences)
    assert last.startswith("No significant winner")
    assert all(row.winner_gain_p is not None and row.winner_gain_p > 0.05 for row in results.rows[:-1])


def test_many_rows_of_noise_hardly_ever_make_a_winner() -> None:
    num_winners = num_intervals_without_zero = 0
    for table in range(20):
        noise = (_contestant(f"noise {row}", _scores(100 * table + row, count=40)) for row in range(8))
        results = _results(*noise)
        num_winners += "No significant winner" not in verdict(results)
        gains = [row.winner_gain for row in results.rows if row.winner_gain is not None]
        num_intervals_without_zero += any(gain.low > 0 or gain.high < 0 for gain in gains)
    # Correction is what does it: without, a fifth of such tables or more would name a difference.
    assert num_intervals_without_zero >= 4
    assert num_winners <= 2


def test_a_loss_is_called_a_loss() -> None:
    results = _results(_contestant("base", _scores(1, shift=0.2)), _contestant("evolved winner", _scores(2)))
    assert verdict(results).startswith("The evolved winner is worse than base: -0.")


def test_an_interval_without_0_is_no_difference_where_the_p_value_is_large() -> None:
    results = _results(_contestant("base", _scores(1)), _contestant("evolved winner", _scores(2, shift=0.1)))
    rows = [replace(results.rows[0], winner_gain_p=0.2), results.rows[1]]
    assert verdict(replace(results, rows=rows)).startswith("No significant difference")


def test_contestants_on_other_prompts_are_refused() -> None:
    few = _contestant("few", _scores(1, count=150))
    with pytest.raises(ValueError, match="'few' was scored on 150 prompts, 'evolved winner' on 200"):
        compare([few, _contestant("evolved winner", _scores(2))], objectives=[COHERENCE], resamples=100, seed=0)


def test_a_gain_is_better_whatever_the_direction() -> None:
    contestants = _contestant("base", _scores(1, shift=0.2)), _contestant("evolved winner", _scores(2))
    results = _results(*contestants, objectives=(NLL, COHERENCE))
    assert verdict(results).startswith("The evolved winner is better than base in nll: +0.")
    assert results.rows[0].objectives.keys() == {"nll", "coherence"}
    assert results.rows[0].objectives["nll"] == results.rows[0].nll


def test_without_numbers_per_prompt_there_is_no_interval_and_no_test() -> None:
    whole = Objective("whole", "maximise", "one number")
    results = _results(_contestant("base", _scores(1)), _contestant("evolved winner", _scores(2)), objectives=(whole,))
    base = results.rows[0]
    assert (base.winner_gain, base.winner_gain_p) == (None, None)
    assert base.objectives["whole"].low == base.objectives["whole"].high == _scores(1)["p0"]
    assert "it has no numbers per prompt, so no interval" in verdict(results)


def test_results_survive_their_file(tmp_path: Path) -> None:
    results = _results(_contestant("base", _scores(1)), _contestant("evolved winner", _scores(2)))
    assert Results.read(tmp_path) is None
    results.write(tmp_path)
    assert Results.read(tmp_path) == results
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_results_of_older_versions_are_read_with_the_agent_level_and_no_interval(tmp_path: Path) -> None:
    path = _results(_contestant("base", _scores(1)), _contestant("evolved winner", _scores(2))).write(tmp_path)
    document = json.loads(path.read_text())
    del document["answers_per_prompt"]
    for row in document["rows"]:
        del row["mean_coherence"]
        row["agent_coherence"] = 0.125
    path.write_text(json.dumps(document))
    results = Results.read(tmp_path)
    assert results is not None
    assert results.extent == "200 prompts, 1 answer to each"
    winner = results.winner
    assert winner.coherence == Interval(0.125, 0.125, 0.125) == winner.objectives["coherence"]
    assert asdict(winner.mean_coherence) == document["rows"][-1]["coherence"]


def test_coherence_is_what_the_search_selects_and_the_mean_stands_beside() -> None:
    winner = _contestant("evolved winner", _scores(2))
    (row,) = _results(winner).rows
    assert row.coherence.value == pytest.approx(winner.answers[0].metrics["coherence"])
    assert row.coherence == row.objectives["coherence"]
    assert row.mean_coherence.value == pytest.approx(np.mean(list(_scores(2).values())))


def test_human_replies_are_judged_at_the_agent_level_too() -> None:
    scores = _scores(3)
    test = Evaluation.ok({}, scores={}, details={"human_coherence": scores})
    assert human_coherence(Contestant("who", "{}", 1, [test])) == pytest.approx(level(list(scores.values())))
