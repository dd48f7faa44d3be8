"""Answers of composites that choose among whole answers: every input writes, one answer is chosen, then it is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import torch

from experiments.serve.composite import Composite
from experiments.serve.decoding import Decoding, Token
from genomes.running.choosing import Likelihoods, answer_log_likelihoods, chosen_candidates
from genomes.running.decoding import candidate_seed
from genomes.running.pruning import NoMemberLeftError
from genomes.running.trunk import Trunk


def chosen_answers(
    composite: Composite,
    trunks: Mapping[str, Trunk],
    decoding: Decoding,
    dropped: dict[str, str],
    is_cancelled: threading.Event,
) -> Iterator[list[Token]]:
    """The tokens of the chosen answers, all in one step.

    As in ``generate``, inputs write several candidates where tokens are drawn, and one where they are not.

    Args:
        composite: One with a choice among answers.
        trunks: Its members.
        decoding: What to answer, and how.
        dropped: Members that are gone; those that fail are added.
        is_cancelled: Whether nobody waits any more.

    Raises:
        NoMemberLeftError: No input is left.
    """
    choosing = composite.program.choosing
    assert choosing is not None
    is_drawn = decoding.settings.temperature > 0
    num_samples = int(dict(choosing.parameters)["num_samples"]) if is_drawn else 1
    authors: list[int] = []
    written: list[list[list[int]]] = []
    failure: NoMemberLeftError | None = None
    for author, root in enumerate(choosing.inputs):
        try:
            for sample in range(num_samples):
                seeds = [candidate_seed(seed, sample) for seed in decoding.seeds]
                one = Decoding(decoding.prompts, seeds, decoding.settings, decoding.closing)
                for _ in one.run(composite.runtime(trunks, dropped, root=root)):
                    if is_cancelled.is_set():
                        return
                dropped.update(one.dropped)
                authors.append(author)
                written.append(one.answers)
        except NoMemberLeftError as error:
            failure = error
    if not written:
        assert failure is not None
        raise failure
    candidates = [[answers[row] for answers in written] for row in range(len(decoding.prompts))]

    def score(judge: int, is_conditional: bool) -> Likelihoods:
        answers = [answer for row in candidates for answer in row]
        prompts = [prompt if is_conditional else [composite.no_text] for prompt in decoding.prompts for _ in authors]
        with torch.inference_mode():
            totals = answer_log_likelihoods(
                composite.runtime(trunks, dropped, root=choosing.inputs[judge]),
                prompts,
                answers,
                vocabulary_size=composite.vocabulary_size,
                device=torch.device("cpu"),
            )
        return [(total, len(answer)) for total, answer in zip(totals, answers, strict=True)]

    closing = set(decoding.closing)
    closed = [[answer[:-1] if answer[-1] in closing else answer for answer in row] for row in candidates]
    places = chosen_candidates(choosing, closed, authors, score, num_judges=len(choosing.inputs))
    yield [
        Token(row, token)
        for row, (answers, place) in enumerate(zip(candidates, places, strict=True))
        for token in answers[place]
    ]
