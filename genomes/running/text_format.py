"""The text format that members are trained on and asked in: contexts to tokens, and tokens to answers.

Turns stand on lines of their own; an answer is one line. No model here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from genomes.graph.nodes import DRAFT_MARK, template_problem

MIN_NEW_TOKENS = 2
"""Tokens of an answer before it may close (``min_new_tokens`` in transformers). Texts end anywhere, so models that
were trained on them often find the end likely at once; an empty line answers nobody."""


def prompt_text(context: Sequence[str]) -> str:
    """The text that an answer follows: every turn on a line. Line breaks inside a turn become spaces.

    Raises:
        ValueError: The context has no turns.
    """
    if not context:
        raise ValueError("The context is (); allowed is one turn or more. Give at least the turn to be answered.")
    return "\n".join(_one_line(turn) for turn in context) + "\n"


def prompt_tokens(context: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, room: int) -> list[int]:
    """The token ids of a context's prompt, without its oldest tokens where it is longer than ``room``."""
    return _tokens(prompt_text(context), tokenizer)[-room:]


def reply_tokens(reply: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token ids of a given reply with the line break that ends it."""
    return _tokens(_one_line(reply) + "\n", tokenizer)


def template_tokens(template: str, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The token ids of a template before and after its draft.

    Raises:
        ValueError: It is no template, see ``template_problem``.
    """
    if problem := template_problem(template):
        raise ValueError(f"The template is {template!r}; {problem}.")
    before, after = template.split(DRAFT_MARK)
    return _tokens(before, tokenizer), _tokens(after, tokenizer)


def marker_tokens(marker: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token ids of a role's marker, which stands before drafts and prompt."""
    return _tokens(marker, tokenizer)


def answer_text(tokens: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """The answer in generated tokens: the first line, without special tokens and surrounding spaces."""
    text: str = tokenizer.decode(list(tokens), skip_special_tokens=True)
    return text.split("\n", 1)[0].strip()


@lru_cache(maxsize=16)
def closing_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The ids of all tokens that end an answer, sorted: those that hold a line break, and the end of the text."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    closing = {token for token, text in enumerate(texts) if "\n" in text}
    if tokenizer.eos_token_id is not None:
        closing.add(int(tokenizer.eos_token_id))
    return tuple(sorted(closing))


def no_text_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that stands for an empty prompt: the one that ends texts, or else the first that ends answers."""
    end = tokenizer.eos_token_id
    return closing_tokens(tokenizer)[0] if end is None else int(end)


def _one_line(turn: str) -> str:
    return " ".join(turn.split())


def _tokens(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
