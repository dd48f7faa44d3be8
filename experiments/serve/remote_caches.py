"""A text in one replica of a member: its steps over gRPC, and the way back where the replica dies.

The member's key-value cache lives in that replica; everything that is needed to read the text again is kept here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import torch

from experiments.serve.leases import Channels, Lease, Leases, MemberLostError
from experiments.serve.protocol import members_pb2

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for members.

    Attributes:
        patience_seconds: How long to look for a replica of a member.
        step_seconds: How long one call may take.
        deadline: When (monotonic clock) the request ends in any case.
    """

    patience_seconds: float
    step_seconds: float
    deadline: float


class PendingHidden:
    """Hidden states that a member is computing."""

    def __init__(self, wait: Callable[[], torch.Tensor]) -> None:
        self._wait = wait
        self._tensor: torch.Tensor | None = None

    def tensor(self) -> torch.Tensor:
        """The states; waits for them.

        Raises:
            MemberLostError: They do not come.
        """
        if self._tensor is None:
            self._tensor = self._wait()
        return self._tensor

    def __getitem__(self, index: Any) -> PendingHidden:
        return PendingHidden(lambda: self.tensor()[index])


def arrived(hidden: Any) -> torch.Tensor:
    """Hidden states themselves."""
    return hidden.tensor() if isinstance(hidden, PendingHidden) else hidden


class RemoteCache:
    """One text in one replica of a member, and everything that is needed to read it again in another one."""

    def __init__(self, member: str, leases: Leases, channels: Channels, patience: Patience) -> None:
        self.member = member
        self._leases, self._channels, self._patience = leases, channels, patience
        self._tokens = self._positions = torch.zeros(0, 0, dtype=torch.long)
        self._kept: torch.Tensor | None = None
        self._last: PendingHidden | None = None
        self._lease: Lease | None = leases.lease(member)
        self._address: str | None = None

    @property
    def layers(self) -> list[RemoteCache]:
        """Itself: it reorders its rows as one layer."""
        return [self]

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows, from the next step on."""
        if self._last is not None:
            self._last.tensor()
        self._tokens, self._positions = self._tokens[indices], self._positions[indices]
        self._kept = indices if self._kept is None else self._kept[indices]

    def step(self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> PendingHidden:
        """Send new tokens on their way."""
        if self._last is not None:
            self._last.tensor()  # A step that nobody read is still a step of the cache.
        num_earlier = self._tokens.shape[1]
        kept = [] if self._kept is None else self._kept.tolist()
        self._kept = None
        self._tokens = torch.cat([self._tokens, tokens], dim=1) if num_earlier else tokens
        self._positions = torch.cat([self._positions, positions], dim=1) if num_earlier else positions
        num_new = tokens.shape[1]
        try:
            if self._address is None:
                call = self._anew(mask, self._patience.patience_seconds)
            else:
                call = self._send(self._message(num_earlier, mask, kept))
        except ConnectionError as error:
            call = _Failed(error)
        self._last = PendingHidden(lambda: self._received(call, num_new, mask))
        return self._last

    def close(self) -> None:
        """Give the place back."""
        if self._lease is not None:
            self._lease.close()
        self._lease = self._address = None

    def _received(self, call: Any, num_new: int, mask: torch.Tensor) -> torch.Tensor:
        """The answer to a call, or to the whole text from another replica where that fails."""
        started, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        while True:
            until = min(started + self._patience.patience_seconds, self._patience.deadline)
            try:
                if call is None:
                    call = self._anew(mask, until - time.monotonic())
                reply = call.result()
                numbers = np.frombuffer(reply.hidden, "<f4").reshape(mask.shape[0], reply.num_positions, -1)
                return torch.from_numpy(numbers[:, -num_new:].copy())
            except (grpc.RpcError, grpc.FutureTimeoutError, ConnectionError) as error:
                call = None
                if self._address is not None and _is_gone(error):
                    self._channels.drop(self._address)
                self.close()
                if time.monotonic() + pause >= until:
                    raise MemberLostError(self.member, _reason(error)) from error
            threading.Event().wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _anew(self, mask: torch.Tensor, timeout_seconds: float) -> Any:
        """A call that has the whole text read."""
        if self._lease is None:
            self._lease = self._leases.lease(self.member)
        self._address = self._lease.address(max(timeout_seconds, 0.01))
        return self._send(self._message(0, mask, []))

    def _message(self, num_earlier: int, mask: torch.Tensor, kept: list[int]) -> members_pb2.StepRequest:
        assert self._lease is not None
        return members_pb2.StepRequest(
            session=self._lease.session,
            num_earlier=num_earlier,
            num_rows=mask.shape[0],
            kept_rows=kept,
            tokens=_bytes(self._tokens[:, num_earlier:], "<i4"),
            positions=_bytes(self._positions[:, num_earlier:], "<i4"),
            mask=_bytes(mask, "u1"),
        )

    def _send(self, message: members_pb2.StepRequest) -> Any:
        assert self._address is not None
        seconds = min(self._patience.step_seconds, max(self._patience.deadline - time.monotonic(), 0.01))
        try:
            return self._channels.stub(self._address).Step.future(message, timeout=seconds)
        except ValueError as error:  # Another request has closed the channel.
            return _Failed(ConnectionError(str(error)))


class _Failed:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def result(self) -> Any:
        raise self._error


def _bytes(tensor: torch.Tensor, kind: str) -> bytes:
    return tensor.numpy().astype(np.dtype(kind)).tobytes()


def _is_gone(error: Exception) -> bool:
    """Whether a call failed because nobody is there, rather than because of what it asked."""
    return isinstance(error, grpc.RpcError) and error.code() is grpc.StatusCode.UNAVAILABLE


def _reason(error: Exception) -> str:
    if isinstance(error, grpc.RpcError):
        return f"{error.code().name}: {error.details()}"
    return f"{type(error).__name__}: {error}"
