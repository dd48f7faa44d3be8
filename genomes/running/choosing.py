"""Choosing among whole answers: the candidates' likelihoods, the ballot, and who wins.

Who decodes the candidates is the caller's business: the engine's phenotype draws its own tokens, an exported model
asks ``generate``. This file travels inside exported artifacts: it imports nothing but torch and its siblings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from genomes.methods.combiners import ANSWER_COMBINERS, Ballot
from genomes.running.program import Choosing
from genomes.running.pruning import NoMemberLeftError
from genomes.running.runtime import Runtime, left_padded

Likelihoods = Sequence[tuple[float, int]]
"""Log-likelihood in nats and number of tokens of every candidate."""

# Given answers are scored in batches whose log-probabilities hold about this many numbers.
_NUMBERS = 16_000_000


def answer_log_likelihoods(
    runtime: Runtime,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    *,
    vocabulary_size: int,
    device: torch.device,
) -> list[float]:
    """Log-likelihood in nats of each answer's tokens after its prompt."""
    longest = max((len(answer) for answer in answers), default=1)
    size = max(1, _NUMBERS // (longest * vocabulary_size))
    totals: list[float] = []
    for start in range(0, len(answers), size):
        rows = slice(start, start + size)
        totals += _totals(runtime, prompts[rows], answers[rows], device)
    return totals


def _totals(
    runtime: Runtime, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], device: torch.device
) -> list[float]:
    rows = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
    tokens, mask = left_padded(rows, device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    longest = max(len(answer) for answer in answers)
    joint = runtime.forward(tokens, mask.long(), prompt_lengths=lengths, num_kept=longest + 1)
    likelihoods = joint[:, :-1].gather(-1, tokens[:, -longest:, None]).squeeze(-1).double()
    counts = mask.new_zeros(mask.shape[0], longest)
    for row, answer in enumerate(answers):
        counts[row, longest - len(answer) :] = True
    totals: list[float] = likelihoods.where(counts, 0.0).sum(dim=-1).tolist()
    return totals


def chosen_candidates(
    choosing: Choosing,
    candidates: Sequence[Sequence[Sequence[int]]],
    authors: Sequence[int],
    score: Callable[[int, bool], Likelihoods],
    *,
    num_judges: int,
) -> list[int]:
    """The place of the chosen candidate for every row.

    Args:
        choosing: The method and its genes.
        candidates: By row, the candidates' token ids without the token that closed them.
        authors: The input that wrote each candidate, the same for every row.
        score: Given an input and whether after the prompt (else after no prompt), the likelihoods of all candidates,
            row after row. May raise ``NoMemberLeftError``: then that input judges nothing.
        num_judges: Number of inputs.

    Raises:
        FloatingPointError: A likelihood is NaN.
    """
    combiner, parameters = ANSWER_COMBINERS[choosing.method], dict(choosing.parameters)
    is_conditional, is_unconditional = combiner.reads_likelihoods(parameters)
    judges: list[int] = []
    conditional: list[Likelihoods] = []
    unconditional: list[Likelihoods] = []
    for judge in range(num_judges) if is_conditional or is_unconditional else ():
        try:
            # Both or neither: a judge that fails in between has not judged.
            both = score(judge, True), score(judge, False) if is_unconditional else ()
        except NoMemberLeftError:
            continue
        if any(likelihood != likelihood for one in both for likelihood, _ in one):
            raise FloatingPointError(f"The likelihood of an answer under input {judge} is not finite.")
        judges.append(judge)
        conditional.append(both[0])
        unconditional.append(both[1])
    places = []
    count = len(authors)
    for row, answers in enumerate(candidates):
        part = slice(row * count, (row + 1) * count)
        ballot = Ballot(
            answers=tuple(tuple(answer) for answer in answers),
            authors=tuple(judges.index(author) if author in judges else -1 for author in authors),
            conditional=tuple(tuple(given for given, _ in one[part]) for one in conditional),
            unconditional=tuple(tuple(given for given, _ in one[part]) for one in unconditional if one),
            num_tokens=tuple(tuple(number for _, number in one[part]) for one in conditional),
        )
        places.append(combiner.choose(ballot, parameters=parameters))
    return places
