"""Tiny runs of both kinds with real models, through the console script where it can be, told as plain data.

What is told of a run falls into ``exact``, which is the same on machines of one kind, and ``anywhere``, which does not
depend on floats at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import yaml

from evolve.workers import SerialPool, WorkerSettings
from experiments.config import load_experiment
from experiments.problems.compositions.preparation import prepare
from experiments.runs.carrying_out import create_run
from genomes.members.store import CACHE_VARIABLE
from genomes.running.threads import torch_threads
from tests.experiments.tiny_experiment import evolve, write_experiment
from tests.golden.structure import files_in, sha256, shape_of, table_told, tables_in

Told = dict[str, Any]

SPACE = {"max_member_nodes": 4, "max_combiners": 2, "max_drafts": 1, "response": {"max_new_tokens": 6}}
TALK = {"members": ["one", "two"], "returns": ["text", "distribution"], "marker": "talk: "}
CORE = {"members": ["three"], "returns": ["distribution"], "expects": ["talk"], "marker": "answer: "}
SPACES: Mapping[str, Mapping[str, Any]] = {
    "mixtures": {**SPACE, "methods": ["mean", "weighted", "product"], "merge_methods": ["linear", "ties"]},
    "learned": {**SPACE, "methods": ["gate", "prompt_gate", "stack"], "merge_methods": ["slerp"]},
    "answers": {**SPACE, "methods": ["bayesian", "vote", "best_of", "answer_vote"], "max_drafts": 2},
    "merges": {**SPACE, "methods": ["weighted"], "merge_methods": ["task_arithmetic", "dare_ties", "ties"]},
    "modules": {**SPACE, "methods": ["mean", "best_of"], "roles": {"talk": TALK, "core": CORE}, "max_drafts": 2},
    "fitted": {**SPACE, "methods": ["weighted", "product", "bayesian"], "max_drafts": 0, "fit_weights": True},
}
SEARCH = {
    "population": 6,
    "tournament": 3,
    "lag": 4,
    "crossover_probability": 0.3,
    "rescore_every": 5,
    "rescore_top": 2,
}
GRID = [
    {"metric": "coherence", "low": 0, "high": 0.5, "cells": 3},
    {"metric": "active_parameters", "low": 0, "high": 50_000, "cells": 3},
]
COMPOSITIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "aging": ("mixtures", {"mode": "aging"}),
    "nsga2": ("learned", {"mode": "nsga2"}),
    "lexicase": ("answers", {"mode": "lexicase"}),
    "mapelites": ("merges", {"mode": "mapelites", "descriptors": GRID}),
    "random": ("modules", {"mode": "random"}),
    "aging, in batches": ("modules", {"mode": "aging", "batch": 3}),
    "nsga2, in batches": ("merges", {"mode": "nsga2", "batch": 4}),
    "lexicase, in batches": ("mixtures", {"mode": "lexicase", "batch": 2}),
    "mapelites, in batches": ("answers", {"mode": "mapelites", "descriptors": GRID, "batch": 3}),
    "random, in batches": ("learned", {"mode": "random", "batch": 3}),
    "islands": ("mixtures", {"mode": "nsga2", "islands": 2, "migration_every": 4}),
    "rungs": ("answers", {"mode": "aging", "rungs": 2, "rung_factor": 2}),
    "fitted weights": ("fitted", {"mode": "aging"}),
}
"""Space and settings of a search by its name."""
MODEL = {"role": None, "temperature": 1.0, "template": "{draft}\n", "draft_tokens": 8}
MEMBER = {**MODEL, "kind": "member"}
HAND_WRITTEN = {
    "schema": "composite-evolve/genome/1",
    "nodes": {
        "prompt": {"kind": "prompt"},
        "draft": {**MEMBER, "member": "three", "temperature": 0.9},
        "first": {**MEMBER, "member": "one", "temperature": 1.25},
        "a": {**MEMBER, "member": "one"},
        "b": {**MEMBER, "member": "two"},
        "merged": {**MODEL, "kind": "merge", "method": "linear", "parameters": {}, "base": None, "layers": {}},
        "join": {"kind": "combiner", "method": "weighted", "parameters": {}},
        "response": {"kind": "response", "temperature": 0.5, "top_k": 10, "top_p": 0.875, "max_new_tokens": 6},
    },
    "edges": [
        {"source": "prompt", "target": "draft", "kind": "text", "slot": 0},
        {"source": "prompt", "target": "first", "kind": "text", "slot": 0},
        {"source": "draft", "target": "first", "kind": "text", "slot": 1},
        {"source": "prompt", "target": "merged", "kind": "text", "slot": 0},
        {"source": "a", "target": "merged", "kind": "weights", "slot": 1, "weight": 2.0},
        {"source": "b", "target": "merged", "kind": "weights", "slot": 2, "weight": 1.0},
        {"source": "first", "target": "join", "kind": "distribution", "slot": 0, "weight": 1.0},
        {"source": "merged", "target": "join", "kind": "distribution", "slot": 1, "weight": 3.0},
        {"source": "join", "target": "response", "kind": "distribution", "slot": 0},
    ],
}
"""A mixture of a chain and a merge, without anything that is fitted."""


@contextmanager
def at_one_thread(cache: Path) -> Iterator[None]:
    """One thread of torch, on which last bits depend, and a cache of its own."""
    with torch_threads(1), mock.patch.dict(os.environ, {CACHE_VARIABLE: str(cache)}):
        yield


def composition_home(directory: Path) -> Path:
    """The experiment file of all runs on compositions, with its members and data."""
    return write_experiment(
        directory,
        space={**SPACE, "methods": ["mean", "weighted", "bayesian", "stack"], "merge_methods": ["linear"]},
        fitness={"prompts_per_evaluation": 3, "objectives": ["coherence", "active_parameters"]},
        search={**SEARCH, "mode": "nsga2"},
        budget={"births": 14},
        report={"finalists": 2, "sample_prompts": 1, "bootstrap_resamples": 100, "front_members": 3},
    )


def agent_home(directory: Path) -> Path:
    """The experiment file of all runs on agents."""
    document = {
        "kind": "agent",
        "name": "tiny",
        "seed": 3,
        "learning": {"num_steps": 512, "num_envs": 8, "episodes": 2},
        "space": {"max_modules": 5, "kinds": ["perception", "memory", "conception", "action"]},
        "search": {
            "mode": "nsga2",
            "population": 2,
            "tournament": 1,
            "lag": 2,
            "batch": 2,
            "rescore_every": 3,
            "rescore_top": 2,
        },
        "budget": {"births": 4},
        "workers": {"count": 1, "deadline_seconds": 300},
        "report": {"finalists": 1, "trainings": 1, "episodes": 2, "bootstrap_resamples": 100},
    }
    path = directory / "tiny.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def composition_told(directory: Path) -> Told:
    """A run on compositions from launch to exports, and a fork of it."""
    composition_home(directory)
    evolve("launch", "tiny.yaml", "--serial", cwd=directory)
    (directory / "hand.json").write_text(json.dumps(HAND_WRITTEN), encoding="utf-8")
    fixed = ("genome.json", "graph.svg")
    told = {
        "run": run_told(directory / "runs" / "tiny"),
        "export": export_told("runs/tiny", directory / "composite", cwd=directory),
        "export as merged": export_told("runs/tiny", directory / "merged", "--as", "merged", cwd=directory),
        "export of a genome file": export_told(
            "hand.json", directory / "hand", "--members", "tiny.yaml", cwd=directory, fixed=fixed
        ),
    }
    settings = ("search.mode=lexicase", "budget.births=23", "report.finalists=1", "report.baselines=[best_member]")
    options = [part for setting in settings for part in ("--set", setting)]
    evolve("runs", "fork", "runs/tiny", "--to", "runs/fork", "--serial", *options, cwd=directory)
    return {**told, "fork": trajectory_told(directory / "runs" / "fork")}


def agents_told(directory: Path) -> Told:
    """A run on agents from launch to export."""
    agent_home(directory)
    evolve("launch", "tiny.yaml", "--serial", cwd=directory)
    return {
        "run": run_told(directory / "runs" / "tiny"),
        "export": export_told("runs/tiny", directory / "agent", cwd=directory),
        "trajectory": trajectory_told(directory / "runs" / "tiny"),
    }


def composition_searched(name: str, experiment: Path, directory: Path) -> Told:
    """A search of ``COMPOSITIONS`` in a directory, without its finals."""
    space, changes = COMPOSITIONS[name]
    document = yaml.safe_load(experiment.read_text(encoding="utf-8"))
    document |= {"space": dict(SPACES[space]), "search": {**SEARCH, **changes}, "budget": {"births": 12}}
    if name == "islands":
        document["fitness"] = {"prompts_per_evaluation": 3, "objectives": ["bits_per_byte", "coherence", "diversity"]}
    if name == "fitted weights":
        document["fitness"] = {"prompts_per_evaluation": 4, "objectives": ["nll"]}
    path = experiment.with_name(f"{directory.name}.yaml")
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    problem = prepare(load_experiment(path), is_serial=True)
    with SerialPool(problem.factory, WorkerSettings()) as pool, create_run(directory, problem) as run:
        run.advance(pool)
    return trajectory_told(directory)


def trajectory_told(run: Path) -> Told:
    """A run's digest and counts, and its founders."""
    status = status_told(run.name, cwd=run.parent)
    births = json.loads(evolve("runs", "history", run, "--format", "json", cwd=run).stdout)
    founders = [birth for birth in births if birth["operator"].startswith("founder:")]
    fitted = "fit_weights: true" in (run / "experiment.yaml").read_text(encoding="utf-8")
    return {
        "exact": {
            "digest": status["trajectory_digest"],
            **{name: status[name] for name in ("commits", "evaluations", "failures")},
            "incumbent": status["incumbent"]["id"],
            "operators": [birth["operator"] for birth in births],
        },
        "anywhere": {
            "births": len(births),
            "founders": [[one["operator"], one["parents"], None if fitted else one["key"]] for one in founders],
        },
    }


