"""The Ray that workers run on: a private local one, a cluster that is joined, or the one this process is in already.

What was started here is stopped here and leaves nothing in the temporary directory; what was found is left as it
was. A local Ray keeps Ray's own default of authentication, for which Ray writes a token to ``~/.ray/auth_token``
once per user; ``RAY_AUTH_MODE=disabled`` in the environment turns that off.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import ray

from evolve.workers.pool import WorkersUnavailableError
from evolve.workers.settings import WorkerSettings

_OBJECT_STORE_BYTES = 100 << 20  # Close to the least that Ray takes: genomes and results are small.
_LONGEST_PARENT = 30  # Ray adds 77 characters at most to reach its sockets, whose paths end at 107.


class RayCluster:
    """A connection to Ray with room for the workers that are asked for.

    Args:
        settings: How many workers with how many CPUs and GPUs each.
        address: A cluster to join, e.g. ``"10.0.0.1:6379"`` or ``"auto"``; None starts a local Ray, unless this
            process is connected to one, which is then used.

    Raises:
        WorkersUnavailableError: Ray cannot be started or joined, or it has no room for the workers.
    """

    def __init__(self, settings: WorkerSettings, *, address: str | None) -> None:
        self._settings = settings
        self._is_ours = False
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        if ray.is_initialized():
            self._check_same(address)
        elif address is None:
            self._start()
        else:
            self._join(address)
        try:
            self._check_room()
        except WorkersUnavailableError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect where this object connected, and stop the Ray that it started."""
        if self._is_ours:
            self._is_ours = False
            ray.shutdown()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def offer(self) -> str:
        """What the nodes have, for messages."""
        nodes = [
            f"{node['NodeManagerAddress']}: {node['Resources'].get('CPU', 0):g} CPU, "
            f"{node['Resources'].get('GPU', 0):g} GPU"
            for node in ray.nodes()
            if node["Alive"]
        ]
        free = ray.available_resources()
        return f"{'; '.join(sorted(nodes))} (free: {free.get('CPU', 0):g} CPU, {free.get('GPU', 0):g} GPU)"

    def _start(self) -> None:
        need = self._settings.count * self._settings.cpus_per_worker
        offered = num_local_cpus()
        if need > offered:
            raise WorkersUnavailableError(
                f"{asked_for(self._settings)} need {need} CPUs; this machine offers {offered}. "
                "Ask for fewer workers or fewer CPUs each, or join a larger cluster by its address."
            )
        parent = tempfile.gettempdir()
        if len(parent) > _LONGEST_PARENT and Path("/tmp").is_dir():
            parent = "/tmp"
        self._directory = tempfile.TemporaryDirectory(prefix="evolve-", dir=parent, ignore_cleanup_errors=True)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._is_ours = True
        try:
            ray.init(
                address="local",
                num_cpus=need,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _temp_dir=self._directory.name,
            )
        except Exception as error:
            self.close()
            raise WorkersUnavailableError(
                f"A local Ray cannot be started: {type(error).__name__}: {error}. Without Ray: evaluate serially."
            ) from error
        except BaseException:
            self.close()
            raise

    def _join(self, address: str) -> None:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            raise WorkersUnavailableError(
                f"The Ray cluster at address {address!r} cannot be joined: {type(error).__name__}: {error}. "
                "Check the address, the versions of Ray and Python there, and RAY_AUTH_MODE: "
                "a cluster with a token needs RAY_AUTH_MODE=token here."
            ) from error
        self._is_ours = True

    def _check_same(self, address: str | None) -> None:
        connected = ray.get_runtime_context().gcs_address
        if address not in (None, "auto", connected):
            raise WorkersUnavailableError(
                f"The Ray cluster at address {address!r} cannot be joined: this process is connected to "
                f"{connected!r}. Disconnect with ray.shutdown() before, or give no address to use that one."
            )

    def _check_room(self) -> None:
        room = sum(places(node["Resources"], self._settings) for node in ray.nodes() if node["Alive"])
        if room < self._settings.count:
            raise WorkersUnavailableError(
                f"{asked_for(self._settings)} do not fit: there is room for {room} on {self.offer()}. "
                "Ask for fewer workers or less for each, or add nodes."
            )


def asked_for(settings: WorkerSettings) -> str:
    """The workers in words, e.g. ``"2 workers with 1 CPU and 0.5 GPU each"``."""
    gpus = f" and {settings.gpus_per_worker:g} GPU" if settings.gpus_per_worker else ""
    workers = "1 worker" if settings.count == 1 else f"{settings.count} workers"
    return f"{workers} with {settings.cpus_per_worker} CPU{gpus} each"


def places(resources: dict[str, float], settings: WorkerSettings) -> int:
    """How many workers fit on a node with these resources. A share of a GPU never spans two."""
    by_cpu = int(resources.get("CPU", 0.0) // settings.cpus_per_worker)
    share, gpus = settings.gpus_per_worker, resources.get("GPU", 0.0)
    if share == 0:
        return by_cpu
    by_gpu = int(gpus) * int(1 / share) if share < 1 else int(gpus // share)
    return min(by_cpu, by_gpu)


def num_local_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
