"""Every built-in objective passes the contract, and gives what its formula says on examinations made by hand."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from fitness.coherence.words import words
from fitness.diversity import distinct_n
from fitness.objectives import OBJECTIVES, REPORTED, Examination, ObjectiveOperator
from fitness.objectives.testing import ObjectiveContract, ScriptedModel, ScriptedScorer, scripted_examination


@pytest.mark.parametrize("name", OBJECTIVES)
class TestContract(ObjectiveContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.name = name

    def objective(self) -> ObjectiveOperator:
        return OBJECTIVES[self.name]


class TestValues:
    def test_coherence_is_the_agent_level_with_the_mean_beside_it(self) -> None:
        examination = scripted_examination()
        measurement = OBJECTIVES["coherence"].measure(examination)
        mean = sum(measurement.per_prompt) / 7
        assert measurement.value == pytest.approx(0.9 * mean)
        assert measurement.metrics["mean_coherence"] == pytest.approx(mean)
        assert OBJECTIVES["coherence"].of_humans(examination) == (0.2, 0.25, 0.3, 0.2, 0.25, 0.3, 0.2)

    def test_likelihoods_weigh_every_prompt_alike(self) -> None:
        examination = scripted_examination()
        given = examination.likelihoods
        nll = [one.nll_nats / one.num_tokens for one in given]
        bits = [one.nll_nats / math.log(2) / one.num_bytes for one in given]
        assert OBJECTIVES["nll"].measure(examination).per_prompt == pytest.approx(nll)
        assert OBJECTIVES["nll"].measure(examination).value == pytest.approx(sum(nll) / 7)
        assert OBJECTIVES["bits_per_byte"].measure(examination).value == pytest.approx(sum(bits) / 7)

    def test_diversity_is_distinct_2_of_the_answers(self) -> None:
        examination = scripted_examination(20)
        expected = distinct_n([words(answer) for answer in examination.answers], n=2)
        assert OBJECTIVES["diversity"].measure(examination).value == pytest.approx(expected)

    def test_parameters_are_the_models_for_every_prompt(self) -> None:
        measurement = OBJECTIVES["active_parameters"].measure(scripted_examination(3))
        assert (measurement.value, measurement.per_prompt) == (1000.0, (1000.0,) * 3)

    def test_latency_is_seconds_over_tokens(self) -> None:
        examination = scripted_examination(is_timed=True)
        counts = examination.language_model.num_tokens(examination.answers)
        expected = [s / count for s, count in zip(examination.answer_seconds, counts, strict=True)]
        assert OBJECTIVES["latency"].measure(examination).per_prompt == tuple(expected)
        assert min(expected) > 0

    def test_latency_of_an_examination_without_a_clock_is_refused(self) -> None:
        with pytest.raises(ValueError, match="is_timed is False"):
            OBJECTIVES["latency"].measure(scripted_examination())


class CountingModel(ScriptedModel):
    calls: list[str]

    def answer(self, contexts, *, seeds):
        self.calls.append(f"answer {len(contexts)}")
        return super().answer(contexts, seeds=seeds)

    def reply_likelihoods(self, contexts, replies):
        self.calls.append("likelihoods")
        return super().reply_likelihoods(contexts, replies)


class TestSharing:
    def examined(self, *names: str, is_timed: bool = False) -> list[str]:
        plain, model = scripted_examination(3), CountingModel()
        object.__setattr__(model, "calls", [])
        examination = Examination(
            model, plain.contexts, plain.human_replies, plain.seeds, ScriptedScorer(), is_timed=is_timed
        )
        for name in names:
            OBJECTIVES[name].measure(examination)
        return model.calls

    def test_answers_and_likelihoods_are_computed_once(self) -> None:
        names = ("coherence", "diversity", "nll", "bits_per_byte")
        assert self.examined(*names) == ["answer 3", "likelihoods"]

    def test_nothing_is_decoded_where_no_objective_reads_answers(self) -> None:
        assert self.examined("nll", "active_parameters") == ["likelihoods"]

    def test_under_a_clock_answers_are_decoded_once_each_alone(self) -> None:
        assert self.examined("latency", "coherence", is_timed=True) == ["answer 1"] * 3

    def test_answers_are_the_same_under_a_clock(self) -> None:
        assert scripted_examination(is_timed=True).answers == scripted_examination().answers


def test_an_examination_needs_prompts_with_one_reply_and_seed_each() -> None:
    with pytest.raises(ValueError, match="2 contexts, 1 human replies and 2 seeds"):
        Examination(ScriptedModel(), [("a",), ("b",)], ["c"], [1, 2], ScriptedScorer())
    with pytest.raises(ValueError, match="0 contexts"):
        Examination(ScriptedModel(), [], [], [], ScriptedScorer())


def test_names_are_keys_and_what_is_reported_is_there() -> None:
    assert all(name == operator.name for name, operator in OBJECTIVES.items())
    assert set(REPORTED) <= set(OBJECTIVES)


def test_describing_objectives_loads_no_torch() -> None:
    code = "import sys, fitness.objectives; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
