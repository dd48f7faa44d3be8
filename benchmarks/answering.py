"""How fast does a population answer in lockstep: against one genome at a time, and against its bare matrix products?

    OMP_NUM_THREADS=1 python benchmarks/answering.py

Random genomes of the quickstart's space (drafts among them) answer the same prompts, on one thread. All ratios are of
processor times in one run, interleaved, the best of some rounds each; nothing is kept from one round to the next.
*One at a time* is what ``Phenotype.answer_tokens`` costs genome after genome: with the members' forward passes as
transformers has them (the reference), and with this package's own. *Bare products* are the products that lockstep
itself made, of the same shapes with the same weights, recorded once and
made again with nothing around them: linear layers alone, and
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
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import GPT2LMHeadModel

import experiments
from experiments.config import load_experiment
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, ResponseNode
from genomes.running.compilation import compile_genome
from genomes.running.fast_trunk import FastTrunk, PrefillCache
from genomes.running.lockstep import Question, answer_together
from genomes.running.phenotype import Phenotype
from genomes.running.trunk import ModelTrunk

POPULATION, PROMPTS = 24, 16

_LINEAR = ("addmm", "mm", "linear")
_ATTENTION = ("bmm", "baddbmm", "_scaled_dot_product_flash_attention_for_cpu", "scaled_dot_product_attention")

Call = Callable[[], Any]


def best_seconds(runs: dict[str, Call], *, rounds: int) -> dict[str, float]:
    """The best processor time of each, interleaved: other work on the machine counts less than in wall time."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - started)
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


def phenotypes(
    genomes: Sequence[Genome], prepared: PreparedCompositions, *, is_reference: bool = False
) -> list[Phenotype]:
    cache = None if is_reference else PrefillCache()
    made = [compile_genome(genome, prepared.catalogue, prefill_cache=cache) for genome in genomes]
    if not is_reference:
        return made
    trunks = {name: ModelTrunk(prepared.catalogue.load(name).model) for name in prepared.catalogue.names}
    return [
        Phenotype(
            one.program,
            {name: prepared.catalogue.load(name).model for name in one.program.members},
            one.tokenizer,
            trunks=trunks,
        )
        for one in made
    ]


def population_ratios(prepared: PreparedCompositions, contexts: Sequence[Sequence[str]], *, rounds: int) -> None:
    rng = np.random.default_rng(0)
    genomes = [prepared.space.random(rng=rng) for _ in range(POPULATION)]
    seeds = list(range(len(contexts)))

    def one_by_one(*, is_reference: bool) -> list[list[list[int]]]:
        return [
            one.answer_tokens(contexts, seeds=seeds) for one in phenotypes(genomes, prepared, is_reference=is_reference)
        ]

    def together() -> list[list[list[int]]]:
        return answer_together([Question(one, contexts, seeds) for one in phenotypes(genomes, prepared)])

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


def step_ratio(prepared: PreparedCompositions, contexts: Sequence[Sequence[str]], *, rounds: int) -> None:
    """A further token of the mean of all members, against those of each member alone."""
    founders = dict(prepared.space.founders())
    composite = founders["uniform-mean"]
    members = sorted({node.member for node in composite.of_type(MemberNode).values()})
    seeds = list(range(len(contexts)))

    def decoding(genome: Genome, num_tokens: int) -> Call:
        nodes = {
            name: replace(node, max_new_tokens=num_tokens) if isinstance(node, ResponseNode) else node
            for name, node in genome.nodes.items()
        }
        phenotype = compile_genome(Genome(nodes, genome.edges), prepared.catalogue, prefill_cache=PrefillCache())
        phenotype.closing = phenotype.closing[:1]  # Line breaks do not end an answer, so that all are of full length.
        return lambda: answer_together([Question(phenotype, contexts, seeds)])

    runs: dict[str, Call] = {}
    for num_tokens in (4, 24):
        runs[f"composite {num_tokens}"] = decoding(composite, num_tokens)
        for name in members:
            runs[f"{name} {num_tokens}"] = decoding(founders[f"single:{name}"], num_tokens)
    seconds = best_seconds(runs, rounds=rounds + 1)
    steps = {name: (seconds[f"{name} 24"] - seconds[f"{name} 4"]) / 20 for name in ("composite", *members)}
    alone = sum(steps[name] for name in members)
    print(f"\na step of {len(members)} members together {1e3 * steps['composite']:.1f} ms, alone {1e3 * alone:.1f} ms")
    tell("composite decode step / sum of its members' own", steps["composite"] / alone, most=1.15)


