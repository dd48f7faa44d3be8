"""What stands before the routes: the API key and the size of bodies. Plain ASGI, so that streams pass untouched."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.serve.errors import RequestError

_OPEN_PATHS = frozenset({"/healthz", "/openapi.json"})


def check_key(header: str | None, key: str | None) -> None:
    """Refuse a request without the right key.

    Args:
        header: The value of ``authorization``.
        key: The key that is asked for; None asks for none.

    Raises:
        RequestError: With status 401.
    """
    if key is None:
        return
    scheme, _, given = (header or "").partition(" ")
    # Compared as bytes and as a whole: the time that this takes says nothing of how much was right.
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), key.encode()):
        raise RequestError(
            401,
            "The API key is missing or wrong. Send it as the header 'Authorization: Bearer KEY'.",
            code="invalid_api_key",
        )


class Guards:
    """An ASGI application behind its guards.

    Args:
        app: The application.
        api_key: The key of every path but ``/healthz`` and the OpenAPI page; None asks for none.
        body_bytes: Largest body.
        body_seconds: How long a client may take to send one.
    """

    def __init__(self, app: ASGIApp, *, api_key: str | None, body_bytes: int, body_seconds: float) -> None:
        self._app = app
        self._key, self._body_bytes, self._body_seconds = api_key, body_bytes, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope["headers"])
        try:
            if scope["path"] not in _OPEN_PATHS:
                check_key(headers.get("authorization"), self._key)
            body = await self._body(headers.get("content-length"), receive)
        except RequestError as error:
            await refuse(error, send)
            return
        pending: list[Message] = [] if body is None else [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, replay, send)

    async def _body(self, length: str | None, receive: Receive) -> bytes | None:
        """The whole body; None where the client went away."""
        if length is not None and length.isdigit() and len(length) < 20 and int(length) > self._body_bytes:
            raise self._too_large()
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self._body_bytes:
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise RequestError(
                408, f"The body did not arrive within {self._body_seconds:g} s.", code="timeout"
            ) from None

    def _too_large(self) -> RequestError:
        return RequestError(
            413, f"The body has more than {self._body_bytes} bytes, which is the most here.", code="body_too_large"
        )


async def refuse(error: RequestError, send: Send) -> None:
    """Send an error."""
    body = json.dumps(error.body()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
