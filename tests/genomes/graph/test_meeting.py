from __future__ import annotations

from genomes.graph.meeting import tokenizer_problem


def test_members_of_one_tokenizer_meet() -> None:
    assert tokenizer_problem("They meet", {"'ada'": "t1", "'bob'": "t1"}, "Part them.") is None


def test_the_first_that_differs_is_named_with_what_to_do() -> None:
    assert tokenizer_problem("They meet", {"'ada'": "t1", "'bob'": "t1", "'cleo'": "t2"}, "Part them.") == (
        "They meet: 'ada' and 'cleo' have different tokenizers, so equal token ids mean different text. Part them."
    )
