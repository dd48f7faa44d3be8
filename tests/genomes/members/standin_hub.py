"""A stand-in for the Hugging Face hub on the loopback interface: as much of it as a download and an upload need.

Uploads come as the hub's protocol has them: large files by git-lfs first, then one commit that names them. The metadata
of a model card is checked by the rules that the hub documents (https://huggingface.co/docs/hub/model-cards).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from huggingface_hub import ModelCardData

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_standin"
USER = "me"
LARGE_BYTES = 10_000
PIPELINES = {"text-generation", "text-classification", "translation", "summarization", "other"}
LICENSES = {"apache-2.0", "mit", "other", "unknown", "openrail", "cc-by-4.0"}


@dataclass
class StandInHub:
    """A running hub.

    Attributes:
        endpoint: What ``HF_ENDPOINT`` has to be.
        downloads: Paths of all files that were fetched, in order.
        commits: The messages of all commits, in order.
        large: Files that came by git-lfs, by sha256.
    """

    endpoint: str
    downloads: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    large: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def standin_hub(models: MutableMapping[str, Path], *, created: Path | None = None) -> Iterator[StandInHub]:
    """Serve directories as models by id, each with the one revision ``main``.

    Args:
        models: The directories.
        created: Folder for models that clients create as ``USER`` with ``TOKEN``; they are added to ``models``.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.models, server.created = models, created  # type: ignore[attr-defined]
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

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = unquote(urlsplit(self.path).path).strip("/")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send_json(401, {"error": "Invalid username or password."})
        elif path == "api/repos/create":
            self._create(json.loads(body))
        elif path == "api/validate-yaml":
            problems = card_problems(json.loads(body)["content"])
            errors = [{"message": problem} for problem in problems]
            self._send_json(400 if errors else 200, {"errors": errors, "warnings": []})
        elif path.endswith("/preupload/main"):
            self._send_json(200, {"files": [_upload_mode(file) for file in json.loads(body)["files"]]})
        elif path.endswith(".git/info/lfs/objects/batch"):
            hub: StandInHub = self.server.hub  # type: ignore[attr-defined]
            objects = [
                one | {"actions": {"upload": {"href": f"{hub.endpoint}/large/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            self._send_json(200, {"transfer": "basic", "objects": objects})
        elif path.endswith("/commit/main"):
            self._commit("/".join(path.split("/")[2:4]), [json.loads(line) for line in body.splitlines()])
        else:
            self._send_json(404, {"error": f"no such endpoint: {path}"})

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        oid = urlsplit(self.path).path.rpartition("/")[2]
        if sha256(content).hexdigest() != oid:
            self._send_json(400, {"error": "not what was announced"})
            return
        self.server.hub.large[oid] = content  # type: ignore[attr-defined]
        self._send_json(200, {})

    def _create(self, asked: dict[str, Any]) -> None:
        identifier = f"{asked.get('organization') or USER}/{asked['name']}"
        models: MutableMapping[str, Path] = self.server.models  # type: ignore[attr-defined]
        if not identifier.startswith(f"{USER}/"):
            self._send_json(403, {"error": f"You don't have the rights to create a model under {identifier!r}"})
            return
        status = 409 if identifier in models else 200
        if status == 200:
            models[identifier] = self.server.created / identifier  # type: ignore[attr-defined]
            models[identifier].mkdir(parents=True)
        endpoint = self.server.hub.endpoint  # type: ignore[attr-defined]
        self._send_json(status, {"url": f"{endpoint}/{identifier}", "name": identifier, "id": identifier})

    def _commit(self, identifier: str, lines: list[dict[str, Any]]) -> None:
        hub: StandInHub = self.server.hub  # type: ignore[attr-defined]
        directory: Path = self.server.models[identifier]  # type: ignore[attr-defined]
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "header":
                    hub.commits.append(value["summary"])
                case "file":
                    (directory / value["path"]).write_bytes(base64.b64decode(value["content"]))
                case "lfsFile":
                    (directory / value["path"]).write_bytes(hub.large[value["oid"]])
                case "deletedFile":
                    (directory / value["path"]).unlink()
        url = f"{hub.endpoint}/{identifier}/commit/{COMMIT}"
        self._send_json(200, {"success": True, "commitOid": COMMIT, "commitUrl": url, "hookOutput": ""})

    def _send_json(self, status: int, document: dict[str, Any]) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json"}, with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts == ["api", "whoami-v2"]:
            is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            self._send_json(200 if is_known else 401, {"name": USER, "type": "user", "orgs": []})
            return
        models: MutableMapping[str, Path] = self.server.models  # type: ignore[attr-defined]
        is_api = parts[:2] == ["api", "models"]
        identifier = "/".join(parts[2:4] if is_api else parts[:2])
        action, revision, *rest = (parts[4:] if is_api else parts[2:]) or ["revision", "main"]
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


def card_problems(text: str) -> list[str]:
    """What the hub refuses about the metadata of a model card."""
    header = re.match(r"---\n(.*?)\n---\n", text, flags=re.DOTALL)
    if header is None:
        return ["empty or missing yaml metadata"]
    try:
        data = yaml.safe_load(header[1])
        ModelCardData(**data)
    except Exception as error:
        return [f"invalid yaml metadata: {error}"]
    problems = []
    tags = data.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        problems.append('"tags" must be an array of strings')
    if data.get("pipeline_tag", "other") not in PIPELINES:
        problems.append('"pipeline_tag" must be a valid task')
    if data.get("license", "other") not in LICENSES:
        problems.append('"license" must be one of the known licenses')
    if not isinstance(data.get("library_name", ""), str):
        problems.append('"library_name" must be a string')
    return problems


def _upload_mode(file: dict[str, Any]) -> dict[str, Any]:
    is_large = file["path"].endswith(".safetensors") or file["size"] > LARGE_BYTES
    return {"path": file["path"], "uploadMode": "lfs" if is_large else "regular", "shouldIgnore": False}
