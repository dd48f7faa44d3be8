"""Random requests against the OpenAPI page: ``python benchmarks/serving_fuzz.py ARTIFACT --cases 2000``.

Starts ``evolve serve --local`` and has schemathesis (extra ``benchmarks``) send requests that keep to the page and
requests that do not. Fails where any answer is a 5xx, or breaks what the page promises.
"""

from __future__ import annotations

import argparse
import collections
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

WAITS_SECONDS = 90


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--cases", type=int, default=2000)
    arguments = parser.parse_args()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = [sys.executable, "-c", "from experiments.cli import main; main()", "serve", str(arguments.artifact)]
    server = subprocess.Popen([*command, "--local", "--port", str(port), "--name", "it"])
    try:
        raise SystemExit(fuzz(f"http://127.0.0.1:{port}", arguments.cases))
    finally:
        server.terminate()
        server.wait()


def fuzz(url: str, num_cases: int) -> int:
    """The number of answers that should not be, after telling about every status that was seen."""
    deadline = time.monotonic() + WAITS_SECONDS
    while True:
        try:
            schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    operations = [result.ok() for result in schema.get_all_operations()]
    posts = [operation for operation in operations if operation.method == "post"]
    shares = {operation.label: num_cases // len(posts) for operation in posts}
    seen: collections.Counter[tuple[str, int]] = collections.Counter()
    problems: list[str] = []
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    for operation in operations:
        count = shares.get(operation.label, num_cases // 10 // (len(operations) - len(posts)))
        for mode in modes:
            if mode is schemathesis.GenerationMode.NEGATIVE and operation.method != "post":
                continue

            number = max(1, count // 2) if operation.method == "post" else count
            send(operation, mode, number, seen, problems)
    for (label, status), count in sorted(seen.items()):
        print(f"{count:6d}  {status}  {label}")
    print(f"{sum(seen.values())} requests, {len(problems)} that should not be")
    for problem in problems[:5]:
        print(problem)
    return len(problems)


def send(
    operation: schemathesis.APIOperation,
    mode: schemathesis.GenerationMode,
    count: int,
    seen: collections.Counter[tuple[str, int]],
    problems: list[str],
) -> None:
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        if isinstance(case.body, dict) and len(repr(case.body)) % 2:
            case.body["model"] = "it"  # Otherwise all would end at the unknown model.
        response = case.call(timeout=60)
        seen[operation.label, response.status_code] += 1
        try:
            case.validate_response(
                response, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
            )
        except BaseException as error:
            problems.append(f"{operation.label} {response.status_code}: {str(error)[:1500]}\n{response.text[:300]}")

    check()


if __name__ == "__main__":
    main()