class Stacked:
    """The layers of members of one shape but for attention, all members in one product: [members, rows, width]."""

    def __init__(self, models: Sequence[GPT2LMHeadModel]) -> None:
        blocks = [model.transformer.h for model in models]
        layers = [
            [
                (block.ln_1, block.attn.c_attn, block.attn.c_proj, block.ln_2, block.mlp.c_fc, block.mlp.c_proj)
                for block in of_model
            ]
            for of_model in zip(*blocks, strict=True)
        ]
        self._blocks = [
            [(self._stack(parts, "weight"), self._stack(parts, "bias")) for parts in zip(*block, strict=True)]
            for block in layers
        ]
        self._head = torch.stack([model.lm_head.weight.T for model in models])

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of embedded tokens."""
        width = x.shape[-1]
        for first, attention, projection, second, inner, outer in self._blocks:
            mixed = self._linear(self._normed(x, first), attention)
            x = x + self._linear(mixed[..., :width], projection)
            x = x + self._linear(
                functional.gelu(self._linear(self._normed(x, second), inner), approximate="tanh"), outer
            )
        return torch.bmm(x, self._head)

    @staticmethod
    def _stack(parts: Sequence[Any], name: str) -> torch.Tensor:
        stacked = torch.stack([getattr(part, name) for part in parts])
        return stacked if stacked.dim() == 3 else stacked[:, None]

    @staticmethod
    def _linear(x: torch.Tensor, layer: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return torch.baddbmm(layer[1], x, layer[0])

    @staticmethod
    def _normed(x: torch.Tensor, layer: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:]) * layer[0] + layer[1]


def stacking_ratios(prepared: PreparedCompositions, *, rounds: int) -> None:
    """Members of one shape in stacked products, against one after the other, by rows of each."""
    loaded = [prepared.catalogue.load(name) for name in prepared.catalogue.names]
    shape = loaded[0].model.config.n_embd, loaded[0].model.config.n_layer
    models = [one.model for one in loaded if (one.model.config.n_embd, one.model.config.n_layer) == shape]
    trunks = [FastTrunk(model, key="") for model in models]
    stacked = Stacked(models)
    print(f"\n{len(models)} members of one shape, a loop / hand-stacked (above 1: stacking is faster):")
    for num_rows in (1, 4, 16, 64, 256):
        tokens = torch.zeros(num_rows, dtype=torch.long)
        embedded = torch.randn(len(models), num_rows, shape[0])
        repeats = max(1, 64 // num_rows)

        def loop(tokens: torch.Tensor = tokens, repeats: int = repeats) -> None:
            for _ in range(repeats):
                for trunk in trunks:
                    trunk.logits(trunk.run(tokens, tokens, lambda _, mixed: mixed[:, : shape[0]]))

        def together(embedded: torch.Tensor = embedded, repeats: int = repeats) -> None:
            for _ in range(repeats):
                stacked(embedded)

        with torch.inference_mode():
            seconds = best_seconds({"loop": loop, "stacked": together}, rounds=3 * rounds)
        print(f"  {num_rows} rows of each: {seconds['loop'] / seconds['stacked']:.2f}")


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
    prepared = prepare(config, is_serial=True)
    contexts = [example.context for example in prepared.factory.panels["search"][:PROMPTS]]
    population_ratios(prepared, contexts, rounds=arguments.rounds)
    step_ratio(prepared, contexts, rounds=arguments.rounds)
    stacking_ratios(prepared, rounds=arguments.rounds)


if __name__ == "__main__":
    main()
