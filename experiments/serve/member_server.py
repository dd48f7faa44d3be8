"""One member in its process: keeps the key-value caches of the texts that it is reading, and answers gRPC calls.

The other side is remote_trunks.py. Nothing here knows Ray or graphs; a member reads tokens and gives hidden states.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import torch

from experiments.serve.protocol import members_pb2, members_pb2_grpc
from genomes.running.trunk import Trunk

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),
)
_SERVER_OPTIONS = (*CHANNEL_OPTIONS, ("grpc.so_reuseport", 0), ("grpc.http2.min_ping_interval_without_data_ms", 5_000))


@dataclass(slots=True)
class _Session:
    cache: Any
    num_tokens: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemberServer(members_pb2_grpc.MembersServicer):
    """Answers calls for one member's trunk until it is stopped.

    Args:
        trunk: The member's forward pass.
        host: Address to listen on; the port is a free one.
        num_threads: Calls that are computed at a time; further ones wait.
    """

    def __init__(self, trunk: Trunk, *, host: str = "127.0.0.1", num_threads: int = 4) -> None:
        self._trunk = trunk
        self._sessions: dict[str, _Session] = {}
        self._server = grpc.server(
            ThreadPoolExecutor(num_threads, thread_name_prefix="member"), options=list(_SERVER_OPTIONS)
        )
        members_pb2_grpc.add_MembersServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]
        shown = f"[{host}]" if ":" in host else host
        self.address: str = f"{shown}:{self._server.add_insecure_port(f'{shown}:0')}"
        self._server.start()

    @property
    def sessions(self) -> Mapping[str, Any]:
        """The open sessions by id."""
        return self._sessions

    def open(self, session: str) -> None:
        """Answer calls of this session from now on."""
        self._sessions[session] = _Session(self._trunk.new_cache())

    def close(self, session: str) -> None:
        """Forget a session and its cache; nothing where there is none."""
        self._sessions.pop(session, None)

    def stop(self) -> None:
        """Refuse further calls and end those that run."""
        self._server.stop(grace=None)

    # Called by gRPC

    def Step(self, request: members_pb2.StepRequest, context: grpc.ServicerContext) -> members_pb2.StepReply:  # noqa: N802
        """Read new tokens. See members.proto."""
        session = self._sessions.get(request.session)
        if session is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"There is no session {request.session!r} here; open one.")
            raise AssertionError  # abort raises
        with session.lock, torch.inference_mode():
            if request.num_earlier == 0:
                session.cache, session.num_tokens = self._trunk.new_cache(), 0
            elif request.num_earlier != session.num_tokens:
                context.abort(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"num_earlier is {request.num_earlier!r}; the session holds {session.num_tokens!r} tokens.",
                )
            session.num_tokens = -1  # Until the step is done, the cache may hold half of it.
            if request.kept_rows:
                kept = torch.tensor(list(request.kept_rows))
                for layer in session.cache.layers:
                    layer.batch_select_indices(kept)
            tokens = _integers(request.tokens, request.num_rows)
            mask = torch.from_numpy(
                np.frombuffer(request.mask, np.uint8).reshape(request.num_rows, -1).astype(np.int64)
            )
            hidden = self._trunk.hidden(tokens, mask, _integers(request.positions, request.num_rows), session.cache)
            session.num_tokens = request.num_earlier + tokens.shape[1]
            data = hidden.float().cpu().contiguous().numpy().tobytes()
            return members_pb2.StepReply(hidden=data, num_positions=hidden.shape[1])


def _integers(data: bytes, num_rows: int) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(data, "<i4").reshape(num_rows, -1).astype(np.int64))
