"""Likelihood of given replies: nats per token, and bits per byte across tokenizers.

Both take any number of replies and pool them. An objective asks for one reply at a time and averages, so that every
prompt weighs alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fitness.language_model import Likelihood


def nll_nats_per_token(likelihoods: Sequence[Likelihood]) -> float:
    """Negative log-likelihood in nats per token over all replies together; lower is better.

    Long replies weigh more: it is the mean over tokens, and ``exp`` of it is the perplexity.

    Raises:
        ValueError: There is no token.
    """
    tokens = sum(likelihood.num_tokens for likelihood in likelihoods)
    if tokens < 1:
        raise ValueError(f"{len(likelihoods)} replies hold {tokens!r} tokens; allowed are 1 or more.")
    return math.fsum(likelihood.nll_nats for likelihood in likelihoods) / tokens


def bits_per_byte(likelihoods: Sequence[Likelihood]) -> float:
    """Negative log-likelihood in bits per UTF-8 byte of the replies; lower is better, whatever the tokenizer.

    Raises:
        ValueError: There is no byte.
    """
    num_bytes = sum(likelihood.num_bytes for likelihood in likelihoods)
    if num_bytes < 1:
        raise ValueError(f"{len(likelihoods)} replies hold {num_bytes!r} bytes; allowed are 1 or more.")
    return math.fsum(likelihood.nll_nats for likelihood in likelihoods) / math.log(2) / num_bytes
