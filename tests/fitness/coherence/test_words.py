"""Words, their content, and the spellings that score alike."""

import pytest

from fitness.coherence.words import MAX_WORDS, content_words, is_question, shortened, spoken, without_borrowed, words


def test_marks_are_tokens_and_case_is_lost():
    assert words("Well, I'm 3.5 feet tall!") == ["well", ",", "i'm", "3.5", "feet", "tall", "!"]
    assert spoken(words("Well... (yes)")) == ["well", "yes"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("I do n't know , it 's late", "I don't know, it's late"), ("it\u2019s \u201cfine\u201d", 'it\'s "fine"')],
)
def test_spellings_of_one_text_are_one(first, second):
    assert words(first) == words(second)


def test_characters_of_scripts_without_spaces_are_words_without_content():
    assert words("你好, dtype 3.5") == ["你", "好", ",", "dtype", "3.5"]
    assert spoken(words("สวัสดี")) == ["ส", "ว", "ส", "ด"]
    assert content_words(words("今天天气很好")) == []
    assert without_borrowed(["今天天气很好"], "今天很好") == "今天很好"


def test_content_is_what_is_left_without_function_words():
    assert content_words(words("I don't know, but the shortest path is cool!")) == ["shortest", "path"]
    assert content_words(words("I like that. Do you?")) == []


def test_only_the_first_words_are_kept_on_one_line():
    assert shortened("a\n  b") == "a b"
    assert len(shortened("word " * 500).split()) == MAX_WORDS


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("I always wanted to know more about parrots!", "I always wanted to know more about it"),
        ("We painted the parrot in the garage.", "We it the it in the it"),
        ("Parrots, parrots, parrots!", "it"),
        ("My brother works nearby.", "My brother works nearby."),
        ("", ""),
    ],
)
def test_words_that_the_context_holds_are_taken_back_in_any_ending(reply, left):
    assert without_borrowed(["Did you feed the parrots?", "No, I was painting the garage."], reply) == left


def test_inflections_share_a_stem():
    for first, second in (("families", "family"), ("baking", "bakes"), ("baked", "bake"), ("boxes", "box")):
        assert without_borrowed([f"The {first}"], f"My {second}") == "My it"


def test_function_words_are_nobodys():
    assert without_borrowed(["Did you do it?"], "Did you do it?") == "Did you do it?"


@pytest.mark.parametrize(
    ("text", "is_asked"),
    [
        ("Do you like it?", True),
        ("oh nice, what is your name", True),
        ("You do?", True),
        ("Really? Since when?", True),
        ("I like it. Do you?", False),
        ("what a day.", False),
        ("i do not know", False),
        ("", False),
    ],
)
def test_a_question_asks_in_every_sentence(text, is_asked):
    assert is_question(text) == is_asked