def status_told(run: str, *, cwd: Path) -> Told:
    """What ``evolve status --json`` says, but for wall time."""
    status: Told = json.loads(evolve("status", run, "--json", cwd=cwd).stdout)
    return {**status, "elapsed_seconds": 0.0}


def run_told(run: Path) -> Told:
    """All that a finished run leaves behind: its status, results, report and history."""
    home = run.parents[1]
    status = status_told(f"runs/{run.name}", cwd=home)
    tables = tables_in(run / "report_data")
    tables["history"] = table_told(
        pd.DataFrame(json.loads(evolve("runs", "history", run, "--format", "json", cwd=run).stdout))
    )
    files = [path for path in sorted(run.glob("*")) if path.suffix in {".json", ".jsonl", ".csv"}]
    experiment = (run / "experiment.yaml").read_text(encoding="utf-8").replace(str(home.resolve()), "HOME")
    return {
        "exact": {
            "status": status,
            "tables": {name: told["sha256"] for name, told in tables.items()},
            "files": {path.name: sha256(path.read_bytes()) for path in files},
        },
        "anywhere": {
            "status": shape_of(status),
            "tables": {name: sorted(told["columns"]) for name, told in tables.items()},
            "files": sorted(path.name for path in files),
            "everything": sorted(path.name for path in run.glob("*") if not path.name.startswith("run.db")),
            "experiment": yaml.safe_load(experiment),
        },
    }


def export_told(source: str, to: Path, *options: object, cwd: Path, fixed: tuple[str, ...] = ()) -> Told:
    """The files that ``evolve export`` writes; those of ``fixed`` are the same everywhere."""
    evolve("export", source, "--to", to, *options, cwd=cwd)
    files = files_in(to)
    documents = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(to.glob("*.json"))}
    return {
        "exact": files,
        "anywhere": {
            "names": sorted(files),
            "keys": {name: sorted(document) for name, document in documents.items()},
            "fixed": {name: files[name] for name in fixed},
        },
    }
