from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.corpora.documents import Example
from experiments.problems.compositions.answers import collect_answers, read_answers, write_answers
from experiments.problems.compositions.finals import BEST_MEMBER, UNIFORM_MEAN, WINNER
from experiments.problems.compositions.results import Contestant
from experiments.report.answer_choice import active_guards, answers_table, chosen_prompts, shown_labels
from fitness.result import Evaluation
from tests.experiments.report.made_up import answered

EXAMPLES = [Example(f"p{i}", "talk", ("Hello.",), "A reply.", f"talk:{i}") for i in range(3)]


def evaluation(label: str, coherence: float) -> Evaluation:
    ids = [example.id for example in EXAMPLES]
    details = {name: dict.fromkeys(ids, 0.5) for name in ("human_coherence", "nll", "term.pair", "guard.copying")}
    details["coherence"] = dict.fromkeys(ids, coherence)
    answers = {prompt: f"{label} to {prompt}" for prompt in ids}
    return Evaluation.ok({}, scores={}, details=details, answers=answers)


def contestant(label: str, *coherence: float) -> Contestant:
    return Contestant(label, "{}", 1, [evaluation(label, value) for value in coherence])


def test_answers_come_with_scores_terms_and_guards_and_survive_their_file(tmp_path: Path) -> None:
    assert read_answers(tmp_path) == []
    collected = collect_answers([contestant("base", 0.25, 0.5), contestant(WINNER, 0.75, 0.25)], EXAMPLES)
    assert [prompt.id for prompt in collected] == ["p0", "p1", "p2"]
    answer, further = collected[1].answers[WINNER]
    assert further.coherence == 0.25
    assert collected[1].mean_coherence(WINNER) == 0.5
    assert (answer.text, answer.coherence) == (f"{WINNER} to p1", 0.75)
    assert (answer.terms, answer.guards) == ({"pair": 0.5}, {"copying": 0.5})
    write_answers(tmp_path, collected)
    assert read_answers(tmp_path) == collected
    assert [path.name for path in tmp_path.iterdir()] == ["answers.jsonl"]


def test_one_answer_of_an_older_version_is_read_as_a_list_of_one(tmp_path: Path) -> None:
    written = write_answers(tmp_path, collect_answers([contestant(WINNER, 0.75)], EXAMPLES[:1]))
    line = json.loads(written.read_text())
    line["answers"] = {label: answers[0] for label, answers in line["answers"].items()}
    written.write_text(json.dumps(line) + "\n")
    (prompt,) = read_answers(tmp_path)
    assert [answer.coherence for answer in prompt.answers[WINNER]] == [0.75]


def test_shown_prompts_are_the_first_the_best_and_the_worst_without_repeats() -> None:
    prompts = answered([f"p{i}" for i in range(40)], (BEST_MEMBER, UNIFORM_MEAN, WINNER), "text")
    groups = chosen_prompts(prompts, per_group=3)
    ids = [prompt.id for _, chosen in groups for prompt in chosen]
    assert len(ids) == len(set(ids))
    assert ids[:6] == [f"p{i}" for i in range(6)]
    assert [reason.split()[0:4] for reason, _ in groups[1:]] == [["Where", "the", "winner", "gained"]]
    assert shown_labels(prompts) == [BEST_MEMBER, UNIFORM_MEAN, WINNER]
    assert chosen_prompts([]) == []


def test_the_table_has_a_row_per_answer() -> None:
    prompts = answered(["a", "b"], (BEST_MEMBER, WINNER), "text")
    table = answers_table(prompts)
    assert list(table["who"]) == ["human", BEST_MEMBER, BEST_MEMBER, WINNER, WINNER] * 2
    assert table["term.pair"].notna().sum() == 8


def test_only_guards_that_took_something_away_are_named() -> None:
    answer = answered(["a"], (WINNER,), "text")[0].answers[WINNER][0]
    assert active_guards(answer) == [("copying", pytest.approx(0.5))]
