"""How much faster is the likelihood of genomes from kept member outputs than by running each genome's members?

    OMP_NUM_THREADS=1 python benchmarks/teacher_forcing.py

A population of 48 random genomes of the quickstart's space on its 90 search prompts. Mixtures are the genomes that need
no whole distributions (mean, weighted, bayesian, vote, single members); products need them. Drafts are left out of
these: a new draft costs a forward pass of its reader, which the last line tells. Recomputing is timed on some genomes
of each kind, since all of them would take minutes; likelihoods of both ways are compared on these. One thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import experiments
from experiments.config import load_experiment
from experiments.problems.compositions.preparation import prepare
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode
from genomes.members.store import Store
from genomes.running.compilation import compile_genome
from genomes.running.teacher_forcing import EvaluationSet, TeacherForcing

POPULATION = 48


def population(space: CompositionSpace, *, is_product: bool) -> list[Genome]:
    rng = np.random.default_rng(0)
    genomes: list[Genome] = []
    while len(genomes) < POPULATION:
        genome = space.random(rng=rng)
        if any(node.method == "product" for node in genome.of_type(CombinerNode).values()) == is_product:
            genomes.append(genome)
    return genomes


def timed(forcing: TeacherForcing, genomes: Sequence[Genome]) -> float:
    started = time.perf_counter()
    forcing.reply_likelihoods(genomes)
    return (time.perf_counter() - started) / len(genomes)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--recomputed", type=int, default=6, help="genomes of each kind that are recomputed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = load_experiment(Path(experiments.__file__).parent / "quickstart.yaml", [])
    problem = prepare(config, is_serial=True)
    examples = problem.factory.panels["search"]
    replied = EvaluationSet.of([example.context for example in examples], [example.reply for example in examples])
    methods = tuple(
        name for name in ("mean", "weighted", "product", "bayesian", "vote") if name in problem.space.methods
    )
    space = replace(problem.space, max_drafts=0, methods=methods)
    founders = dict(space.founders())
    print(f"{POPULATION} genomes, {len(examples)} prompts, {len(problem.catalogue.names)} members, one thread\n")
    print("| genomes | kept outputs | recomputed | ratio | largest difference |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory))
        forcing = TeacherForcing(problem.catalogue, replied, store=store)
        started = time.perf_counter()
        forcing.reply_likelihoods([founders["uniform-mean"]])
        table_seconds = time.perf_counter() - started
        started = time.perf_counter()
        forcing.reply_likelihoods([founders["uniform-product"]])
        distribution_seconds = time.perf_counter() - started
        for label, is_product in (("mixtures", False), ("products", True)):
            genomes = population(space, is_product=is_product)
            # A new object remembers no values of genomes, only finds the files.
            fresh = TeacherForcing(problem.catalogue, replied, store=store)
            fresh.reply_likelihoods([founders["uniform-product"]])
            kept_seconds = timed(fresh, genomes)
            differences, slow_seconds = [], []
            for genome in genomes[:: max(1, POPULATION // arguments.recomputed)][: arguments.recomputed]:
                started = time.perf_counter()
                slow = compile_genome(genome, problem.catalogue).reply_likelihoods(replied.contexts, replied.replies)
                slow_seconds.append(time.perf_counter() - started)
                pairs = zip(slow, fresh.kept_likelihoods(genome), strict=True)
                differences += [abs(one.nll_nats - other.nll_nats) / one.num_tokens for one, other in pairs]
            recomputed = float(np.mean(slow_seconds))
            print(
                f"| {label} | {1e3 * kept_seconds:.2f} ms each | {1e3 * recomputed:.0f} ms each | "
                f"{recomputed / kept_seconds:,.0f} x | {max(differences):.1e} nats per token |"
            )
        print(f"\nonce: {table_seconds:.1f} s for the tables, {distribution_seconds:.1f} s for the distributions")
        everybody = population(problem.space, is_product=False)
        drafted = [genome for genome in everybody if problem.space.describe(genome)["num_drafts"]]
        seconds = timed(forcing, drafted[:6])
        print(f"a genome with a draft that nothing has read before: {1e3 * seconds:.0f} ms")


if __name__ == "__main__":
    main()
