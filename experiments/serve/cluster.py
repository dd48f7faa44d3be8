"""Ray and Serve around an application: started or joined, and left as they were found."""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from experiments.serve.settings import ServedModel

APPLICATION = "composite"
SERVICER = "experiments.serve.protocol.composite_evolve_pb2_grpc.add_CompleterServicer_to_server"
_OBJECT_STORE_BYTES = 100 << 20


class ServingError(RuntimeError):
    """Ray or Serve cannot be started, or not with what is asked for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a served composite listens.

    Attributes:
        host: Address of HTTP.
        http: Port of HTTP.
        grpc: Port of gRPC, on every address of the machine, since Serve knows no other way; None opens none.
        metrics: Port at which Prometheus reads Ray's metrics; None lets Ray choose one.
    """

    host: str = "127.0.0.1"
    http: int = 8000
    grpc: int | None = None
    metrics: int | None = None


@contextmanager
def served(
    model: ServedModel, replicas: Mapping[str, int], ports: Ports, *, address: str | None = None
) -> Iterator[None]:
    """A composite that is served while the block runs.

    Args:
        model: What is served.
        replicas: Of the controller and of every member.
        ports: Where.
        address: A Ray cluster to join; None starts a Ray on this machine, which ends with the block.

    Raises:
        ServingError: Ray or Serve cannot be started.
    """
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Serve kills a proxy that is not ready within 5 s, but on a busy machine its imports take longer.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "30")
    import ray
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.config import HTTPOptions, gRPCOptions

    from experiments.serve.deployments import application, num_cpus

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    app = application(model, replicas, member_host="127.0.0.1" if address is None else None)
    with tempfile.TemporaryDirectory(prefix="evolve-", dir=_short_directory(), ignore_cleanup_errors=True) as directory:
        try:
            if address is None:
                ray.init(
                    address="local",
                    num_cpus=math.ceil(num_cpus(replicas)),
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=directory,
                    _metrics_export_port=ports.metrics,
                )
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            where = "A local Ray cannot be started" if address is None else f"Ray at {address!r} cannot be joined"
            raise ServingError(
                f"{where}: {type(error).__name__}: {error}. Without Ray: evolve serve --local"
            ) from error
        try:
            serve.start(
                http_options=HTTPOptions(host=ports.host, port=ports.http),
                grpc_options=(
                    None if ports.grpc is None else gRPCOptions(port=ports.grpc, grpc_servicer_functions=[SERVICER])
                ),
            )
            serve.run(app, name=APPLICATION, route_prefix="/")
            yield
        except (RuntimeError, RayError) as error:
            raise ServingError(f"Ray Serve cannot run the composite: {type(error).__name__}: {error}") from error
        finally:
            if address is None:
                serve.shutdown()
            else:
                serve.delete(APPLICATION)
            ray.shutdown()


def _short_directory() -> str:
    """Where Ray's files go: its sockets' paths are short of room."""
    usual = tempfile.gettempdir()
    return "/tmp" if len(usual) > 30 and os.path.isdir("/tmp") else usual  # noqa: PTH112
