"""What a request is told when it is not answered: an HTTP status, OpenAI's error fields, and the gRPC code for it."""

from __future__ import annotations

from functools import partial
from typing import Any

GRPC_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class RequestError(Exception):
    """A request that is refused or cannot be answered.

    Attributes:
        status: HTTP status.
        message: What is wrong, what is allowed and what to do.
        code: A word for programs, as OpenAI's interface has it.
        param: The field of the request that is wrong, if it is one.
    """

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param

    def __reduce__(self) -> tuple[Any, ...]:
        """Arguments with names do not survive pickling otherwise, and Ray pickles errors."""
        return partial(RequestError, code=self.code, param=self.param), (self.status, self.message)

    def body(self) -> dict[str, Any]:
        """The error as OpenAI's clients read it."""
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(
            self.status, "invalid_request_error" if self.status < 500 else "server_error"
        )
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def busy(num_waiting: int) -> RequestError:
    """Too many requests at a time."""
    return RequestError(
        429,
        f"{num_waiting} requests are waiting already, which is the most here. Try again in a moment, or start more "
        "controllers with --replicas controller=COUNT.",
        code="rate_limit_exceeded",
    )


def too_slow(seconds: float) -> RequestError:
    """The request's time is over."""
    return RequestError(
        408,
        f"There was no whole answer within {seconds:g} s, which is the most here. Ask for fewer tokens or choices.",
        code="timeout",
    )


def nobody_left(members: str) -> RequestError:
    """No member of the composite answers."""
    return RequestError(
        503, f"None of the members that an answer needs is there: {members}. Try again later.", code="members_missing"
    )
