"""From the body of a request to a job, with every limit checked. What HTTP and gRPC ask for meets here."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from experiments.export.opened import Composite
from experiments.serve.answering import Job
from experiments.serve.errors import RequestError
from experiments.serve.schemas import MAX_STOPS, ChatBody, CompletionBody
from experiments.serve.settings import Limits
from genomes.running.decoding import DecodingSettings, candidate_seed
from genomes.running.text_format import prompt_text

# Nearer to 0 than this, a temperature divides numbers beyond float32's range.
_COLDEST = 0.01


@dataclass(frozen=True, slots=True)
class Asked:
    """A job, and what its answer has to say beside the text.

    Attributes:
        job: The job; row r answers prompt r // num_choices.
        seed: Of the first row.
        num_choices: Answers to each prompt.
        num_prompt_tokens: Of all prompts together.
        echoes: For each prompt, the text to put before its answers.
    """

    job: Job
    seed: int
    num_choices: int
    num_prompt_tokens: int
    echoes: tuple[str, ...]


def check_model(asked: str, served: str) -> None:
    """Refuse requests for a model that is not there."""
    if asked != served:
        raise RequestError(
            404, f"The model {asked!r} does not exist; there is {served!r}.", code="model_not_found", param="model"
        )


def completion_job(body: CompletionBody, composite: Composite, limits: Limits) -> Asked:
    """The job of a request for completions.

    Raises:
        RequestError: It asks for too much, or for what there is not.
    """
    if body.best_of not in (None, body.n or 1):
        raise RequestError(
            400, f"best_of is {body.best_of!r}; only the value of n ({body.n or 1}) is supported.", param="best_of"
        )
    is_one = isinstance(body.prompt, str) or isinstance(body.prompt[0], int)
    texts = cast("list[str | list[int]]", [body.prompt] if is_one else body.prompt)
    prompts = [composite.tokens(text) if isinstance(text, str) else _checked_ids(text, composite) for text in texts]
    has_echo = bool(body.echo)
    echoes = [
        (text if isinstance(text, str) else composite.tokenizer.decode(text)) if has_echo else "" for text in texts
    ]
    if composite.program.choosing is not None:
        for name in ("logprobs", "echo"):
            if getattr(body, name) not in (None, False):
                raise RequestError(
                    400,
                    f"{name} is {getattr(body, name)!r}, but this composite chooses among whole answers, which have no "
                    "probabilities token by token. Leave it out.",
                    param=name,
                )
        if body.max_tokens == 0:
            raise RequestError(400, "max_tokens is 0; allowed is 1 or more.", param="max_tokens")
    return _asked(
        body,
        prompts,
        composite,
        limits,
        max_tokens=body.max_tokens,
        num_alternatives=body.logprobs,
        reads_prompt=has_echo and body.logprobs is not None,
        echoes=echoes,
    )


def chat_job(body: ChatBody, composite: Composite, limits: Limits) -> Asked:
    """The job of a request for the next turn.

    Raises:
        RequestError: It asks for too much, or for what there is not.
    """
    if body.top_logprobs is not None and not body.logprobs:
        raise RequestError(
            400, f"top_logprobs is {body.top_logprobs!r}, but logprobs is not true; set it.", param="top_logprobs"
        )
    if body.logprobs and composite.program.choosing is not None:
        raise RequestError(
            400,
            "logprobs is true, but this composite chooses among whole answers, which have no probabilities token by "
            "token. Leave it out.",
            param="logprobs",
        )
    prompt = composite.tokens(prompt_text([message.text for message in body.messages]))
    max_tokens = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    num_alternatives = (body.top_logprobs or 0) if body.logprobs else None
    return _asked(
        body,
        [prompt],
        composite,
        limits,
        max_tokens=max_tokens,
        num_alternatives=num_alternatives,
        reads_prompt=False,
        echoes=None,
    )


def _asked(
    body: CompletionBody | ChatBody,
    prompts: Sequence[Sequence[int]],
    composite: Composite,
    limits: Limits,
    *,
    max_tokens: int | None,
    num_alternatives: int | None,
    reads_prompt: bool,
    echoes: Sequence[str] | None,
) -> Asked:
    num_choices = body.n or 1
    if len(prompts) > limits.num_prompts:
        raise RequestError(
            400, f"prompt has {len(prompts)} entries; at most {limits.num_prompts} are allowed here.", param="prompt"
        )
    if (num_rows := len(prompts) * num_choices) > limits.num_choices:
        raise RequestError(
            400,
            f"n is {num_choices!r}, which makes {num_rows} answers; at most {limits.num_choices} are allowed here in "
            "one request.",
            param="n",
        )
    stops = body.stop if isinstance(body.stop, list) else []
    if len(stops) > MAX_STOPS:
        raise RequestError(400, f"stop has {len(stops)} entries; at most {MAX_STOPS} are allowed.", param="stop")
    if body.stream_options is not None and not body.stream:
        raise RequestError(400, "stream_options is set, but stream is not true.", param="stream_options")
    evolved = DecodingSettings.evolved(composite.program.response)
    longest = max(len(prompt) for prompt in prompts)
    room = composite.num_positions - longest
    if max_tokens is None:
        max_tokens = min(evolved.max_tokens, max(room, 1))
    if max_tokens > room:
        raise RequestError(
            400,
            f"This model reads {composite.num_positions} tokens of prompt and answer together; you asked for "
            f"{longest + max_tokens} ({longest} in the prompt, {max_tokens} in the answer). Shorten either.",
            code="context_length_exceeded",
            param="messages" if isinstance(body, ChatBody) else "prompt",
        )
    seed = secrets.randbits(53) if body.seed is None else body.seed
    temperature = evolved.temperature if body.temperature is None else body.temperature
    settings = replace(
        evolved,
        temperature=0.0 if temperature < _COLDEST else temperature,
        top_p=evolved.top_p if body.top_p is None else body.top_p,
        max_tokens=max_tokens,
    )
    job = Job(
        prompts=[prompt for prompt in prompts for _ in range(num_choices)],
        seeds=[candidate_seed(seed, row) for row in range(num_rows)],
        settings=settings,
        stops=stops,
        is_stripped=isinstance(body, ChatBody),
        num_alternatives=num_alternatives,
        reads_prompt=reads_prompt,
    )
    num_prompt_tokens = sum(len(prompt) for prompt in prompts)
    return Asked(job, seed, num_choices, num_prompt_tokens, tuple(echoes or [""] * len(prompts)))


def _checked_ids(ids: list[int], composite: Composite) -> list[int]:
    for token in ids:
        if token >= composite.vocabulary_size:
            raise RequestError(
                400,
                f"prompt holds the token id {token!r}; this model's are 0 to {composite.vocabulary_size - 1}.",
                param="prompt",
            )
    return ids
