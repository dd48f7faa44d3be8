"""Replies that no person would give and that a scorer may like: what robustness is measured with.

Each attack is a pure function of an ``Exchange`` and a generator. They are of three families: *echoes* say what was
said already, *fillers* say what fits everywhere, *wrecks* are human words in the wrong place or order. Nothing here
judges; the guards were not written against these functions' exact words, and should not be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fitness.coherence.words import content_words, words

Attack = Callable[["Exchange", np.random.Generator], str]

_SWAPPED = {
    "i": "you", "you": "I", "me": "you", "my": "your", "your": "my", "mine": "yours", "yours": "mine",
    "am": "are", "i'm": "you're", "you're": "I'm", "i've": "you've", "you've": "I've", "we": "you", "our": "your",
}  # fmt: skip
_SYNONYMS = {
    "good": "great", "great": "good", "like": "enjoy", "love": "adore", "big": "large", "small": "little",
    "think": "believe", "really": "truly", "very": "quite", "fun": "enjoyable", "happy": "glad", "nice": "pleasant",
    "want": "wish", "get": "obtain", "start": "begin", "returns": "gives", "return": "give", "use": "employ",
    "used": "employed", "same": "identical", "whether": "if", "school": "college", "movie": "film", "kids": "children",
    "yeah": "yes", "cool": "neat", "lot": "bunch", "people": "folks", "number": "count", "given": "provided",
}  # fmt: skip
_FILLERS = ("you know", "well", "I mean", "of course", "basically", "in fact")
_HOMOGLYPHS = str.maketrans({"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "i": "і"})
_ZERO_WIDTH = "\u200b"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an attack may use.

    Attributes:
        context: The turns before, oldest first.
        reply: What the human said next.
        stranger: What a human said to another prompt of the same kind.
    """

    context: tuple[str, ...]
    reply: str
    stranger: str

    @property
    def last(self) -> str:
        """The turn that is answered."""
        return self.context[-1]

    @property
    def earlier(self) -> str:
        """The turn before that, which the answering speaker said; the last one where it is alone."""
        return self.context[-2] if len(self.context) > 1 else self.last

    @property
    def topic(self) -> str:
        """The longest content word of the context's end, "this" where there is none."""
        for turn in reversed(self.context):
            found = content_words(words(turn))
            if found:
                return max(found, key=len)
        return "this"


def keyword_stuffing(exchange: Exchange, rng: np.random.Generator) -> str:
    """The content words of the context, in sentences that say nothing of them."""
    found = list(dict.fromkeys(word for turn in exchange.context for word in content_words(words(turn)))) or ["it"]
    chosen = [found[number] for number in rng.permutation(len(found))[:5]]
    return f"I like {' and '.join(chosen)}."


def keyword_list(exchange: Exchange, rng: np.random.Generator) -> str:
    """The content words of the context with commas between them."""
    found = list(dict.fromkeys(word for turn in exchange.context for word in content_words(words(turn)))) or ["it"]
    return f"{', '.join(found[number] for number in rng.permutation(len(found))[:7])}."


