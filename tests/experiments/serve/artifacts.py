"""Artifacts of tiny members, and members behind gRPC in this process, for tests of everything that serves."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from experiments.export.artifact import write_artifact
from experiments.export.opened import Composite
from experiments.serve.answering import Job
from experiments.serve.member_server import MemberServer
from genomes.running.decoding import DecodingSettings
from tests.genomes.tiny_members import TinyCatalogue, shapes

SHAPES = shapes()
CARD = "---\nlibrary_name: transformers\n---\n\n# A card\n"
PROMPT = "hello there\n"
SECOND = "what do you like to read?\nbooks about the sea\n"


def write(folder: Path, shape: str) -> Path:
    """The artifact of a shape of genome; written once."""
    directory = folder / shape.replace(" ", "_")
    if not directory.exists():
        write_artifact(SHAPES[shape], TinyCatalogue(), directory, card=CARD)
    return directory


def job(composite: Composite, *prompts: str, seed: int = 3, **settings: float) -> Job:
    """A job for prompts, drawn as evolved where nothing else is said."""
    response = composite.program.response
    values = {name: response[name] for name in ("temperature", "top_k", "top_p")}
    chosen = DecodingSettings(**{**values, "max_tokens": 8, **settings})
    return Job([composite.tokens(prompt) for prompt in prompts], [seed + row for row in range(len(prompts))], chosen)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class DirectLease:
    """A place that is there at once."""

    def __init__(self, server: MemberServer | None) -> None:
        self.session = secrets.token_hex(8)
        self._server = server
        if server is not None:
            server.open(self.session)

    def address(self, timeout_seconds: float) -> str:
        if self._server is None:
            raise ConnectionError("no replica")
        return self._server.address

    def close(self) -> None:
        if self._server is not None:
            self._server.close(self.session)


class DirectLeases:
    """Replicas that are known: the first that is not stopped takes every session."""

    def __init__(self, servers: Mapping[str, list[MemberServer]]) -> None:
        self.servers = servers
        self.stopped: set[MemberServer] = set()
        self.num_asked = 0

    def lease(self, member: str) -> DirectLease:
        self.num_asked += 1
        alive = [server for server in self.servers[member] if server not in self.stopped]
        return DirectLease(alive[0] if alive else None)

    def stop(self, member: str, replica: int) -> None:
        """As if the replica's process had died."""
        server = self.servers[member][replica]
        self.stopped.add(server)
        server.stop()

    def sessions(self) -> int:
        return sum(len(server.sessions) for replicas in self.servers.values() for server in replicas)
