"""The HTTP interface over an engine: routes, streams and errors, the same for one process and for Ray Serve."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from experiments.serve.answering import Piece
from experiments.serve.bodies import ChatReply, CompletionReply, Reply
from experiments.serve.engine import Engine, Summary
from experiments.serve.errors import RequestError
from experiments.serve.guards import Guards
from experiments.serve.jobs import Asked, chat_job, check_model, completion_job
from experiments.serve.schemas import ChatBody, CompletionBody, ErrorBody, Health, ModelCard, ModelList

_logger = logging.getLogger(__name__)
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 404, 408, 413, 429, 503)
}
_DONE = "data: [DONE]\n\n"


def create_app(engine: Engine, *, name: str, api_key: str | None) -> FastAPI:
    """The application.

    Args:
        engine: Answers.
        name: The id of the model.
        api_key: What clients have to send; None lets everybody in.
    """
    app = FastAPI(title="composite-evolve", version="1", docs_url=None, redoc_url=None)
    created = int(time.time())
    card = ModelCard(id=name, created=created)
    limits = engine.limits

    @app.get("/healthz", operation_id="health")
    async def health() -> Health:
        """Whether the server answers."""
        return Health(
            status="degraded" if engine.missing else "ok",
            missing_members=dict(engine.missing),
            requests=engine.num_inside,
        )

    @app.get("/v1/models", operation_id="list_models", responses=_only(400, 401))
    async def models() -> ModelList:
        """The models: one."""
        return ModelList(data=[card])

    @app.get("/v1/models/{model:path}", operation_id="get_model", responses=_only(400, 401, 404))
    async def model_card(model: str) -> ModelCard:
        """One model."""
        check_model(model, name)
        return card

    @app.post("/v1/completions", operation_id="complete", responses=_ERRORS)
    async def completions(body: CompletionBody, request: Request) -> Response:
        """Continue texts."""
        check_model(body.model, name)
        return await answered(CompletionReply, completion_job(body, engine.composite, limits), body, request)

    @app.post("/v1/chat/completions", operation_id="chat", responses=_ERRORS)
    async def chat(body: ChatBody, request: Request) -> Response:
        """Give the next turn of a conversation."""
        check_model(body.model, name)
        return await answered(ChatReply, chat_job(body, engine.composite, limits), body, request)

    async def answered(kind: type[Reply], asked: Asked, body: CompletionBody | ChatBody, request: Request) -> Response:
        composite = engine.composite
        reply = kind(asked, name, composite.fingerprint, composite.tokenizer)
        if not body.stream:
            return JSONResponse(await _unless_gone(_whole(engine, reply), request))
        has_usage = body.stream_options is not None and bool(body.stream_options.include_usage)
        events = _events(engine, reply, has_usage=has_usage)
        # What is refused before the first piece is an error with a status, not a stream.
        first = await anext(events)
        return StreamingResponse(_from(first, events), media_type="text/event-stream")

    _handle_errors(app)
    app.add_middleware(
        Guards, api_key=api_key, body_bytes=limits.body_bytes, body_seconds=min(30.0, limits.request_seconds)
    )
    return app


async def _whole(engine: Engine, reply: Reply) -> dict[str, Any]:
    pieces: list[Piece] = []
    async with aclosing(engine.answer(reply.asked.job)) as events:
        async for event in events:
            if isinstance(event, Summary):
                return reply.whole(pieces, event)
            pieces.append(event)
    raise AssertionError("An answer ends with a summary.")


async def _unless_gone(body: Any, request: Request) -> Any:
    """The body, or an exception as soon as the client goes away: then nobody needs the rest of the answer."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    work, watch = asyncio.ensure_future(body), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise RequestError(400, "The client went away.", code="client_disconnected")
        return work.result()
    finally:
        for task in (work, watch):
            task.cancel()
        await asyncio.gather(work, watch, return_exceptions=True)


async def _events(engine: Engine, reply: Reply, *, has_usage: bool) -> AsyncIterator[str]:
    """The events of a stream."""
    async with aclosing(engine.answer(reply.asked.job)) as events:
        async for event in events:
            if isinstance(event, Summary):
                yield _event(reply.usage_chunk(event, has_usage=has_usage))
                yield _DONE
            elif event.text or event.tokens or event.finish_reason:
                yield _event(reply.chunk(event))


async def _from(first: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    """A stream whose first event is there already; what goes wrong later becomes its last event."""
    try:
        yield first
        async for event in events:
            yield event
    except RequestError as error:
        yield _event(error.body())
    except Exception:
        _logger.exception("An answer failed after it had begun.")
        yield _event(_fault().body())
    finally:
        await events.aclose()  # type: ignore[attr-defined]


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body)}\n\n"


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> JSONResponse:
        headers = {"Retry-After": "1"} if error.status in (429, 503) else None
        return JSONResponse(error.body(), status_code=error.status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        problem = error.errors()[0]
        place = [part for part in problem["loc"] if part != "body"]
        param = str(place[0]).encode("ascii", "backslashreplace").decode() if place else None
        where = param if param is not None else "The body"
        value = ascii(problem.get("input"))
        shown = value if len(value) <= 100 else f"{value[:100]}..."
        message = f"{where} is {shown}: {problem['msg']}"
        if problem["type"] == "extra_forbidden":
            message = f"{where!r} is no field of this request. See /openapi.json."
        elif problem["type"] == "missing":
            message = f"{where!r} is missing; it has to be given."
        elif isinstance(problem.get("input"), bytes):
            param, message = None, "The body is not said to be JSON; send the header 'Content-Type: application/json'."
        elif problem["type"] == "json_invalid":
            param, message = None, f"The body is no JSON: {problem['ctx']['error']!a}"
        refusal = RequestError(400, message, code=problem["type"], param=param)
        return JSONResponse(refusal.body(), status_code=400)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> JSONResponse:
        refusal = RequestError(error.status_code, f"{error.detail}: {request.method} {request.url.path!a}")
        return JSONResponse(refusal.body(), status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(_fault().body(), status_code=500)


def _fault() -> RequestError:
    return RequestError(500, "The server failed to answer; its log says why.", code="internal_error")


def _only(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: _ERRORS[status] for status in statuses}
