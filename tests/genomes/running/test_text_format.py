"""The text format."""

from __future__ import annotations

import pytest

from genomes.running.text_format import (
    answer_text,
    closing_tokens,
    prompt_text,
    prompt_tokens,
    reply_tokens,
    template_tokens,
)
from tests.genomes.tiny_members import tiny_tokenizer


class TestPrompts:
    def test_turns_stand_on_lines(self) -> None:
        assert prompt_text(["hello", "how are\nyou "]) == "hello\nhow are you\n"

    def test_no_turns_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"context is \(\)"):
            prompt_text([])

    def test_too_long_prompts_lose_their_oldest_tokens(self) -> None:
        tokenizer = tiny_tokenizer()
        whole = prompt_tokens(["hello there", "thank you"], tokenizer, room=50)
        assert tokenizer.decode(whole) == "hello there\nthank you\n"
        assert prompt_tokens(["hello there", "thank you"], tokenizer, room=3) == whole[-3:]


class TestAnswers:
    def test_an_answer_is_the_first_line(self) -> None:
        tokenizer = tiny_tokenizer()
        assert answer_text(tokenizer(" yes, i do.\nno")["input_ids"], tokenizer) == "yes, i do."

    def test_replies_end_with_a_closing_token(self) -> None:
        tokenizer = tiny_tokenizer()
        assert reply_tokens("fine", tokenizer)[-1] in closing_tokens(tokenizer)

    def test_closing_tokens_are_those_with_a_line_break_and_the_end(self) -> None:
        tokenizer = tiny_tokenizer()
        closing = set(closing_tokens(tokenizer))
        assert tokenizer.eos_token_id in closing
        for token in range(len(tokenizer)):
            assert ("\n" in tokenizer.decode([token])) == (token in closing - {tokenizer.eos_token_id})


class TestTemplates:
    def test_a_template_is_split_at_its_draft(self) -> None:
        tokenizer = tiny_tokenizer()
        before, after = template_tokens("so {draft}, you\n", tokenizer)
        assert (tokenizer.decode(before), tokenizer.decode(after)) == ("so ", ", you\n")

    def test_a_template_without_a_draft_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'so, '"):
            template_tokens("so, ", tiny_tokenizer())
