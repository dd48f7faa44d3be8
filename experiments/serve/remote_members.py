"""The members of a composite in other processes, as the engine opens them, and which of them are known to be gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.export.opened import Composite
from experiments.serve.leases import Channels, Leases
from experiments.serve.remote_caches import Patience
from experiments.serve.remote_trunks import Head, RemoteTrunks
from experiments.serve.settings import Limits
from genomes.running.trunk import Trunk

# A member that was gone a moment ago is given this share of the usual patience when it is tried again.
_SECOND_PATIENCE = 0.1


class RemoteMembers:
    """Opens remote members for requests, and remembers for a while which did not answer.

    Args:
        composite: What is served.
        heads: The members' heads by name.
        leases: Finds replicas.
        limits: How long to wait, and how long to go on without a member.
    """

    def __init__(self, composite: Composite, heads: Mapping[str, Head], leases: Leases, limits: Limits) -> None:
        self._composite, self._heads, self._leases, self._limits = composite, heads, leases, limits
        self._channels = Channels()
        self._lock = threading.Lock()
        self._absent: dict[str, tuple[float, str]] = {}

    def open(self, deadline: float) -> OpenRemoteMembers:
        """The members for one request, without those that were gone a moment ago."""
        now = time.monotonic()
        with self._lock:
            failed = {name: reason for name, (until, reason) in self._absent.items() if now < until}
            is_doubtful = len(failed) < len(self._absent)
            if is_doubtful:  # One request finds out for all; the others go on without.
                for name in set(self._absent) - set(failed):
                    self._absent[name] = now + self._limits.absence_seconds, self._absent[name][1]
        if len(failed) == len(self._heads):
            failed = {}
        patience = self._limits.patience_seconds * (_SECOND_PATIENCE if is_doubtful else 1.0)
        request = RemoteTrunks(
            self._heads,
            self._leases,
            self._channels,
            Patience(patience, self._limits.step_seconds, deadline),
            is_eager=bool(self._composite.program.routed_values),
        )
        return OpenRemoteMembers(self, request, request.trunks, failed)

    def learn(self, tried: Mapping[str, Trunk], dropped: Mapping[str, str], known: Mapping[str, str]) -> None:
        """Remember how a request fared: who was dropped is gone for a while, who was tried and answered is back."""
        until = time.monotonic() + self._limits.absence_seconds
        with self._lock:
            for name in tried:
                if name in known:
                    continue
                if name in dropped:
                    self._absent[name] = until, dropped[name]
                else:
                    self._absent.pop(name, None)


@dataclass(frozen=True, slots=True)
class OpenRemoteMembers:
    """Members as one request has them; made by ``RemoteMembers``."""

    members: RemoteMembers
    request: RemoteTrunks
    trunks: Mapping[str, Trunk]
    failed: Mapping[str, str]

    def close(self, dropped: Mapping[str, str]) -> None:
        """Give all places back."""
        self.request.close()
        answered = {cache.member: self.trunks[cache.member] for cache in self.request.caches}
        self.members.learn(answered, dropped, self.failed)