def question_back(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn handed back as a question."""
    start = ("What do you mean by", "Why do you say", "Are you sure that")[int(rng.integers(3))]
    return f"{start} {bare(exchange.last)}?"


def pronoun_swapped_echo(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn with the speakers' pronouns exchanged, as Weizenbaum's ELIZA (1966) answered."""
    return exchanged(exchange.last, _SWAPPED)


def synonym_echo(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn with its common words replaced by others of the same meaning."""
    return exchanged(exchange.last, _SYNONYMS)


def negated_echo(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn contradicted word by word."""
    return f"No, it is not true that {bare(exchange.last)}."


def padded_echo(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn with a filler after every third word, so that no long run of words is copied."""
    said = exchange.last.split()
    parts = [" ".join(said[start : start + 3]) for start in range(0, len(said), 3)]
    padded = [f"{part} {_FILLERS[int(rng.integers(len(_FILLERS)))]}" for part in parts[:-1]]
    return " ".join([*padded, *parts[-1:]])


def rotated_echo(exchange: Exchange, rng: np.random.Generator) -> str:
    """The second half of the last turn, then its first half."""
    return rotated(exchange.last)


def spliced_turns(exchange: Exchange, rng: np.random.Generator) -> str:
    """The first half of one earlier turn and the second half of another (of the last alone where it is alone)."""
    return _spliced(exchange.earlier, exchange.last)


def disguised_copy(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn in letters of another alphabet that look alike, and with invisible marks within words."""
    return " ".join(f"{word[:1]}{_ZERO_WIDTH}{word[1:]}".translate(_HOMOGLYPHS) for word in exchange.last.split())


def punctuated_copy(exchange: Exchange, rng: np.random.Generator) -> str:
    """The last turn with a mark after every word."""
    return " ".join(f"{word.strip('.,?!')}{'.,-!'[int(rng.integers(4))]}" for word in exchange.last.split())


def topic_template(exchange: Exchange, rng: np.random.Generator) -> str:
    """An opinion on whatever the topic is."""
    return f"I think {exchange.topic} is very interesting, and {exchange.topic} is important to many people."


def generic_with_keyword(exchange: Exchange, rng: np.random.Generator) -> str:
    """A reply that fits everywhere, with the topic put in."""
    return f"That sounds really great, I have always wanted to know more about {exchange.topic}!"


def keyword_question(exchange: Exchange, rng: np.random.Generator) -> str:
    """A question that fits everywhere, with the topic put in."""
    return f"What is your favorite thing about {exchange.topic}?"


def shotgun(exchange: Exchange, rng: np.random.Generator) -> str:
    """Every short answer at once: one of them fits."""
    return "Yes, I think so. No, not really. Maybe. I am not sure, what about you? That is great."


def stranger_reply(exchange: Exchange, rng: np.random.Generator) -> str:
    """What a human said to another prompt: fluent, and off the topic."""
    return exchange.stranger


def stranger_with_keyword(exchange: Exchange, rng: np.random.Generator) -> str:
    """The same, with the topic named before it."""
    return f"As for {exchange.topic}, {bare(exchange.stranger)}."


def joined_halves(exchange: Exchange, rng: np.random.Generator) -> str:
    """The first half of the human's reply and the second half of a stranger's."""
    return _spliced(exchange.reply, exchange.stranger)


def rambling(exchange: Exchange, rng: np.random.Generator) -> str:
    """The human's reply followed by a stranger's."""
    return f"{exchange.reply} {exchange.stranger}"


def shuffled_words(exchange: Exchange, rng: np.random.Generator) -> str:
    """The words of the human's reply in random order."""
    return " ".join(rng.permutation(exchange.reply.split()))


def dropped_words(exchange: Exchange, rng: np.random.Generator) -> str:
    """The human's reply without every third word."""
    return " ".join(word for place, word in enumerate(exchange.reply.split()) if place % 3 != 1)


def doubled_reply(exchange: Exchange, rng: np.random.Generator) -> str:
    """The human's reply said twice."""
    return f"{exchange.reply} {exchange.reply}"


def bare(text: str) -> str:
    """The text within a sentence: without the mark at its end, its first letter small unless it is "I"."""
    bare = re.sub(r"[.?!\s]+$", "", text)
    return bare if re.match(r"I\b", bare) else bare[:1].lower() + bare[1:]


def rotated(text: str) -> str:
    """The second half of a text, then its first half."""
    said = text.split()
    return " ".join([*said[len(said) // 2 :], *said[: len(said) // 2]])


def exchanged(text: str, others: Mapping[str, str]) -> str:
    """A text with each word that ``others`` has, in any case and before any mark, exchanged for its other."""
    return " ".join(others.get(word.lower().strip(".,?!"), word) for word in text.split())


def named(*attacks: Attack) -> Mapping[str, Attack]:
    """Attacks by their names."""
    return {attack.__name__: attack for attack in attacks}


def _spliced(first: str, second: str) -> str:
    """The first half of one text and the second half of another."""
    start, end = first.split(), second.split()
    return " ".join([*start[: (len(start) + 1) // 2], *end[len(end) // 2 :]])


ECHOES = named(
    question_back, pronoun_swapped_echo, synonym_echo, negated_echo, padded_echo, rotated_echo, spliced_turns,
    disguised_copy, punctuated_copy,
)  # fmt: skip
"""Say what was said already."""

FILLERS = named(keyword_stuffing, keyword_list, topic_template, generic_with_keyword, keyword_question, shotgun)
"""Say what fits everywhere."""

WRECKS = named(
    stranger_reply, stranger_with_keyword, joined_halves, rambling, shuffled_words, dropped_words, doubled_reply,
)  # fmt: skip
"""Human words in the wrong place or order."""

ATTACKS: Mapping[str, Attack] = {**ECHOES, **FILLERS, **WRECKS}
