"""How the scorer splits a text into words, and which words carry content. Nothing here scores anything."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_WORDS = 60
"""Words of a reply that are scored; a reply that needs more says the rest to nobody."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Chinese characters
)
# In scripts without spaces each character is a word of its own: order, copies and loops are then seen as elsewhere.
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W\d_{_UNSPACED}]+(?:'[^\W\d_]+)*|\d+(?:[.,]\d+)*|[^\w\s]")
_ENDINGS = ("ing", "ed", "es", "s", "er")
_DETACHED_SUFFIX = re.compile(r"\s+((?:n't|'(?:s|m|d|re|ve|ll|t))\b)", re.IGNORECASE)


def word_set(text: str) -> frozenset[str]:
    """The blank-separated words of a text as a set."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    """
    a about above across actually after again against all almost along already also although always am an and
    another any anyone anything anyway are aren't around as at away back be because been before behind being below
    besides between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down
    during each either else enough etc even ever every everyone everything except few for from get gets getting go
    goes going gonna got had hadn't has hasn't have haven't having he he'd he'll he's her here hers herself hey hi
    hello him himself his how however i i'd i'll i'm i've if in instead into is isn't it it'd it'll it's its itself
    just kind kinda know least less let let's lot lots made make makes many may maybe me mean might mine more most
    much must my myself need never no nobody none nor not nothing now of off oh ok okay on once one ones only onto
    or other others our ours ourselves out over own per perhaps please pretty quite rather really right said same
    say says see seem seems several shall she she'd she'll she's should shouldn't since so some someone something
    somewhere sort still stuff such sure take tell than thank thanks that that'd that'll that's the their theirs
    them themselves then there there's these they they'd they'll they're they've thing things think this those
    though through thus to too toward towards under until unless up upon us use used very via wanna want wants was
    wasn't way we we'd we'll we're we've well were weren't what what's whatever when where where's whether which
    while who who's whoever whole whom whose why will with within without won't would wouldn't wow yeah yep yes yet
    you you'd you'll you're you've your yours yourself uh um haha lol ah aw cool nice great good fine sorry true
    agree
    like likes liked love loves feel feels guess hope hear sound sounds interesting awesome amazing fun
    """
)
"""Words without content of their own: closed classes, light verbs and what people say to say nothing."""


_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_OPENINGS = word_set(
    """
    what how why when where who whose which do does did don't doesn't didn't are is was were have has had can could
    would will should isn't aren't any
    """
)
_INTERJECTIONS = word_set("so and but oh well ok okay nice cool wow yes yeah no really great hmm")


def words(text: str) -> list[str]:
    """Lower-case words and punctuation marks of a text, in order.

    Typographic quotes become straight, and suffixes that a tokenizer cut off (``do n't``, ``it 's``) are joined
    again, so that both spellings score alike.
    """
    straight = text.replace("\u2019", "'").replace("\u2018", "'").replace("\u201c", '"').replace("\u201d", '"')
    joined = re.sub(r"\b(do|does|did|is|are|was|were|have|has|had|wo|ca|could|should|would) n't\b", r"\1n't", straight)
    return _TOKEN.findall(_DETACHED_SUFFIX.sub(r"\1", joined).lower())


def sentences(text: str) -> list[str]:
    """The parts of a text that end with a mark, and what follows them; those without a word are left out."""
    return [sentence for sentence in _SENTENCE.split(text.strip()) if spoken(words(sentence))]


def is_question(text: str) -> bool:
    """Whether every sentence of a text asks: by its mark, or by its first word where it has no mark."""
    found = sentences(text)
    return bool(found) and all(map(_asks, found))


def _asks(sentence: str) -> bool:
    if sentence.endswith((".", "!", "?")):
        return sentence.endswith("?")
    opening = next((word for word in spoken(words(sentence)) if word not in _INTERJECTIONS), "")
    return opening in _OPENINGS


def spoken(tokens: list[str]) -> list[str]:
    """The words among tokens: everything that holds a letter or a digit."""
    return [token for token in tokens if token[0].isalnum()]


def content_words(tokens: list[str]) -> list[str]:
    """The words that carry content: spoken, not function words, longer than one letter."""
    return [token for token in spoken(tokens) if token not in FUNCTION_WORDS and len(token) > 1]


def without_borrowed(turns: Sequence[str], reply: str) -> str:
    """The reply with "it" in place of the content words that the turns hold, in any ending (``walked`` by ``walks``).

    What a reply says beyond the words that it was handed: naming the topic is no answer yet.
    """
    handed = {_stem(word) for turn in turns for word in content_words(words(turn))}
    kept: list[str] = []
    for piece in reply.split():
        content = content_words(words(piece))
        is_borrowed = bool(content) and all(_stem(word) in handed for word in content)
        if not is_borrowed:
            kept.append(piece)
        elif not kept or kept[-1] != "it":
            kept.append("it")
    return " ".join(kept)


def _stem(word: str) -> str:
    """What inflections of a word share, roughly: "families" is "family", and "baking" is "bake"."""
    bare = next((word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2), word)
    return bare[:-1] if len(bare) > 3 and bare[-1] in "eiy" else bare


def shortened(text: str) -> str:
    """The text on one line, cut after ``MAX_WORDS`` blank-separated words."""
    return " ".join(text.split()[:MAX_WORDS])
