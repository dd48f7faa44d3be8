"""Served latency against local latency: ``python benchmarks/serving_latency.py ARTIFACT``.

Asks for the same greedy answers of four servers and in this process, one request at a time, in turns so that all see
the same load, and prints for each the best and the median time per request, time to the first token, tokens per second
and the ratio of best times to the local server's. Servers: one process (``--local``), Ray Serve with each member a
deployment. Without Ray and HTTP: ``generate()`` of the exported model, and the same without a key-value cache.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_AUTH_MODE", "disabled")

import openai
import torch
from rich.console import Console
from rich.table import Table

from experiments.export.artifact import load_artifact
from experiments.export.opened import member_names
from experiments.serve.cluster import Ports, served
from experiments.serve.settings import ServedModel, parse_replicas

PROMPT = "What do you like to do in the evening?\n"

Timing = tuple[float, float, int]  # Seconds, seconds to the first token, tokens.


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--tokens", type=int, default=32, help="longest answer")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    artifact, num_tokens = arguments.artifact.resolve(), arguments.tokens
    members = member_names(artifact)
    local_port, ports = free_port(), Ports(http=free_port())
    command = [sys.executable, "-c", "from experiments.cli import main; main()", "serve", str(artifact), "--local"]
    local = subprocess.Popen([*command, "--port", str(local_port), "--name", "it"])
    try:
        model = ServedModel(artifact=str(artifact), name="it")
        with served(model, parse_replicas(["controller=1"], members), ports):
            ways = {
                "generate()": generating(artifact, num_tokens, use_cache=True),
                "generate(use_cache=False)": generating(artifact, num_tokens, use_cache=False),
                "evolve serve --local": asking(local_port, num_tokens),
                "evolve serve (Ray Serve)": asking(ports.http, num_tokens),
            }
            measured: dict[str, list[Timing]] = {name: [] for name in ways}
            for number in range(arguments.rounds + 3):
                for name, way in ways.items():
                    timing = way()
                    if number >= 3:  # The first ones warm up.
                        measured[name].append(timing)
    finally:
        local.terminate()
        local.wait()
    show(measured, title=f"{len(members)} members, {PROMPT.strip()!r}, greedy")


def asking(port: int, num_tokens: int) -> Callable[[], Timing]:
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    wait_for(port)

    def ask() -> Timing:
        started = time.perf_counter()
        first, count = 0.0, 0
        for chunk in client.completions.create(
            model="it",
            prompt=PROMPT,
            max_tokens=num_tokens,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        ):
            first = first or time.perf_counter() - started
            if chunk.usage is not None:
                count = chunk.usage.completion_tokens
        return time.perf_counter() - started, first, count

    return ask


def generating(artifact: Path, num_tokens: int, *, use_cache: bool) -> Callable[[], Timing]:
    model, tokenizer = load_artifact(artifact)
    inputs = tokenizer(PROMPT, return_tensors="pt")

    class FirstToken:
        def put(self, tokens: torch.Tensor) -> None:
            self.times.append(time.perf_counter())

        def end(self) -> None:
            pass

    def generate() -> Timing:
        streamer = FirstToken()
        streamer.times = []  # type: ignore[attr-defined]
        started = time.perf_counter()
        out = model.generate(
            **inputs, do_sample=False, max_new_tokens=num_tokens, use_cache=use_cache, streamer=streamer
        )
        seconds = time.perf_counter() - started
        # The streamer is given the prompt first.
        return seconds, streamer.times[1] - started, out.shape[1] - inputs["input_ids"].shape[1]  # type: ignore[attr-defined]

    return generate


def show(measured: dict[str, list[Timing]], *, title: str) -> None:
    table = Table(title=title)
    for heading in ("", "best ms", "median ms", "first token ms", "tokens/s", "times generate()", "times --local"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    best = {name: min(timing[0] for timing in timings) for name, timings in measured.items()}
    for name, timings in measured.items():
        median = statistics.median(timing[0] for timing in timings)
        first = min(timing[1] for timing in timings)
        table.add_row(
            name,
            f"{best[name] * 1e3:.1f}",
            f"{median * 1e3:.1f}",
            f"{first * 1e3:.1f}",
            f"{timings[0][2] / best[name]:.0f}",
            f"{best[name] / best['generate()']:.2f}",
            f"{best[name] / best['evolve serve --local']:.2f}",
        )
    Console(width=120).print(table)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_for(port: int, *, within_seconds: float = 120) -> None:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"Nothing listens on port {port}.")


if __name__ == "__main__":
    main()
