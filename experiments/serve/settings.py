"""What is served, how much of it one request may ask for, and where. No behaviour here beyond checking values."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

CONTROLLER = "controller"
"""Deployment of the controllers; members' deployments are called ``member-<name>``."""


class Limits(BaseModel):
    """What one server takes; more than that is refused with a reason, never queued without end.

    Attributes:
        body_bytes: Largest request body.
        num_prompts: Prompts in one request.
        num_choices: Prompts times ``n`` in one request: rows that are decoded together.
        num_running: Requests that one controller decodes at a time.
        num_sessions: Texts that one replica of a member keeps caches of; further ones wait for a place.
        num_waiting: Requests that wait for their turn at one controller; one more is answered with 429.
        request_seconds: Wall time of a request, waiting included; a longer one is answered with 408.
        patience_seconds: How long a request waits for a member that does not answer, before it goes on without it.
        absence_seconds: How long later requests go on without that member before they try it again.
        step_seconds: How long a single call to a member may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=1 << 20, ge=1 << 10)
    num_prompts: int = Field(default=32, ge=1)
    num_choices: int = Field(default=64, ge=1)
    num_running: int = Field(default=8, ge=1)
    num_sessions: int = Field(default=128, ge=1)
    num_waiting: int = Field(default=64, ge=0)
    request_seconds: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    patience_seconds: float = Field(default=8.0, gt=0, allow_inf_nan=False)
    absence_seconds: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    step_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)


class ServedModel(BaseModel):
    """An artifact under a name: the argument of the Serve application, and of the local server.

    Attributes:
        artifact: Directory that ``evolve export`` wrote; every node has to find it under this path.
        name: The id under which clients ask for it; the directory's name without.
        limits: What it takes.
        api_key_env: Environment variable with the key that clients have to send; None asks for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    artifact: str
    name: str | None = None
    limits: Limits = Limits()
    api_key_env: str | None = None


def parse_replicas(entries: Sequence[str], members: Sequence[str]) -> dict[str, int]:
    """Replicas by deployment from ``member=2`` entries: 2 controllers and 1 of every member where nothing is said.

    Raises:
        ValueError: An entry is malformed or names no member.
    """
    counts = {CONTROLLER: 2, **dict.fromkeys(members, 1)}
    for entry in entries:
        name, _, number = entry.partition("=")
        if name not in counts:
            raise ValueError(f"--replicas has {entry!r}; allowed are NAME=COUNT with a name of {', '.join(counts)}.")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= 1000:
            raise ValueError(f"--replicas has {entry!r}; a count is a whole number from 1 to 1000.")
        counts[name] = int(number)
    return counts


def check_exposure(
    host: str, environment: Mapping[str, str], *, api_key_env: str | None, is_open: bool, has_grpc: bool = False
) -> None:
    """Refuse to serve other machines without a key, unless that is what the user says.

    Args:
        host: Address to listen on.
        environment: The process's environment.
        api_key_env: Variable that holds the key, if any.
        is_open: Whether everybody who reaches the port may ask.
        has_grpc: Whether there is a port for gRPC, which Serve opens on every address.

    Raises:
        ValueError: Other machines could ask, and there is no key; or the variable is not set.
    """
    if api_key_env is not None:
        read_api_key(environment, api_key_env)
    elif not is_open and (has_grpc or not is_loopback(host)):
        where = f"--host is {host!r}" if not is_loopback(host) else "--grpc-port is open on every address"
        raise ValueError(
            f"{where}, which other machines reach, and there is no API key. Set one in the environment and "
            "name its variable with --api-key-env, or say --no-api-key to let everybody in."
        )


def read_api_key(environment: Mapping[str, str], variable: str) -> str:
    """The key in an environment variable.

    Raises:
        ValueError: The variable is not set, or holds less than 8 characters or other than printable ASCII.
    """
    key = environment.get(variable, "")
    if len(key) < 8 or not key.isascii() or not key.isprintable():
        raise ValueError(
            f"--api-key-env is {variable!r}, whose value has {len(key)} characters; a key has at least 8, printable "
            f"ASCII. Set it with: export {variable}=..."
        )
    return key


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def served_name(model: ServedModel) -> str:
    """The id under which clients ask for a model."""
    return model.name or model.artifact.rstrip("/").rpartition("/")[2] or "composite"


def deployment_name(member: str) -> str:
    """The Serve deployment of a member."""
    return f"member-{member}"


def actor_options(*, num_cpus: float) -> dict[str, Any]:
    """What Ray reserves for a replica; torch has one thread, as in the engine, so that sums are the same."""
    return {"num_cpus": num_cpus, "runtime_env": {"env_vars": {"OMP_NUM_THREADS": "1"}}}
