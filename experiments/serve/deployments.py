"""The Serve application: controllers, which are the ingress, and one deployment for every member.

A request's place in a replica of a member is one long call through Serve, which balances such calls over replicas and
counts them as load; the steps of decoding go beside it, straight to the replica over gRPC (remote_caches.py). So there
is one hop per step and member, Serve is asked once per request, and a replica that dies takes only caches with it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any

import grpc
import ray
import torch
from fastapi import FastAPI
from ray import serve
from ray.serve import metrics
from ray.serve.grpc_util import RayServegRPCContext
from ray.serve.handle import DeploymentHandle

from experiments.export.opened import member_names, open_artifact
from experiments.serve.api import create_app
from experiments.serve.engine import Engine, Summary
from experiments.serve.errors import GRPC_CODES, RequestError
from experiments.serve.grpc_ingress import GrpcIngress
from experiments.serve.member_server import MemberServer
from experiments.serve.protocol import composite_evolve_pb2 as pb
from experiments.serve.remote_members import RemoteMembers
from experiments.serve.remote_trunks import Head
from experiments.serve.settings import (
    CONTROLLER,
    ServedModel,
    actor_options,
    deployment_name,
    parse_replicas,
    read_api_key,
    served_name,
)
from genomes.running.fast_trunk import trunk_of

_HEALTH = {"health_check_period_s": 2, "health_check_timeout_s": 10, "graceful_shutdown_timeout_s": 2}
_CPUS = {"controller": 0.5, "member": 1.0}


class Member:
    """One member, to which controllers talk over gRPC.

    Args:
        artifact: Directory of the composite.
        name: The member's name.
        host: Address to listen on; None for the node's own.
    """

    def __init__(self, artifact: str, name: str, host: str | None = None) -> None:
        torch.set_num_threads(1)
        _, models = open_artifact(Path(artifact))
        self._server = MemberServer(trunk_of(models[name], key=name), host=host or ray.util.get_node_ip_address())

    async def hold(self, session: str) -> AsyncIterator[str]:
        """Keep a place for a session until the caller cancels or dies; first says where to send its steps."""
        self._server.open(session)
        try:
            yield self._server.address
            await asyncio.Event().wait()
        finally:
            self._server.close(session)


class ServeLease:
    """A place in a replica that Serve chose; see ``leases.Lease``."""

    def __init__(self, handle: DeploymentHandle, loop: asyncio.AbstractEventLoop) -> None:
        self.session = secrets.token_hex(16)
        self._loop = loop
        self._call: Any = None
        self._is_closed = False
        self._future: Future[str] = asyncio.run_coroutine_threadsafe(self._ask(handle), loop)

    async def _ask(self, handle: DeploymentHandle) -> str:
        self._call = handle.options(stream=True).hold.remote(self.session)
        address: str = await anext(self._call)
        return address

    def address(self, timeout_seconds: float) -> str:
        """See ``Lease``."""
        try:
            return self._future.result(timeout_seconds)
        except FutureTimeoutError:
            raise ConnectionError(f"no replica within {timeout_seconds:.1f} s") from None
        except Exception as error:  # Whatever Ray says of replicas that die.
            raise ConnectionError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """See ``Lease``."""
        if not self._is_closed:
            self._is_closed = True
            self._future.cancel()
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()


class ServeLeases:
    """Places by way of Serve's handles; see ``leases.Leases``."""

    def __init__(self, handles: Mapping[str, DeploymentHandle], loop: asyncio.AbstractEventLoop) -> None:
        self._handles, self._loop = handles, loop

    def lease(self, member: str) -> ServeLease:
        """See ``Leases``."""
        return ServeLease(self._handles[member], self._loop)


