"""Memory of one more worker on a node, beside the weights that all workers share.

    python benchmarks/worker_memory.py                    # needs psutil (extra ``benchmarks``)

Claim: at most 150 MB for each extra worker, with members of 124 million parameters. Two members of the size of GPT-2
with random weights are written to a temporary directory; the quickstart's evaluator answers with both in two Ray
workers. A worker's own memory is its unique set size (pages that no other process maps) after an evaluation; weights
are pages of the members' files, which do not count as soon as two workers read them. Two profiles stand beside it: what
Python and the libraries take before anything is loaded, and a worker that remembers no prompts (the cache of
prefilled prompts holds up to 512 MB).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

import experiments
from evolve.evaluator import EvaluationRequest
from evolve.workers import WorkerSettings, open_pool
from experiments.config import load_experiment
from experiments.problems.compositions import evaluator
from experiments.problems.compositions.evaluator import CompositionEvaluator, CompositionEvaluatorFactory
from experiments.problems.compositions.preparation import prepare
from fitness.result import Evaluation, Objective

BOUND_MB = 150
MB = 1 << 20
NAMES = ("one", "two")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--workers", type=int, default=2, help="at least 2, since weights count where nobody shares them"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        weights = write_members(Path(directory))
        quickstart = Path(experiments.__file__).parent / "quickstart.yaml"
        catalogue = {name: {"path": str(Path(directory) / name)} for name in NAMES}
        overrides = [
            f"members.catalogue={catalogue}",
            "space.response.max_new_tokens=4",
            "fitness.prompts_per_evaluation=4",
        ]
        problem = prepare(load_experiment(quickstart, overrides), is_serial=True)
        genome = problem.space.to_json(dict(problem.space.founders())["uniform-mean"])
        print(f"two members of {weights / MB:,.0f} MB together; MB of memory of each worker's own", flush=True)
        bare = own_memory(ImportingFactory(), arguments.workers, genome="{}")
        print(f"Python, Ray, torch and transformers, nothing loaded: {shown(bare)}", flush=True)
        empty = sum(bare) / len(bare)
        for label, factory in (
            ("worker", problem.factory),
            ("worker that remembers no prompts", ForgetfulFactory(problem.factory)),
        ):
            found = own_memory(factory, arguments.workers, genome=genome)
            extra = sum(found) / len(found)
            verdict = "kept" if extra <= BOUND_MB else "NOT KEPT"
            print(
                f"{label}: {shown(found)}; on average {extra:.0f} (bound {BOUND_MB}): {verdict}; "
                f"{extra - empty:.0f} of it beside Python and the libraries",
                flush=True,
            )


@dataclass(frozen=True)
class ForgetfulFactory:
    """Makes evaluators whose cache of prefilled prompts holds nothing."""

    factory: CompositionEvaluatorFactory

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return self.factory.objectives

    @property
    def version(self) -> str:
        return self.factory.version

    def __call__(self) -> CompositionEvaluator:
        evaluator._PREFILL_BYTES = 1
        return self.factory()


@dataclass(frozen=True)
class ImportingFactory:
    """Imports what the evaluator of compositions imports, and loads nothing."""

    objectives: tuple[Objective, ...] = (Objective("quality", "maximise", "none"),)
    version: str = "importing/1"

    def __call__(self) -> ImportingEvaluator:
        import transformers

        import fitness.coherence.scorer
        import genomes.running.phenotype

        assert all((fitness.coherence.scorer, genomes.running.phenotype, transformers.GPT2LMHeadModel))
        return ImportingEvaluator()


class ImportingEvaluator:
    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        return Evaluation.ok({"quality": 0.0}, scores={})


def own_memory(factory: object, count: int, *, genome: str) -> list[float]:
    """MB that each worker shares with nobody, after every one of them has evaluated."""
    settings = WorkerSettings(count=count, deadline_seconds=600.0, startup_seconds=600.0)
    seen = set[str]()
    with open_pool(factory, settings) as pool:  # type: ignore[arg-type]
        workers = pool._workers  # type: ignore[attr-defined]
        while workers.booting:
            pool._poll(workers, until=time.monotonic() + 0.5)  # type: ignore[attr-defined]
        for ticket in range(count):
            pool.submit(ticket, EvaluationRequest(genome, "search", 0))
        while len(seen) < count:  # Each was idle, so each has one request.
            for done in pool.wait():
                assert done.evaluation.is_ok, done.evaluation.error
                seen.add(done.worker)
        processes = psutil.Process().children(recursive=True)
        actors = [process for process in processes if "_Actor" in " ".join(process.cmdline())]
        assert len(actors) == count, actors
        return [process.memory_full_info().uss / MB for process in actors]


def shown(megabytes: list[float]) -> str:
    return ", ".join(f"{number:.0f}" for number in megabytes)


def write_members(directory: Path) -> int:
    """Members with the sizes of GPT-2 and random weights; the bytes of their weights."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from genomes.members.tokenizers import train_tokenizer

    tokenizer = train_tokenizer(["What is it?\n", "It is a dog.\n"] * 50, vocabulary_size=300, max_length=1024)
    end = tokenizer.eos_token_id
    for seed, name in enumerate(NAMES):
        torch.manual_seed(seed)
        GPT2LMHeadModel(GPT2Config(bos_token_id=end, eos_token_id=end)).save_pretrained(directory / name)
        tokenizer.save_pretrained(directory / name)
    return sum((directory / name / "model.safetensors").stat().st_size for name in NAMES)


if __name__ == "__main__":
    main()
