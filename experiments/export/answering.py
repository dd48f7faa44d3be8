"""Answers of an opened artifact, step by step, over any trunks. Text, stops and time limits are not decided here.

Tokens are those of ``generate()`` where the temperature is 0, and those of ``Phenotype.answer`` where they are drawn:
the first row of a request is what ``evolve chat`` gives for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch

from experiments.export.opened import Composite
from genomes.graph.program import Choosing
from genomes.running.choosing import AnswerChooser, Likelihoods, answer_log_likelihoods
from genomes.running.decoding import Decoding, Step, candidate_seed
from genomes.running.trunk import Trunk

IMPOSSIBLE = -9999.0
"""What is reported for the logarithm of 0, for which JSON has no number."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a row.

    Attributes:
        row: Which row.
        token: Its id.
        log_probability: In nats, by the composite's distribution before temperature and filters; None where that
            was not asked for, and for a prompt's first token.
        alternatives: The likeliest token ids at this place with theirs, likeliest first.
        is_prompt: Whether it belongs to the prompt.
    """

    row: int
    token: int
    log_probability: float | None = None
    alternatives: tuple[tuple[int, float], ...] = ()
    is_prompt: bool = False


def answer_steps(
    composite: Composite,
    trunks: Mapping[str, Trunk],
    decoding: Decoding,
    dropped: dict[str, str],
    *,
    num_alternatives: int | None = None,
    reads_prompt: bool = False,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[Token]]:
    """The tokens of one step after another; a chosen answer comes in one step.

    Args:
        composite: What is asked.
        trunks: Its members.
        decoding: What to answer, and how.
        dropped: Members that are gone, each with the reason; those that fail are added.
        num_alternatives: Likeliest tokens to report beside each token; None reports no probabilities.
        reads_prompt: Whether to report the prompt's own tokens too.
        is_cancelled: Whether nobody waits any more; asked while candidates are written that nobody has seen yet.

    Raises:
        FloatingPointError: The composite's output is not finite.
        NoMemberLeftError: Every member has failed.
    """
    if (choosing := composite.program.choosing) is not None:
        yield from _chosen_answers(composite, choosing, trunks, decoding, dropped, is_cancelled)
        return
    for step in decoding.run(composite.runtime(trunks, dropped), reads_prompt=reads_prompt):
        dropped.update(decoding.dropped)
        if reads_prompt:
            reads_prompt = False
            yield [token for row in step.places for token in _prompt_tokens(decoding, row, step, num_alternatives)]
            continue
        yield [
            _token(row, decoding.answers[row][-1], step.log_probabilities[place, -1], num_alternatives)
            for row, place in step.places.items()
        ]


def _prompt_tokens(decoding: Decoding, row: int, step: Step, num_alternatives: int | None) -> Iterator[Token]:
    """The prompt's tokens with what the text before each made of it."""
    prompt, joint = decoding.prompts[row], step.log_probabilities[step.places[row]]
    yield Token(row, prompt[0], is_prompt=True)
    for place, token in enumerate(prompt[1:], start=joint.shape[0] - len(prompt)):
        yield _token(row, token, joint[place], num_alternatives, is_prompt=True)


def _token(
    row: int, token: int, log_probabilities: torch.Tensor, num_alternatives: int | None, *, is_prompt: bool = False
) -> Token:
    if num_alternatives is None:
        return Token(row, token, is_prompt=is_prompt)
    best = log_probabilities.topk(min(num_alternatives, log_probabilities.shape[-1]))
    numbers = [max(number, IMPOSSIBLE) for number in best.values.tolist()]
    alternatives = tuple(zip(best.indices.tolist(), numbers, strict=True))
    return Token(row, token, max(float(log_probabilities[token]), IMPOSSIBLE), alternatives, is_prompt)


class _CancelledError(Exception):
    """Nobody waits for an answer that is not chosen yet."""


def _chosen_answers(
    composite: Composite,
    choosing: Choosing,
    trunks: Mapping[str, Trunk],
    decoding: Decoding,
    dropped: dict[str, str],
    is_cancelled: Callable[[], bool],
) -> Iterator[list[Token]]:
    """The tokens of the chosen answers, all in one step; none where it is cancelled."""

    def write(author: int, sample: int) -> list[list[int]]:
        seeds = [candidate_seed(seed, sample) for seed in decoding.seeds]
        one = Decoding(decoding.prompts, seeds, decoding.settings, decoding.closing)
        for _ in one.run(composite.runtime(trunks, dropped, root=choosing.inputs[author])):
            if is_cancelled():
                raise _CancelledError
        dropped.update(one.dropped)
        return one.answers

    @torch.inference_mode()
    def read(judge: int, answers: list[list[int]], places: list[int] | None) -> Likelihoods:
        totals = answer_log_likelihoods(
            composite.runtime(trunks, dropped, root=choosing.inputs[judge]),
            [[composite.no_text]] * len(answers) if places is None else [decoding.prompts[place] for place in places],
            answers,
            vocabulary_size=composite.vocabulary_size,
            device=torch.device("cpu"),
        )
        return [(total, len(answer)) for total, answer in zip(totals, answers, strict=True)]

    # As in ``generate``, inputs write several candidates where tokens are drawn, and one where they are not.
    num_samples = int(dict(choosing.parameters)["num_samples"]) if decoding.settings.temperature > 0 else 1
    chooser = AnswerChooser(choosing, len(choosing.inputs), num_samples, decoding.closing, write, read)
    try:
        answers = chooser.answers()
    except _CancelledError:
        return
    yield [Token(row, token) for row, answer in enumerate(answers) for token in answer]
