"""Replies on the topic that are no answer: questions of borrowed words, contradictions, wrong kinds of answer.

They are attacks as those of attacks.py are. ``MISFITS`` are what guards, terms and forgeries were developed with;
``HELD_BACK`` were looked at before and after only, so that they tell whether what was learned holds for other wordings.
"""

from __future__ import annotations

import re

import numpy as np

from fitness.coherence.words import content_words, words
from tests.oracles.attacks import Exchange, bare, exchanged, named, pronoun_swapped_echo, rotated

_AUXILIARIES = (
    "am", "is", "are", "was", "were", "do", "does", "did", "have", "has", "had", "can", "could", "will", "would",
    "should", "may", "must",
)  # fmt: skip
_OPPOSITES = {
    "always": "never", "never": "always", "love": "hate", "like": "dislike", "hate": "love", "good": "bad",
    "bad": "good", "great": "terrible", "best": "worst", "more": "less", "less": "more", "old": "new", "new": "old",
    "yes": "no", "no": "yes", "yeah": "nope", "all": "no", "many": "few", "same": "different", "true": "false",
    "false": "true", "first": "last", "last": "first", "before": "after", "after": "before", "with": "without",
    "without": "with", "big": "small", "small": "big", "easy": "hard", "hard": "easy", "everyone": "nobody",
}  # fmt: skip


def liking_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """Whether the other one likes the topic."""
    return f"Do you like {exchange.topic}?"


def opinion_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """What the other one thinks of two words of theirs."""
    return f"What do you think about {' and '.join(_topics(exchange, 2))}?"


def how_long_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """A question with one stock phrase beside the topic."""
    return f"How long have you been into {exchange.topic}?"


def topic_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """The topic with a question mark."""
    return f"{' '.join(_topics(exchange, 2)).capitalize()}?"


def reason_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """Why the other one cares for three words of theirs."""
    return f"Why do you care so much about {', '.join(_topics(exchange, 3))}?"


def echoing_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """The end of the last turn asked back."""
    said = bare(exchange.last).split()
    return f"{('Really,', 'So you mean', 'Is it')[int(rng.integers(3))]} {' '.join(said[len(said) // 3 :])}?"


def swapped_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn with the speakers exchanged, as a question."""
    return f"Do you think that {bare(pronoun_swapped_echo(exchange, rng))}?"


def swapped_echo_without_a_third(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn with the speakers exchanged and every third word left out."""
    said = bare(pronoun_swapped_echo(exchange, rng)).split()
    return " ".join(word for place, word in enumerate(said) if place % 3 != 2) + "."


def negated_reply(exchange: Exchange, rng: np.random.Generator) -> str:
    """The human's reply with its first verb negated, or with a denial before it where no auxiliary stands in it."""
    return _negated(exchange.reply)


def opposite_reply(exchange: Exchange, rng: np.random.Generator) -> str:
    """The human's reply with words exchanged for their opposites, negated where it has none of them."""
    turned = exchanged(exchange.reply, _OPPOSITES)
    return turned if turned.split() != exchange.reply.split() else _negated(exchange.reply)


def denied_turn(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn negated and said as one's own."""
    return _negated(pronoun_swapped_echo(exchange, rng))


def self_contradiction(exchange: Exchange, rng: np.random.Generator) -> str:
    """The human's reply, then the same reply negated."""
    return f"{bare(exchange.reply)}, but {bare(_negated(exchange.reply))}."


def yes_with_topic(exchange: Exchange, rng: np.random.Generator) -> str:
    """A yes to whatever was said or asked."""
    return f"Yes, I do, {exchange.topic}."


def place_for_anything(exchange: Exchange, rng: np.random.Generator) -> str:
    """Where and when, whatever was asked."""
    return f"On Monday at the {exchange.topic}, at about five."


def number_for_anything(exchange: Exchange, rng: np.random.Generator) -> str:
    """How many, whatever was asked."""
    return f"About twenty {exchange.topic}, I think."


def return_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """The question handed back without an answer."""
    return "What about you, what do you think?"


def bland_assent(exchange: Exchange, rng: np.random.Generator) -> str:
    """Agreement with anything."""
    return "I see what you mean, that makes a lot of sense to me."


def bland_interest(exchange: Exchange, rng: np.random.Generator) -> str:
    """Interest in anything."""
    return "Wow, that is so interesting, please tell me more."


def own_earlier_turn(exchange: Exchange, rng: np.random.Generator) -> str:
    """What the speaker said one turn before, with two words before it; the last turn where there is no earlier one."""
    return f"As I said, {bare(exchange.earlier)}."


def repeated_sentence(exchange: Exchange, rng: np.random.Generator) -> str:
    """A sentence of one's own, then the same in another order."""
    said = bare(exchange.reply)
    return f"{' '.join(said.split())}, {rotated(said)}."


def _topics(exchange: Exchange, count: int) -> list[str]:
    """The longest content words of the last turns."""
    found = dict.fromkeys(word for turn in exchange.context[-2:] for word in content_words(words(turn)))
    return sorted(found, key=lambda word: -len(word))[:count] or ["this"]


def _negated(text: str) -> str:
    found = re.search(rf"\b({'|'.join(_AUXILIARIES)})(n't| not)?\b", text, re.IGNORECASE)
    if found is None:
        return f"It is not true that {bare(text)}."
    verb = found.group(1) if found.group(2) else f"{found.group(1)} not"
    return text[: found.start()] + verb + text[found.end() :]


MISFITS = named(
    liking_question, how_long_question, echoing_question, swapped_echo_without_a_third, negated_reply, denied_turn,
    yes_with_topic, number_for_anything, bland_assent, repeated_sentence,
)  # fmt: skip
"""What was developed with."""

HELD_BACK = named(
    opinion_question, topic_question, reason_question, swapped_question, opposite_reply, self_contradiction,
    place_for_anything, return_question, bland_interest, own_earlier_turn,
)  # fmt: skip
"""What was looked at before and after only."""
