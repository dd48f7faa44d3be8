"""``evolve dashboard``: the live page of one or several runs, served on loopback until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path


def serve_dashboard(
    directories: Sequence[Path], *, host: str = "127.0.0.1", port: int = 0, is_remote_allowed: bool = False
) -> None:
    """Serve the live page until the process is interrupted; its address is printed.

    Args:
        directories: Run directories; a run may appear in one later.
        host: Where to listen.
        port: 0 takes a free one.
        is_remote_allowed: Whether other machines may read the runs: without it only loopback is listened on.

    Raises:
        ValueError: The host is not loopback and nobody allowed that, or it cannot be listened on.
        ModuleNotFoundError: Starlette or uvicorn is not installed.
    """
    try:
        import uvicorn

        from experiments.dashboard.app import is_loopback, make_app
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"The dashboard needs the package {error.name!r}. Install it with: "
            "pip install 'composite-evolve[dashboard]'"
        ) from error
    if not is_remote_allowed and not is_loopback(host):
        raise ValueError(
            f"--host is {host!r}, which other machines can reach; allowed are 127.0.0.1, ::1 and localhost. The page "
            "has no password: to let everybody on that network read these runs, add --allow-remote."
        )
    listener = _listener(host, port)
    name = f"[{host}]" if ":" in host else host
    runs = ", ".join(str(directory) for directory in directories)
    print(f"Dashboard of {runs}: http://{name}:{listener.getsockname()[1]}/ (Ctrl-C ends it)", flush=True)
    app = make_app(directories, is_remote_allowed=is_remote_allowed)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    server.run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    if not 0 <= port < 2**16:  # The system would take it modulo that.
        raise ValueError(f"--port is {port!r}; allowed are 0, which takes a free one, to {2**16 - 1}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ValueError(
            f"--host {host!r} with --port {port!r} cannot be listened on: {error}. Use --port 0 for a free one."
        ) from error
    return listener