@serve.ingress()
class Controller:
    """Takes requests over HTTP and gRPC and routes the graph; holds the members' heads and nothing else of them.

    Args:
        model: A ``ServedModel`` as a document.
        handles: The members' deployments by name.
    """

    async def __init__(self, model: dict[str, Any], handles: dict[str, DeploymentHandle]) -> None:  # type: ignore[misc]
        torch.set_num_threads(1)
        served = ServedModel.model_validate(model)
        composite, models = open_artifact(Path(served.artifact))
        heads = {name: Head(member) for name, member in models.items()}
        key = None if served.api_key_env is None else read_api_key(os.environ, served.api_key_env)
        leases = ServeLeases(handles, asyncio.get_running_loop())
        members = RemoteMembers(composite, heads, leases, served.limits)
        self._engine = Engine(composite, members, served.limits, on_summary=Meter())
        self._app = create_app(self._engine, name=served_name(served), api_key=key)
        self._grpc = GrpcIngress(self._engine, name=served_name(served), api_key=key)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._app

    async def Complete(  # noqa: N802
        self, request: pb.CompletionRequest, grpc_context: RayServegRPCContext
    ) -> pb.CompletionReply:
        """See composite_evolve.proto."""
        try:
            return await self._grpc.complete(self._grpc.asked(request, _metadata(grpc_context)))
        except RequestError as error:
            raise _told(error, grpc_context) from None

    async def StreamComplete(  # noqa: N802
        self, request: pb.CompletionRequest, grpc_context: RayServegRPCContext
    ) -> AsyncIterator[pb.CompletionPiece]:
        """See composite_evolve.proto."""
        try:
            async for piece in self._grpc.stream(self._grpc.asked(request, _metadata(grpc_context))):
                yield piece
        except RequestError as error:
            raise _told(error, grpc_context) from None


class Meter:
    """Counts answers for Prometheus, which reads Ray's metrics port."""

    def __init__(self) -> None:
        self._tokens = metrics.Counter("evolve_generated_tokens", description="Tokens of answers.")
        self._dropped = metrics.Counter(
            "evolve_dropped_members", description="Answers without a member.", tag_keys=("member",)
        )
        boundaries = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
        self._first = metrics.Histogram(
            "evolve_first_token_seconds", description="From request to first token.", boundaries=boundaries
        )
        self._whole = metrics.Histogram(
            "evolve_answer_seconds", description="From request to the end of the answer.", boundaries=boundaries
        )

    def __call__(self, summary: Summary) -> None:
        """Count an answer."""
        if num_tokens := sum(summary.num_tokens):
            self._tokens.inc(num_tokens)
        for member in summary.dropped:
            self._dropped.inc(tags={"member": member})
        if summary.first_token_seconds is not None:
            self._first.observe(summary.first_token_seconds)
        self._whole.observe(summary.seconds)


def build(args: dict[str, Any]) -> serve.Application:
    """The application for a Serve configuration file, which says how many replicas each deployment has.

    Args:
        args: A ``ServedModel`` as a document.
    """
    model = ServedModel.model_validate(args)
    return application(model, parse_replicas((), member_names(Path(model.artifact))))


def application(
    model: ServedModel, replicas: Mapping[str, int], *, member_host: str | None = None
) -> serve.Application:
    """The application.

    Args:
        model: What is served.
        replicas: Of the controller and of every member.
        member_host: Address that members listen on; None for their nodes' own.
    """
    handles = {}
    for name in member_names(Path(model.artifact)):
        deployment = serve.deployment(
            Member,
            name=deployment_name(name),
            num_replicas=replicas[name],
            max_ongoing_requests=model.limits.num_sessions,
            ray_actor_options=actor_options(num_cpus=_CPUS["member"]),
            **_HEALTH,
        )
        handles[name] = deployment.bind(model.artifact, name, member_host)
    controller = serve.deployment(
        Controller,
        name=CONTROLLER,
        num_replicas=replicas[CONTROLLER],
        # The engine's own line is shorter and says 429; this is only so that Serve never keeps requests back.
        max_ongoing_requests=4 * (model.limits.num_running + model.limits.num_waiting),
        ray_actor_options=actor_options(num_cpus=_CPUS["controller"]),
        **_HEALTH,
    )
    return controller.bind(model.model_dump(mode="json"), handles)


def num_cpus(replicas: Mapping[str, int]) -> float:
    """What all replicas reserve together."""
    return sum(count * _CPUS["controller" if name == CONTROLLER else "member"] for name, count in replicas.items())


def _metadata(context: RayServegRPCContext) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in context.invocation_metadata()}


def _told(error: RequestError, context: RayServegRPCContext) -> RequestError:
    """The error, after the client has been told its code and message."""
    context.set_code(grpc.StatusCode[GRPC_CODES.get(error.status, "INTERNAL")])
    context.set_details(error.message)
    return error
