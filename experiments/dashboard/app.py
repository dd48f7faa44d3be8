"""The web application over followed runs: one page, JSON for its script, CSV for people. It only ever reads.

Requests whose Host header names another machine are refused, so that no web page can reach it by DNS rebinding.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from experiments.dashboard.following import FollowedRun, Follower
from experiments.report.figures import progress
from experiments.report.web_files import plotly_source, web_source

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1", "[::1]")

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STATIC = {
    "style.css": ("experiments.report", "text/css"),
    "figures.js": ("experiments.report", "text/javascript"),
    "dashboard.css": ("experiments.dashboard", "text/css"),
    "dashboard.js": ("experiments.dashboard", "text/javascript"),
}


def make_app(
    directories: Sequence[Path], *, is_remote_allowed: bool = False, seconds_between: float = 1.0
) -> Starlette:
    """The application over some run directories, in the order of the page.

    Args:
        directories: Run directories; runs may appear in them later.
        is_remote_allowed: Answer whatever the Host header says; else only the names of loopback.
        seconds_between: How long the logs are left alone when there was nothing new.
    """
    runs = [FollowedRun(Path(directory)) for directory in directories]
    follower = Follower(runs, seconds_between=seconds_between)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        follower.start()
        yield
        follower.stop()

    def page(request: Request) -> Response:
        return _answer(request, web_source("dashboard.html", package="experiments.dashboard"), "text/html")

    def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "plotly.js":
            return _answer(request, plotly_source(), "text/javascript")
        if name not in _STATIC:
            raise HTTPException(404)
        package, kind = _STATIC[name]
        return _answer(request, web_source(name, package=package), kind)

    def overview(request: Request) -> Response:
        return _json(request, {"runs": [run.overview() for run in runs], "progress": _progress(runs)})

    def details(request: Request) -> Response:
        return _json(request, _run(request).details())

    def individual(request: Request) -> Response:
        found = _run(request).card(request.path_params["id"])
        if found is None:
            raise HTTPException(404)
        return _json(request, found)

    def table(request: Request) -> Response:
        csv = _run(request).table(request.path_params["name"])
        if csv is None:
            raise HTTPException(404)
        return PlainTextResponse(csv, headers=_HEADERS, media_type="text/csv")

    def _run(request: Request) -> FollowedRun:
        number: int = request.path_params["run"]
        if number >= len(runs):
            raise HTTPException(404)
        return runs[number]

    return Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name}", static),
            Route("/api/runs", overview),
            Route("/api/runs/{run:int}", details),
            Route("/api/runs/{run:int}/individuals/{id}", individual),
            Route("/api/runs/{run:int}/{name}.csv", table),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["*"] if is_remote_allowed else list(LOOPBACK_NAMES))
        ],
        lifespan=lifespan,
    )


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _progress(runs: Sequence[FollowedRun]) -> dict[str, Any]:
    """All runs in one figure; labels are made unique by their place."""
    stories = {}
    for place, run in enumerate(runs):
        with run.lock:
            if run.story is not None:
                label = run.label if run.label not in stories else f"{run.label} ({place + 1})"
                stories[label] = run.story
    if not stories:
        return {"name": "progress", "traces": [], "layout": {}, "title": "Progress", "caption": "No run yet."}
    figure = progress(stories)
    return {**figure.spec(), "title": figure.title, "caption": figure.caption}


def _json(request: Request, document: dict[str, Any]) -> Response:
    return _answer(request, json.dumps(document, allow_nan=False), "application/json")


def _answer(request: Request, text: str, kind: str) -> Response:
    """The text, or nothing where the browser has it already."""
    content = text.encode()
    tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {**_HEADERS, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
