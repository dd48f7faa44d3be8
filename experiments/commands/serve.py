"""``evolve serve``: an artifact behind OpenAI's HTTP interface and gRPC, on Ray Serve or in one process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from experiments.serve.settings import Limits, ServedModel, check_exposure, parse_replicas, served_name

_INSTALL = "Serving needs more packages. Install them with: pip install 'composite-evolve[serve]'"


def serve_artifact(
    artifact: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    grpc_port: int | None = None,
    metrics_port: int | None = None,
    is_local: bool = False,
    replicas: Sequence[str] = (),
    name: str | None = None,
    api_key_env: str | None = None,
    is_open: bool = False,
    limits: Sequence[str] = (),
    write_config: Path | None = None,
    address: str | None = None,
) -> None:
    """Serve until interrupted, or write the configuration for ``serve deploy`` and return.

    Args:
        artifact: Directory that ``evolve export`` wrote; none of its code is run.
        host: Address to listen on.
        port: Port of HTTP.
        grpc_port: Port of gRPC, on every address of the machine; None opens none. Not with ``is_local``.
        metrics_port: Port of Ray's metrics for Prometheus; not with ``is_local``.
        is_local: All members in this process, without Ray.
        replicas: ``member=2`` entries; ``controller=3`` too.
        name: The id of the model; the directory's name without.
        api_key_env: Environment variable with the key that clients have to send.
        is_open: Serve other machines without a key.
        limits: ``request_seconds=60`` entries, fields of ``Limits``.
        write_config: File to write instead of serving.
        address: Ray cluster to join.

    Raises:
        ArtifactError: The directory is no artifact.
        ModuleNotFoundError: The packages of the extra ``serve`` are not installed.
        ServingError: Ray or Serve cannot be started.
        ValueError: A setting is out of its range, or other machines would be served without a key.
    """
    has_grpc = grpc_port is not None and not is_local
    check_exposure(host, os.environ, api_key_env=api_key_env, is_open=is_open, has_grpc=has_grpc)
    try:
        from experiments.export.opened import member_names
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_INSTALL) from error
    model = ServedModel(
        artifact=str(artifact.resolve()), name=name, limits=_parse_limits(limits), api_key_env=api_key_env
    )
    counts = parse_replicas(replicas, member_names(artifact))
    try:
        if is_local:
            from experiments.serve.local import serve_locally

            serve_locally(model, host=host, port=port)
            return
        from experiments.serve.cluster import Ports, served
        from experiments.serve.serve_config import write_serve_config
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_INSTALL) from error
    ports = Ports(host, port, grpc_port, metrics_port)
    if write_config is not None:
        write_serve_config(write_config, model, counts, ports)
        print(f"Wrote {write_config}. Deploy it on a running Ray cluster with: serve deploy {write_config}")
        return
    print(f"Starting {sum(counts.values())} replicas, which takes some time ...", flush=True)
    is_over = threading.Event()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with served(model, counts, ports, address=address):
            signal.signal(signal.SIGTERM, lambda *_: is_over.set())  # Only now: Ray sets its own when it starts.
            shown = f"[{host}]" if ":" in host else host
            also = "" if grpc_port is None else f", gRPC at port {grpc_port}"
            print(f"Serving {served_name(model)} at http://{shown}:{port}/v1{also} (Ctrl-C ends it)", flush=True)
            is_over.wait()
    except KeyboardInterrupt:
        print("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _parse_limits(entries: Sequence[str]) -> Limits:
    """Limits from ``name=value`` entries.

    Raises:
        ValueError: An entry names no limit, or a value is out of its range.
    """
    values = {}
    for entry in entries:
        name, _, value = entry.partition("=")
        if name not in Limits.model_fields:
            raise ValueError(f"--limit has {entry!r}; allowed are NAME=VALUE with {', '.join(Limits.model_fields)}.")
        values[name] = value
    return Limits.model_validate(values)
