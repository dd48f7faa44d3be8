"""Text that grows: what is sent piece by piece is what would be sent at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from experiments.export.answer_text import AnswerText
from tests.genomes.tiny_members import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
TOKENS = st.lists(st.integers(0, len(TOKENIZER) - 1), max_size=12)
STOPS = st.lists(st.text("ehlo,t ", min_size=1, max_size=3), max_size=3)


def spoken(tokens: list[int], stops: list[str], *, is_stripped: bool = False) -> tuple[str, AnswerText]:
    text = AnswerText(TOKENIZER, stops, is_stripped)
    parts = []
    for token in tokens:
        parts.append(text.add(token))
        if text.has_stopped:
            break
    return "".join([*parts, text.finish()]), text


@given(TOKENS, STOPS)
def test_pieces_are_the_text_up_to_the_first_stop(tokens: list[int], stops: list[str]) -> None:
    whole = TOKENIZER.decode(tokens, skip_special_tokens=True).partition("\n")[0]
    places = [whole.find(stop) for stop in stops if stop in whole]
    said, text = spoken(tokens, stops)
    assert said == (whole[: min(places)] if places else whole)
    assert text.sent == said
    assert text.has_stopped == bool(places)


@given(TOKENS)
def test_stripped_pieces_are_the_stripped_text(tokens: list[int]) -> None:
    whole = TOKENIZER.decode(tokens, skip_special_tokens=True).partition("\n")[0]
    assert spoken(tokens, [], is_stripped=True)[0] == whole.strip()


def test_half_a_character_waits_for_its_other_half() -> None:
    first, second = (TOKENIZER.convert_tokens_to_ids(name) for name in ("Ã", "¼"))  # The two bytes of "ü".
    text = AnswerText(TOKENIZER)
    assert [text.add(first), text.add(second)] == ["", "ü"]


def test_what_may_become_a_stop_waits() -> None:
    tokens = TOKENIZER("the sea")["input_ids"]
    text = AnswerText(TOKENIZER, ["e sofa"])
    said = "".join(text.add(token) for token in TOKENIZER("the s")["input_ids"])
    assert said == "th"
    assert spoken(tokens, ["e sofa"])[0] == "the sea"
