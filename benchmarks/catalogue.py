"""Whether the quickstart is a problem worth searching, by three criteria that were written down before it was measured.

    python benchmarks/catalogue.py             # some ten minutes on a core; add --record for docs/results/

1. *Who answers matters*: members explain at least .4 of the variance of coherence between random genomes that can be
   explained at all (cross-validated R2 of extra trees, over that of the true means as repeated draws tell it).
2. *Composing can win*: the specialist of each prompt's own domain, as if somebody told it, is clearly better than the
   best single member with decoding tuned (the 95 % interval of the difference is above 0).
3. *It is not trivial*: none of a dozen compositions that come to mind reaches the best that a long search finds; the
   table of the quickstart has the latter (docs/comparison.md).

Search prompts are used for 1 and to choose the decoding of single members, test prompts for 2 and 3.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from results import Cell, record
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import cross_val_predict

from evolve.evaluator import EvaluationRequest
from evolve.seeding import generator
from experiments.config import QUICKSTART, load_experiment
from experiments.problems.compositions.evaluator import RACE_PANEL, CompositionEvaluator
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from fitness.objectives import OBJECTIVES
from fitness.panels import joined, sample_of
from fitness.result import Evaluation
from fitness.statistics import Sample, bootstrap_difference, bootstrap_interval

NUM_GENOMES = 200
NUM_DRAWS = 2  # of each genome, to tell what is luck
NUM_ANSWERS = 4  # to each test prompt
BATCH = 10

SPECIALISTS = ("arrays", "conversation", "graphs", "networks", "science")
DECODINGS = {
    "narrow": {"temperature": 1.0, "top_k": 10, "top_p": 0.8},
    "cool": {"temperature": 0.7, "top_k": 40, "top_p": 1.0},
    "cold": {"temperature": 0.6, "top_k": 10, "top_p": 1.0},
}


def composed(members: Sequence[str], method: str | None = None, decoding: str = "narrow", **parameters: Any) -> str:
    """The JSON of some members under a method with equal weights, or of one member alone."""
    model = {"kind": "member", "role": None, "temperature": 1.0, "template": "{draft}\n", "draft_tokens": 16}
    weight = {"weight": 1.0} if method in ("weighted", "product", "bayesian", "evidence_gate") else {}
    nodes: dict[str, Any] = {"prompt": {"kind": "prompt"}}
    nodes["response"] = {"kind": "response", "max_new_tokens": 24, **DECODINGS[decoding]}
    nodes |= {name: {**model, "member": name} for name in members}
    edges = [{"source": "prompt", "target": name, "kind": "text", "slot": 0} for name in members]
    last = members[0]
    if method is not None:
        last = "joint"
        nodes[last] = {"kind": "combiner", "method": method, "parameters": parameters}
        edges += [
            {"source": name, "target": last, "kind": "distribution", "slot": slot, **weight}
            for slot, name in enumerate(members)
        ]
    edges.append({"source": last, "target": "response", "kind": "distribution", "slot": 0})
    return json.dumps({"schema": "composite-evolve/genome/1", "nodes": nodes, "edges": edges})


HAND_WRITTEN: Mapping[str, str] = {
    "`evidence_gate`, five specialists, 1 active": composed(SPECIALISTS, "evidence_gate", active=1, tempering=1.0),
    "`evidence_gate`, five specialists, 2 active": composed(SPECIALISTS, "evidence_gate", active=2, tempering=1.0),
    "the same, tempering .1": composed(SPECIALISTS, "evidence_gate", active=2, tempering=0.1),
    "`evidence_gate`, five specialists, 1 active, cool": composed(
        SPECIALISTS, "evidence_gate", "cool", active=1, tempering=1.0
    ),
    "`bayesian`, two generalists": composed(("generalist", "generalist_shallow"), "bayesian", tempering=0.5),
    "`mean`, two generalists": composed(("generalist", "generalist_shallow"), "mean"),
    "`product`, two generalists": composed(("generalist", "generalist_shallow"), "product", sharpness=1.0),
    "`bayesian`, science and conversation": composed(("science", "conversation"), "bayesian", tempering=0.5),
    "`evidence_gate`, both generalists and conversation, 1 active": composed(
        ("generalist", "generalist_shallow", "conversation"), "evidence_gate", active=1, tempering=1.0
    ),
    "`evidence_gate`, generalist, science and conversation, 2 active": composed(
        ("generalist", "science", "conversation"), "evidence_gate", active=2, tempering=1.0
    ),
    "`evidence_gate`, four specialists and the generalist, 2 active": composed(
        ("conversation", "arrays", "networks", "science", "generalist"), "evidence_gate", active=2, tempering=0.1
    ),
    "`mean`, generalist and conversation": composed(("generalist", "conversation"), "mean"),
}
"""A dozen that come to mind, within the quickstart's limit on active parameters."""


