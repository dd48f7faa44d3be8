"""The file that ``serve deploy`` reads: the same application on a cluster that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from experiments.serve.cluster import APPLICATION, SERVICER, Ports
from experiments.serve.settings import CONTROLLER, ServedModel, deployment_name

_HEAD = """\
# Deploy on a running Ray cluster with: serve deploy {name}
# Every node needs this package and finds the artifact under the same path. Replicas of each member are scaled one by
# one: change num_replicas and deploy again. `ray_actor_options` may also reserve GPUs or name nodes' resources.
"""


def write_serve_config(path: Path, model: ServedModel, replicas: Mapping[str, int], ports: Ports) -> None:
    """Write a Serve configuration.

    Raises:
        FileExistsError: The file is there.
    """
    deployments = [
        {"name": CONTROLLER if name == CONTROLLER else deployment_name(name), "num_replicas": count}
        for name, count in replicas.items()
    ]
    document: dict[str, Any] = {
        "proxy_location": "EveryNode",
        "http_options": {"host": ports.host, "port": ports.http},
        "applications": [
            {
                "name": APPLICATION,
                "route_prefix": "/",
                "import_path": "experiments.serve.deployments:build",
                "args": model.model_dump(mode="json"),
                "deployments": deployments,
            }
        ],
    }
    if ports.grpc is not None:
        document["grpc_options"] = {"port": ports.grpc, "grpc_servicer_functions": [SERVICER]}
    with path.open("x", encoding="utf-8") as file:
        file.write(_HEAD.format(name=path.name))
        yaml.safe_dump(document, file, sort_keys=False)
