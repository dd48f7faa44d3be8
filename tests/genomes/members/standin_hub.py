"""A stand-in for the Hugging Face hub on the loopback interface: as much of its HTTP interface as a download needs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class StandInHub:
    """A running hub.

    Attributes:
        endpoint: What ``HF_ENDPOINT`` has to be.
        downloads: Paths of all files that were fetched, in order.
    """

    endpoint: str
    downloads: list[str] = field(default_factory=list)


@contextmanager
def standin_hub(models: Mapping[str, Path]) -> Iterator[StandInHub]:
    """Serve directories as models by id, each with the one revision ``main``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.models = models  # type: ignore[attr-defined]
    server.hub = hub = StandInHub(f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        models: Mapping[str, Path] = self.server.models  # type: ignore[attr-defined]
        is_api = parts[:2] == ["api", "models"]
        identifier = "/".join(parts[2:4] if is_api else parts[:2])
        action, revision, *rest = (parts[4:] if is_api else parts[2:]) or ["", ""]
        if identifier not in models:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "no such model"}, with_body)
        elif revision not in ("main", COMMIT):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "no such revision"}, with_body)
        elif is_api and action == "revision":
            names = [{"rfilename": path.name} for path in sorted(models[identifier].iterdir())]
            document = {"id": identifier, "modelId": identifier, "sha": COMMIT, "siblings": names, "private": False}
            self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"}, with_body)
        elif is_api and action == "tree":
            files = [
                {"type": "file", "path": p.name, "size": p.stat().st_size, "oid": sha1(p.read_bytes()).hexdigest()}
                for p in sorted(models[identifier].iterdir())
            ]
            self._send(200, json.dumps(files).encode(), {"Content-Type": "application/json"}, with_body)
        else:
            self._send_file(models[identifier] / "/".join(rest), f"{identifier}/{'/'.join(rest)}", with_body)

    def _send_file(self, path: Path, name: str, with_body: bool) -> None:
        if not path.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "no such file"}, with_body)
            return
        if with_body:
            self.server.hub.downloads.append(name)  # type: ignore[attr-defined]
        content = path.read_bytes()
        headers = {"ETag": f'"{sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        self._send(200, content, headers, with_body)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str], with_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)
