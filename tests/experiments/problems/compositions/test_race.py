"""The race of the leaders: who is left, what it costs, and that searches race on the same draws without meeting."""

from __future__ import annotations

from collections.abc import Sequence

from evolve.individual import Results
from experiments.problems.compositions.race import Raced, raced
from fitness.result import Evaluation, Objective, Outcome

GOOD = Objective("good", "maximise", "points")


class Track:
    """Every genome is a number: how good it is. Says how many ran on how many draws."""

    def __init__(self, *, failing: str = "", lucky: str = "") -> None:
        self.asked: list[tuple[int, int]] = []
        self._failing, self._lucky = failing, lucky

    def __call__(self, genomes: Sequence[str], num_draws: int) -> list[Results]:
        self.asked.append((len(genomes), num_draws))
        return [self._results(genome, num_draws) for genome in genomes]

    def _results(self, genome: str, num_draws: int) -> Results:
        results = Results([GOOD])
        for draw in range(num_draws):
            luck = 100.0 if genome == self._lucky and draw == 0 else 0.0
            value = Evaluation.ok({"good": float(genome) + luck}, scores={})
            results.add(draw, Evaluation.failed(Outcome.CRASH, "it fell") if genome == self._failing else value)
        return results


def test_the_better_half_goes_on_with_twice_the_draws() -> None:
    track = Track()
    found = raced({"one": [str(number) for number in range(16)]}, track, count=3)["one"]
    assert found.leaders == ("15", "14", "13")
    assert track.asked == [(16, 1), (8, 2), (4, 4)]
    assert found.num_evaluations == 16 + 8 + 2 * 4


def test_luck_in_one_draw_does_not_last() -> None:
    assert raced({"one": ["60", "50", "40", "30", "1"]}, Track(lucky="1"), count=1)["one"].leaders == ("60",)


def test_who_fails_is_out_and_equals_keep_their_order() -> None:
    found = raced({"one": ["9", "5", "5.0", "1"]}, Track(failing="9"), count=2)["one"]
    assert found.leaders == ("5", "5.0")


def test_two_searches_race_on_the_same_draws_each_for_its_own_places() -> None:
    weak, strong = ["1", "2", "3", "4"], ["8", "7", "6", "5"]
    track = Track()
    found = raced({"weak": weak, "strong": strong}, track, count=1)
    assert (found["weak"].leaders, found["strong"].leaders) == (("4",), ("8",))
    assert track.asked == [(8, 1), (4, 2)]
    assert found["weak"].num_evaluations == found["strong"].num_evaluations == 4 + 2
    assert found["weak"] == raced({"weak": weak}, Track(), count=1)["weak"]


def test_whoever_both_found_runs_once_and_is_charged_to_both() -> None:
    track = Track()
    found = raced({"one": ["1", "2"], "other": ["2", "3"]}, track, count=1)
    assert track.asked == [(3, 1)]
    assert [one.num_evaluations for one in found.values()] == [2, 2]


def test_as_few_as_are_to_be_left_do_not_race() -> None:
    track = Track()
    found = raced({"few": ["1"], "many": ["1", "2"]}, track, count=1)
    assert found["few"] == type(found["few"])(("1",), 0)
    assert track.asked == [(2, 1)]


def test_race_and_validation_choose_together_each_by_its_prompts() -> None:
    race = Raced(("a", "b"), 6, worth={"a": 0.30, "b": 0.36}, num_draws=4)
    assert race.ranked({"a": 0.40, "b": 0.30}, num_draws=2) == ["b", "a"]  # .333 and .340
    assert race.ranked({"a": 0.40, "b": 0.30}, num_draws=3) == ["a", "b"]  # .343 and .334


def test_without_a_race_validation_chooses_and_who_failed_there_is_out() -> None:
    race = Raced(("a", "b", "c"), 0)
    assert race.ranked({"a": 0.1, "c": 0.2}, num_draws=2) == ["c", "a"]


def test_what_a_race_has_seen_of_those_who_are_left_is_kept() -> None:
    found = raced({"one": ["1", "2", "3", "4"]}, Track(lucky="4"), count=1)["one"]
    assert (found.worth, found.num_draws) == ({"4": 4 + 100 / 2}, 2)
