"""One process with all members and no Ray: ``evolve serve --local``."""

from __future__ import annotations

import os
from pathlib import Path

import torch
import uvicorn
from fastapi import FastAPI

from experiments.export.opened import open_artifact
from experiments.serve.api import create_app
from experiments.serve.engine import Engine, LocalMembers
from experiments.serve.settings import ServedModel, read_api_key, served_name
from genomes.running.fast_trunk import trunk_of


def local_app(model: ServedModel) -> FastAPI:
    """The application over members in this process.

    Raises:
        ArtifactError: The directory is no artifact.
        ValueError: The API key is not there.
    """
    composite, models = open_artifact(Path(model.artifact))
    key = None if model.api_key_env is None else read_api_key(os.environ, model.api_key_env)
    trunks = {name: trunk_of(member, key=name) for name, member in models.items()}
    engine = Engine(composite, LocalMembers(trunks), model.limits)
    return create_app(engine, name=served_name(model), api_key=key)


def serve_locally(model: ServedModel, *, host: str, port: int) -> None:
    """Serve until the process is interrupted."""
    torch.set_num_threads(1)  # As in the engine, so that sums are the same; requests run beside each other.
    app = local_app(model)
    shown = f"[{host}]" if ":" in host else host
    print(f"Serving {served_name(model)} at http://{shown}:{port}/v1 (Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)