class Bench:
    """Evaluates genomes of the quickstart in lockstep."""

    def __init__(self) -> None:
        self.prepared: PreparedCompositions = prepare(load_experiment(QUICKSTART), is_serial=True)
        self.evaluator: CompositionEvaluator = self.prepared.factory()

    def on_search(self, genomes: Sequence[str]) -> npt.NDArray[np.float64]:
        """Coherence on the first search prompts, [genomes, draws]."""
        columns = [self._evaluated(genomes, RACE_PANEL, draw) for draw in range(NUM_DRAWS)]
        return np.array([[one.objectives["coherence"] for one in column] for column in columns]).T

    def on_test(self, genomes: Sequence[str]) -> list[list[Evaluation]]:
        """Of each genome some answers to every test prompt, an evaluation of all prompts for each."""
        windows = self.prepared.factory.num_windows("test")
        parts = [self._evaluated(genomes, "test", window) for window in range(NUM_ANSWERS * windows)]
        answers = [parts[start : start + windows] for start in range(0, len(parts), windows)]
        return [[joined([part[place] for part in answer]) for answer in answers] for place in range(len(genomes))]

    def _evaluated(self, genomes: Sequence[str], panel: str, replicate: int) -> list[Evaluation]:
        found: list[Evaluation] = []
        for start in range(0, len(genomes), BATCH):
            requests = [EvaluationRequest(genome, panel, replicate) for genome in genomes[start : start + BATCH]]
            found += self.evaluator.evaluate_batch(requests)
        failed = [one.error for one in found if not one.is_ok]
        assert not failed, failed
        return found


def explained(bench: Bench) -> list[list[Cell]]:
    """How much of the variance between random genomes each group of genes explains."""
    space = bench.prepared.space
    genomes = [space.random(rng=generator(0, "catalogue", number)) for number in range(NUM_GENOMES)]
    scores = bench.on_search([space.to_json(genome) for genome in genomes])
    means = scores.mean(axis=1)
    between = float(np.cov(scores.T)[0, 1])  # of what two draws of one genome share
    described = [dict(space.features(genome)) for genome in genomes]
    groups = {
        "members": ("members", "temperatures"),
        "methods": ("methods",),
        "decoding": ("decoding",),
        "all": ("members", "methods", "decoding", "temperatures", "structure"),
    }
    rows: list[list[Cell]] = []
    for name, kinds in groups.items():
        table = np.array([[value for key, value in one.items() if key.split(".")[0] in kinds] for one in described])
        forest = ExtraTreesRegressor(n_estimators=400, min_samples_leaf=3, random_state=0, n_jobs=1)
        predicted = cross_val_predict(forest, table, means, cv=10)
        variance = float(means.var() - ((means - predicted) ** 2).mean())
        rows.append([name, variance / float(means.var()), variance / between])
    print(
        f"mean {means.mean():.3f}, best {means.max():.3f}, deviation {means.std():.3f}, explainable {between**0.5:.3f}"
    )
    return rows


def composed_table(bench: Bench) -> list[list[Cell]]:
    """Single members, oracle routing and hand-written compositions on the test prompts."""
    catalogue = sorted(bench.prepared.space.members)
    singles = {(name, decoding): composed((name,), decoding=decoding) for name in catalogue for decoding in DECODINGS}
    on_search = dict(zip(singles, bench.on_search(list(singles.values())).mean(axis=1), strict=True))
    tuned = {name: max(DECODINGS, key=lambda one, name=name: on_search[name, one]) for name in catalogue}
    best = max(catalogue, key=lambda name: on_search[name, tuned[name]])
    genomes = {f"`{name}` alone, {tuned[name]}": singles[name, tuned[name]] for name in catalogue} | dict(HAND_WRITTEN)
    tests = dict(zip(genomes, bench.on_test(list(genomes.values())), strict=True))
    domains = {example.id: example.domain for example in bench.prepared.factory.panels["test"]}
    of_specialist = {name: tests[f"`{name}` alone, {tuned[name]}"] for name in SPECIALISTS}
    oracle = [
        _told({name: answers[number] for name, answers in of_specialist.items()}, domains)
        for number in range(NUM_ANSWERS)
    ]
    samples = {label: _sample(answers) for label, answers in tests.items()}
    samples["the specialist of the prompt's domain, told by an oracle"] = _sample(oracle)
    single = samples[f"`{best}` alone, {tuned[best]}"]
    rows: list[list[Cell]] = []
    for label, sample in sorted(samples.items(), key=lambda item: item[1].value):
        test = tests.get(label)
        size = None if test is None else test[0].metrics["active_parameters"] / 1e6
        gain = bootstrap_difference(sample, single, resamples=10_000, seed=0)
        rows.append([label, bootstrap_interval(sample, resamples=10_000, seed=0), gain, size])
    return rows


def _told(answers: Mapping[str, Evaluation], domains: Mapping[str, str]) -> Evaluation:
    """What the specialist of each prompt's domain scored there; penalties of the whole are not known."""
    scores = {prompt: answers[domain].details["coherence"][prompt] for prompt, domain in domains.items()}
    return replace(answers[SPECIALISTS[0]], metrics={}, details={"coherence": scores})


def _sample(answers: Sequence[Evaluation]) -> Sample:
    sample = sample_of(answers, "coherence")
    assert sample is not None
    return sample


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write docs/results/")
    given = parser.parse_args()
    bench = Bench()
    rows = explained(bench)
    print(*rows, sep="\n", flush=True)
    table = composed_table(bench)
    print(*table, sep="\n")
    if given.record:
        assert OBJECTIVES["coherence"].objective in bench.prepared.factory.objectives
        common: dict[str, Any] = {"command": "python benchmarks/catalogue.py --record", "scorer": True, "members": True}
        columns = {"genes": "", "R2, cross-validated": ".2f", "share of what can be explained": ".2f"}
        record("catalogue_variance", columns=columns, rows=rows, **common)
        columns = {"": "", "coherence, agent level": ".3f", "better than the best single by": "+.3f"}
        record("catalogue", columns={**columns, "M parameters per token": ".2f"}, rows=table, **common)


if __name__ == "__main__":
    main()
