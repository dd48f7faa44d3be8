"""Choosing among whole answers: candidates, inputs that get lost, and who wins."""

from __future__ import annotations

import math

import pytest

from genomes.graph.program import Choosing
from genomes.running.choosing import AnswerChooser, Likelihoods
from genomes.running.pruning import NoMemberLeftError

END = 9
WORDS = {(0, 0): [[1, END], [1, 2]], (1, 0): [[2, END], [2, END]], (2, 0): [[3, 3, END], [3, END]]}
"""Who writes what: by input and sample, the answers to two prompts."""


class Panel:
    """Three inputs; each finds answers with larger tokens likelier."""

    def __init__(self, *, mute: tuple[int, ...] = (), deaf: tuple[int, ...] = ()) -> None:
        self._mute, self._deaf = mute, deaf
        self.read_by: list[tuple[int, bool]] = []

    def write(self, author: int, sample: int) -> list[list[int]]:
        if author in self._mute:
            raise NoMemberLeftError(f"input {author} is gone.")
        return WORDS[author, 0]

    def read(self, judge: int, answers: list[list[int]], places: list[int] | None) -> Likelihoods:
        if judge in self._deaf:
            raise NoMemberLeftError("gone.")
        self.read_by.append((judge, places is not None))
        return [(float(sum(answer)), len(answer)) for answer in answers]


def chooser(panel: Panel, method: str = "best_of", num_samples: int = 1, **genes: object) -> AnswerChooser:
    choosing = Choosing(method, (0, 1, 2), tuple({"judge": "likelihood", "num_samples": num_samples, **genes}.items()))
    return AnswerChooser(choosing, 3, num_samples, {END}, panel.write, panel.read)


def test_the_likeliest_answer_is_given_with_the_token_that_closed_it() -> None:
    panel = Panel()
    assert chooser(panel).answers() == [[2, END], [3, END]]
    assert panel.read_by == [(0, True), (1, True), (2, True)]


def test_judges_read_after_no_prompt_where_the_method_asks_for_it() -> None:
    panel = Panel()
    chooser(panel, judge="pmi").answers()
    assert panel.read_by == [(judge, is_conditional) for judge in range(3) for is_conditional in (True, False)]


def test_inputs_that_are_lost_write_nothing_and_judge_nothing() -> None:
    panel = Panel(mute=(2,), deaf=(0, 1))
    assert chooser(panel).answers() == [[2, END], [2, END]]
    assert panel.read_by == [(2, True)]


def test_without_any_input_the_message_says_why() -> None:
    with pytest.raises(NoMemberLeftError, match=r"^input 0 is gone\. input 1 is gone\. input 2 is gone\.$"):
        chooser(Panel(mute=(0, 1, 2)), num_samples=2).answers()


def test_a_likelihood_that_is_no_number_is_refused() -> None:
    panel = Panel()
    panel.read = lambda judge, answers, places: [(math.nan, 1) for _ in answers]  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match="under input 0 is not finite"):
        chooser(panel).answers()


def test_candidates_that_others_have_written_are_chosen_from_alike() -> None:
    panel = Panel()
    written = [panel.write(author, 0) for author in range(3)]
    assert chooser(panel).chosen([0, 1, 2], written) == chooser(panel).answers()
