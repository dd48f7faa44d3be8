"""Guards: what an optimiser finds when it looks for a high score without answering.

Each guard is a pure function to [0, 1]: 1 leaves the score alone, less takes away that share. They multiply, so
that no strength elsewhere buys a defect off. Thresholds sit where human replies hardly ever come.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from fitness.coherence.words import content_words, is_question, sentences, spoken, without_borrowed, word_set, words

_TAG = re.compile(r"^\W*([^\W\d_]+)( ?):(?!\S*//)")
_SPEAKERS = word_set(
    """
    user agent assistant system bot chatbot ai robot model human person speaker customer client caller operator
    teacher student tutor doctor patient interviewer interviewee host guest man woman boy girl me you him her a b q
    """
)
_HEADINGS = word_set("note notes warning default defaults example examples tip fact hint ps returns raises")
_DANGLING = word_set("a an and as because but if into its my of or our than the their which while whose your")
_SALAD_POWER = 0.6
_EMPHATIC = word_set("very really so no yes ha haha that had is bye well many much far too go")


def falling(value: float, start: float, end: float, *, floor: float = 0.0) -> float:
    """1 up to ``start``, a straight line down to ``floor`` at ``end``, and ``floor`` from there on."""
    share = min(max((value - start) / (end - start), 0.0), 1.0)
    return 1.0 - (1.0 - floor) * share


def factors(
    turns: Sequence[str],
    reply: str,
    *,
    similarity: float,
    order_gain: float,
    order_range: tuple[float, float],
    usual_content: float,
) -> dict[str, float]:
    """Every guard of one reply, by name.

    Args:
        turns: The turns before the reply.
        reply: The reply.
        similarity: Highest cosine of the reply's vector to that of a turn.
        order_gain: ``NgramModel.order_gain`` of the reply.
        order_range: What is low for human text, and what is usual for shuffled text.
        usual_content: Share of content words that few human turns exceed.
    """
    said = spoken(words(reply))
    heard = [spoken(words(turn)) for turn in turns]
    low, shuffled = order_range
    return {
        "length": length(said),
        "copying": copying(heard, said),
        "paraphrase_echo": paraphrase_echo(similarity),
        "loops": loops(said),
        "word_salad": word_salad(order_gain, said, low=low, shuffled=shuffled, usual_content=usual_content),
        "template_echo": template_echo(turns, reply),
        "novelty": novelty(turns, reply),
        "speaker_tag": speaker_tag(reply),
        "ending": ending(reply),
    }


def length(reply: Sequence[str]) -> float:
    """No word says nothing, and one word fits nearly everywhere: 0, .7, then 1.

    At .5 agreement with people falls: they take "Yes." for an answer. What it is worth on every prompt of a panel is
    left to the level of the agent.
    """
    return (0.0, 0.7)[len(reply)] if len(reply) < 2 else 1.0


def copying(turns: Sequence[Sequence[str]], reply: Sequence[str]) -> float:
    """A parrot is on topic by construction: how much of the reply stands in one turn, and how much of a turn in it.

    Args:
        turns: Words of the turns before.
        reply: Words of the reply.
    """
    worst = 0.0
    for turn in turns:
        if len(reply) < 4 or len(turn) < 4:
            # Short turns share words by chance ("thank you"): only the whole turn counts, alone or as an opening.
            is_same = list(turn) == list(reply[: len(turn)]) and (len(turn) >= 3 or len(turn) == len(reply))
            worst = max(worst, float(is_same))
            continue
        copied = _shared_share(reply, turn)
        # A whole turn quoted before an answer copies as well, however long the answer is.
        quoted = _shared_share(turn, reply)
        run = _longest_run(turn, reply)
        worst = max(worst, copied, quoted, run / len(reply) - 0.1 if run >= 4 else 0.0)
    return falling(worst, 0.35, 0.85)


def paraphrase_echo(similarity: float) -> float:
    """Saying a turn again in other words: the highest cosine of the reply to one of the turns."""
    return falling(similarity, 0.85, 1.0)


def loops(reply: Sequence[str]) -> float:
    """Likelihood loves loops: doubled words and pairs of words that come again and again."""
    if len(reply) < 2:
        return 1.0
    doubled = sum(first == second and first not in _EMPHATIC for first, second in pairwise(reply))
    pairs = Counter(pairwise(reply))
    repeated = sum(count - 1 for count in pairs.values()) / (len(reply) - 1)
    return falling(doubled, 0, 4, floor=0.2) * falling(repeated, 0.15, 0.6)


def word_salad(
    order_gain: float, reply: Sequence[str], *, low: float, shuffled: float, usual_content: float = 0.7
) -> float:
    """Topical words in no order: embeddings hardly see order, so an n-gram model has to.

    A logistic curve, made milder by a power: one in ten human replies is not very orderly either, and should not pay
    for it more than a few hundredths.

    Args:
        order_gain: ``NgramModel.order_gain`` of the reply.
        reply: Words of the reply.
        low: Order gain that few human replies fall below; costs three hundredths.
        shuffled: Order gain of shuffled human replies; leaves a sixth.
        usual_content: Share of content words that few human turns exceed; more costs up to .8. In a language whose
            function words are not known here it is near 1, and nothing is taken.
    """
    steepness = 2 * math.log(19) / max(low - shuffled, 1e-3)
    ordered = 1.0 / (1.0 + math.exp(min(-steepness * (order_gain - (low + shuffled) / 2), 50.0)))
    share = len(content_words(list(reply))) / max(len(reply), 1)
    dense = falling(share, usual_content, usual_content + 0.3, floor=0.2) if len(reply) >= 5 else 1.0
    return float(ordered**_SALAD_POWER) * dense


def template_echo(turns: Sequence[str], reply: str) -> float:
    """The template of a parrot ("I like X. Do you like X?"): .3 where borrowed words alone are said, and then asked.

    A person who says a borrowed word twice without asking stresses something ("I love dogs, but I have no dogs").
    """
    *said, asked = sentences(reply) or [""]
    topics = set(content_words(words(asked)))
    if not is_question(asked) or not topics & set(content_words(words(" ".join(said)))):
        return 1.0
    return 1.0 if content_words(words(without_borrowed(turns, reply))) else 0.3


def novelty(turns: Sequence[str], reply: str) -> float:
    """Naming the topic is no answer: a reply whose content words are all borrowed says nothing of its own.

    None of its own: .85; one: .93. Where all that is said is asked, .55 and .6: "Do you like TOPIC?", "What is your
    favorite thing about TOPIC?". People ask back as well, but they mostly bring words of their own; of their replies
    one in fifteen pays here in conversation, and one in sixty for a question. Replies that borrow nothing are left
    alone, among them short answers ("Yes, I did"), which have no content words at all.
    """
    said = set(content_words(words(reply)))
    own = set(content_words(words(without_borrowed(turns, reply))))
    if len(own) >= 2 or not said - own:
        return 1.0
    return ((0.55, 0.6) if is_question(reply) else (0.85, 0.93))[len(own)]


def speaker_tag(reply: str) -> float:
    """A script writes "user:" before what it says; people do not. Parameter lists ("axis : int") pass."""
    match = _TAG.match(reply)
    if match is None:
        return 1.0
    word, space = match.group(1).lower(), match.group(2)
    if word in _SPEAKERS or (not space and word not in _HEADINGS):
        return 0.5
    return 1.0


def ending(reply: str) -> float:
    """A reply that was cut off is no reply: it ends within a sentence (.7), or without the mark that ends one (.88).

    One or two words ("thank you") need no mark.
    """
    tokens = words(reply)
    said = spoken(tokens)
    if len(said) < 3 or not tokens[-1][0].isalnum():
        return 1.0
    return 0.7 if said[-1] in _DANGLING else 0.88


def _shared_share(part: Sequence[str], whole: Sequence[str]) -> float:
    """Share of the 4-grams of ``part``, which has four words or more, that stand in ``whole``."""
    known = {tuple(whole[start : start + 4]) for start in range(len(whole) - 3)}
    grams = [tuple(part[start : start + 4]) for start in range(len(part) - 3)]
    return sum(gram in known for gram in grams) / len(grams)


def _longest_run(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest sequence of words that stands in both."""
    best = 0
    previous = [0] * (len(second) + 1)
    for word in first:
        current = [0] * (len(second) + 1)
        for place, other in enumerate(second):
            if word == other:
                current[place + 1] = previous[place] + 1
                best = max(best, current[place + 1])
        previous = current
    return best
