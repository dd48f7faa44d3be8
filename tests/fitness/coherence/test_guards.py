"""Each guard passes what people write and takes away from what an optimiser would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitness.coherence import guards
from fitness.coherence.words import spoken, words

TURNS = ["Did you see the game on Saturday night?", "No, I was hiking with my sister all weekend."]


def split(text):
    return spoken(words(text))


def copying(reply):
    return guards.copying([split(turn) for turn in TURNS], split(reply))


class TestLength:
    @pytest.mark.parametrize(("reply", "factor"), [("", 0.0), ("Yes!", 0.7), ("Me too.", 1.0), ("I did it too.", 1.0)])
    def test_by_hand(self, reply, factor):
        assert guards.length(split(reply)) == factor


class TestCopying:
    @pytest.mark.parametrize("turn", TURNS)
    def test_a_parrot_gets_nothing(self, turn):
        assert copying(turn) == 0.0
        assert copying(turn.upper()) == 0.0

    def test_quoting_a_turn_before_an_answer_is_copying(self):
        assert copying(f"{TURNS[1]} Where did the two of you go, and was it any good?") == 0.0

    def test_a_long_part_of_a_turn_is_copying(self):
        assert copying("Hiking with my sister all weekend was nice") < 0.6

    @pytest.mark.parametrize("reply", ["Where did you go hiking?", "I was home all weekend, sadly.", "No, I was not."])
    def test_sharing_some_words_is_not(self, reply):
        assert copying(reply) == 1.0

    def test_short_turns_count_only_as_a_whole(self):
        thanks = [split("thank you")]
        assert guards.copying(thanks, split("Thank you too, it was a great evening")) == 1.0
        assert guards.copying(thanks, split("Thank you.")) == 0.0


class TestParaphraseEcho:
    def test_falls_above_a_cosine_that_answers_do_not_reach(self):
        assert guards.paraphrase_echo(0.8) == 1.0
        assert 0.0 < guards.paraphrase_echo(0.95) < 0.4
        assert guards.paraphrase_echo(1.0) == 0.0


class TestLoops:
    def test_loops_lose_most(self):
        assert guards.loops(split("I like it and I like it and I like it and I like it")) < 0.1
        assert guards.loops(split("the the the the the dog")) < 0.2

    @pytest.mark.parametrize("reply", ["I think that I think too much", "It was very very good", "No no, that is fine"])
    def test_speech_repeats_itself_a_little(self, reply):
        assert guards.loops(split(reply)) > 0.85


class TestWordSalad:
    def test_order_gain_decides(self):
        def salad(gain):
            return guards.word_salad(gain, split("it was good to see you there"), low=-0.5, shuffled=-3.0)

        assert salad(-0.5) == pytest.approx(0.95**0.6)
        assert salad(-3.0) == pytest.approx(0.05**0.6)
        assert salad(2.0) > 0.99
        assert salad(-900.0) == pytest.approx(0.0, abs=1e-9)

    def test_nothing_but_content_words_is_salad_in_any_order(self):
        dense = split("graph node edge matrix array dtype axis weight")
        assert guards.word_salad(2.0, dense, low=-0.5, shuffled=-3.0) < 0.25

    def test_where_all_human_text_seems_dense_density_is_no_defect(self):
        german = split("gestern ging meine schwester mit dem hund spazieren")
        assert guards.word_salad(2.0, german, low=-0.5, shuffled=-3.0, usual_content=1.0) > 0.99


class TestNovelty:
    TURNS = ("Did you feed the parrots?", "No, I was painting the garage.")

    @pytest.mark.parametrize(
        ("reply", "factor"),
        [
            ("I like parrots and garages.", 0.85),
            ("Parrots are my favorite.", 0.93),
            ("Parrots eat seeds and fruit.", 1.0),
            ("Do you like parrots?", 0.55),
            ("do you like parrots", 0.55),
            ("What is your favorite thing about parrots?", 0.6),
            ("Do your parrots eat fruit?", 1.0),
            ("Yes, I did.", 1.0),
            ("My brother went home.", 1.0),
        ],
    )
    def test_naming_the_topic_is_not_saying_something(self, reply, factor):
        assert guards.novelty(self.TURNS, reply) == factor

    def test_saying_a_borrowed_word_twice_costs_a_person_no_more_than_once(self):
        turns = ("Do you have a dog?",)
        assert guards.novelty(turns, "i love dogs, but i do not have any dogs") == guards.novelty(
            turns, "i love dogs, but i do not have any"
        )


class TestTemplateEcho:
    TURNS = ("Did you feed the parrots?", "No, I was painting the garage.")

    @pytest.mark.parametrize(
        ("reply", "factor"),
        [
            ("I like parrots. Do you like parrots?", 0.3),
            ("i love parrots, but i do not have any parrots", 1.0),
            ("I like parrots. Is the garage red?", 1.0),
            ("I like parrots. Do parrots eat fruit?", 1.0),
            ("Do you like parrots?", 1.0),
            ("", 1.0),
        ],
    )
    def test_what_is_said_and_then_asked(self, reply, factor):
        assert guards.template_echo(self.TURNS, reply) == factor


class TestSpeakerTag:
    @pytest.mark.parametrize("reply", ["user: hello", "Teacher : Sit down.", "Bob: I am here.", "A: yes"])
    def test_scripts_lose(self, reply):
        assert guards.speaker_tag(reply) == 0.5

    @pytest.mark.parametrize(
        "reply", ["axis : int or None.", "Note: it is slow.", "My view: no.", "https://x.org", "Yes"]
    )
    def test_prose_and_parameter_lists_pass(self, reply):
        assert guards.speaker_tag(reply) == 1.0


class TestEnding:
    def test_an_answer_that_was_cut_off_loses(self):
        assert guards.ending("I went there with my") == 0.7
        assert guards.ending("I went there on Sunday") == guards.ending("Any other ideas") == 0.88
        assert guards.ending("I went there with my sister.") == 1.0
        assert guards.ending("Me too") == 1.0


@given(st.text(max_size=80), st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_every_guard_stays_between_0_and_1_on_any_text(reply, turns):
    said, heard = split(reply), [split(turn) for turn in turns]
    factors = [
        guards.length(said),
        guards.copying(heard, said),
        guards.loops(said),
        guards.word_salad(0.0, said, low=-0.5, shuffled=-3.0),
        guards.template_echo(turns, reply),
        guards.novelty(turns, reply),
        guards.speaker_tag(reply),
        guards.ending(reply),
    ]
    assert all(0.0 <= factor <= 1.0 for factor in factors)
