"""Places in replicas of members, and connections to them: what remote caches ask for, and what Ray Serve gives."""

from __future__ import annotations

import threading
from typing import Protocol

import grpc

from experiments.serve.member_server import CHANNEL_OPTIONS
from experiments.serve.protocol import members_pb2_grpc


class MemberLostError(RuntimeError):
    """No replica of a member answered in time.

    Attributes:
        member: Its name.
    """

    def __init__(self, member: str, reason: str = "") -> None:
        super().__init__(f"The member {member!r} does not answer: {reason}")
        self.member = member


class Lease(Protocol):
    """A place in one replica of a member. It begins when it is made; what it gives may have to be waited for."""

    session: str

    def address(self, timeout_seconds: float) -> str:
        """Where the replica listens, ``host:port``.

        Raises:
            ConnectionError: No replica has taken the session in time, or the one that had is gone.
        """

    def close(self) -> None:
        """Give the place back."""


class Leases(Protocol):
    """Finds replicas, balancing the load. Ray Serve does (deployments.py)."""

    def lease(self, member: str) -> Lease:
        """Ask for a place in a replica of a member; returns at once."""


class Channels:
    """Connections by address, shared by all requests of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: dict[str, grpc.Channel] = {}

    def stub(self, address: str) -> members_pb2_grpc.MembersStub:
        """Calls to an address."""
        with self._lock:
            if address not in self._channels:
                self._channels[address] = grpc.insecure_channel(address, options=list(CHANNEL_OPTIONS))
            return members_pb2_grpc.MembersStub(self._channels[address])  # type: ignore[no-untyped-call]

    def drop(self, address: str) -> None:
        """Forget a connection that failed."""
        with self._lock:
            channel = self._channels.pop(address, None)
        if channel is not None:
            channel.close()
