"""The gRPC interface over an engine: messages to jobs, and pieces to messages. See protocol/composite_evolve.proto."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from pydantic import ValidationError

from experiments.serve.engine import Engine, Summary
from experiments.serve.errors import RequestError
from experiments.serve.guards import check_key
from experiments.serve.jobs import Asked, chat_job, check_model, completion_job
from experiments.serve.protocol import composite_evolve_pb2 as pb
from experiments.serve.schemas import ChatBody, CompletionBody

_SETTINGS = ("max_tokens", "temperature", "top_p", "seed", "n")


class GrpcIngress:
    """Answers calls.

    Args:
        engine: Answers.
        name: The id of the model.
        api_key: What clients have to send; None lets everybody in.
    """

    def __init__(self, engine: Engine, *, name: str, api_key: str | None) -> None:
        self._engine, self._name, self._api_key = engine, name, api_key

    def asked(self, request: pb.CompletionRequest, metadata: Mapping[str, str]) -> Asked:
        """The job of a call.

        Raises:
            RequestError: It is refused.
        """
        check_key(metadata.get("authorization"), self._api_key)
        check_model(request.model or self._name, self._name)
        if request.ByteSize() > self._engine.limits.body_bytes:
            raise RequestError(413, f"The message has more than {self._engine.limits.body_bytes} bytes.")
        fields: dict[str, Any] = {name: getattr(request, name) for name in _SETTINGS if request.HasField(name)}
        fields |= {"model": self._name, "stop": list(request.stop)}
        try:
            if request.WhichOneof("input") == "conversation":
                turns = [{"role": "user", "content": turn} for turn in request.conversation.turns]
                body = ChatBody.model_validate(fields | {"messages": turns})
                return chat_job(body, self._engine.composite, self._engine.limits)
            return completion_job(
                CompletionBody.model_validate(fields | {"prompt": request.prompt}),
                self._engine.composite,
                self._engine.limits,
            )
        except ValidationError as error:
            problem = error.errors()[0]
            place = str(problem["loc"][0]) if problem["loc"] else "The request"
            raise RequestError(400, f"{place} is {problem['input']!r}: {problem['msg']}", param=place) from None

    async def complete(self, asked: Asked) -> pb.CompletionReply:
        """The whole answer."""
        choices = [pb.Choice(index=row) for row in range(len(asked.job.prompts))]
        reply = pb.CompletionReply(seed=asked.seed)
        async with aclosing(self._engine.answer(asked.job)) as events:
            async for event in events:
                if isinstance(event, Summary):
                    reply.usage.CopyFrom(_usage(asked, event))
                    reply.dropped_members.extend(sorted(event.dropped))
                else:
                    choices[event.row].text += event.text
                    choices[event.row].finish_reason = event.finish_reason or ""
        reply.choices.extend(choices)
        return reply

    async def stream(self, asked: Asked) -> AsyncIterator[pb.CompletionPiece]:
        """The answer as it is written."""
        async with aclosing(self._engine.answer(asked.job)) as events:
            async for event in events:
                if isinstance(event, Summary):
                    yield pb.CompletionPiece(usage=_usage(asked, event), dropped_members=sorted(event.dropped))
                elif event.text or event.finish_reason:
                    yield pb.CompletionPiece(index=event.row, text=event.text, finish_reason=event.finish_reason or "")


def _usage(asked: Asked, summary: Summary) -> pb.Usage:
    return pb.Usage(prompt_tokens=asked.num_prompt_tokens, completion_tokens=sum(summary.num_tokens))
