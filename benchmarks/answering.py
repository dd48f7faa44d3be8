"""How fast does a population answer in lockstep: against one genome at a time, and against its bare matrix products?

    OMP_NUM_THREADS=1 python benchmarks/answering.py

Random genomes of the quickstart's space (drafts among them) answer the same prompts, on one thread. All ratios are of
times in one run, interleaved, the best of some rounds each; nothing is kept from one round to the next. *One at a time*
is what ``Phenotype.answer_tokens`` costs genome after genome: with the members' forward passes as transformers has them
(the reference), and with this package's own. *Bare products* are the matrix products that lockstep itself made, of the
same shapes with the same weights, recorded once and made again with nothing around them: linear layers alone, and
attention's products too. A *decode step* is the time of a further token of 16 answers, from answers of two lengths.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import experiments
from experiments.config import load_experiment
from experiments.preparation import Problem, prepare
from genomes.genome import Genome
from genomes.huggingface.trunk_composite import ModelTrunk
from genomes.lockstep import Question, answer_together
from genomes.nodes import ResponseNode
from genomes.phenotype import Phenotype, PrefillCache, compile_genome

POPULATION, PROMPTS = 24, 16

_LINEAR = ("addmm", "mm", "linear")
_ATTENTION = ("bmm", "baddbmm", "_scaled_dot_product_flash_attention_for_cpu", "scaled_dot_product_attention")

Call = Callable[[], Any]


def best_seconds(runs: dict[str, Call], *, rounds: int) -> dict[str, float]:
    """The best time of each, interleaved."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


class Products(TorchDispatchMode):
    """Records the matrix products that are made while it is entered, activations replaced by others of their shape."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list[Call]] = {"linear": [], "attention": []}
        self._like: dict[tuple[object, ...], torch.Tensor] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in _LINEAR or name in _ATTENTION:
            kept = [self._kept(given) for given in args]
            named = {key: self._kept(given) for key, given in (kwargs or {}).items()}
            kind = "linear" if name in _LINEAR else "attention"
            self.calls[kind].append(lambda: func(*kept, **named))
        return func(*args, **(kwargs or {}))

    def _kept(self, given: Any) -> Any:
        if not isinstance(given, torch.Tensor) or isinstance(given, torch.nn.Parameter):
            return given
        key = tuple(given.shape), given.stride()
        if key not in self._like:
            self._like[key] = given.clone(memory_format=torch.preserve_format).normal_()
        return self._like[key]


def phenotypes(genomes: Sequence[Genome], problem: Problem, *, is_reference: bool = False) -> list[Phenotype]:
    cache = None if is_reference else PrefillCache()
    made = [compile_genome(genome, problem.catalogue, prefill_cache=cache) for genome in genomes]
    if not is_reference:
        return made
    trunks = {name: ModelTrunk(problem.catalogue.load(name).model) for name in problem.catalogue.names}
    return [
        Phenotype(one.program, {name: problem.catalogue.load(name).model for name in one.program.members}, one.tokenizer,
                  trunks=trunks)
        for one in made
    ]


def population_ratios(problem: Problem, contexts: Sequence[Sequence[str]], *, rounds: int) -> None:
    rng = np.random.default_rng(0)
    genomes = [problem.space.random(rng=rng) for _ in range(POPULATION)]
    seeds = list(range(len(contexts)))

    def one_by_one(*, is_reference: bool) -> list[list[list[int]]]:
        return [
            one.answer_tokens(contexts, seeds=seeds) for one in phenotypes(genomes, problem, is_reference=is_reference)
        ]

    def together() -> list[list[list[int]]]:
        return answer_together([Question(one, contexts, seeds) for one in phenotypes(genomes, problem)])

    with torch.inference_mode(), Products() as products:
        answers = together()
    alone = one_by_one(is_reference=True)
    pairs = [pair for ours, theirs in zip(answers, alone, strict=True) for pair in zip(ours, theirs, strict=True)]
    print(f"equal answers: {sum(ours == theirs for ours, theirs in pairs)} of {len(pairs)}\n")

    def replay(kinds: Sequence[str]) -> None:
        with torch.inference_mode():
            for kind in kinds:
                for call in products.calls[kind]:
                    call()

    seconds = best_seconds(
        {
            "lockstep": together,
            "reference": lambda: one_by_one(is_reference=True),
            "own": lambda: one_by_one(is_reference=False),
            "linear": lambda: replay(["linear"]),
            "products": lambda: replay(["linear", "attention"]),
        },
        rounds=rounds,
    )
    for name, value in seconds.items():
        print(f"{name}: {value:.2f} s")
    print()
    tell("one at a time, transformers' passes / lockstep", seconds["reference"] / seconds["lockstep"], least=3.0)
    tell("one at a time, own passes / lockstep", seconds["own"] / seconds["lockstep"])
    tell("lockstep / bare products of linear layers", seconds["lockstep"] / seconds["linear"], most=1.5)
    tell("lockstep / bare products, attention's too", seconds["lockstep"] / seconds["products"])


def tell(label: str, ratio: float, *, least: float | None = None, most: float | None = None) -> None:
    bound = "" if least is None and most is None else f" (bound {'>=' if least else '<='} {least or most}"
    if bound:
        bound += ": held)" if (least is None or ratio >= least) and (most is None or ratio <= most) else ": MISSED)"
    print(f"{label}: {ratio:.2f}{bound}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = load_experiment(Path(experiments.__file__).parent / "quickstart.yaml", [])
    problem = prepare(config, is_serial=True)
    contexts = [example.context for example in problem.factory.panels["search"][:PROMPTS]]
    population_ratios(problem, contexts, rounds=arguments.rounds)


if __name__ == "__main__":
    main()
