"""A whole experiment that runs in seconds: three random members of a few thousand parameters, made-up conversations."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import torch
import yaml
from transformers import GPT2Config, GPT2LMHeadModel

from experiments.cli import main
from genomes.members.tokenizers import train_tokenizer
from tests.paths import ROOT

SUBJECTS = (
    "music",
    "football",
    "soup",
    "the sea",
    "old trains",
    "garden birds",
    "chess",
    "long walks",
    "rain",
    "bread",
)
TURNS = (
    "Do you like {0} at all, or not so much?",
    "I have loved {0} since I was a small child.",
    "My brother says that {0} is boring, but he is wrong.",
    "What do you think is the best thing about {0}?",
    "It makes me think of the summer that we spent abroad.",
    "That sounds like a good memory to have with {0}.",
)


def write_conversations(path: Path, *, count: int = 160) -> None:
    """Conversations that differ in their subject and in the order of their turns."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            subject = SUBJECTS[number % len(SUBJECTS)]
            start = number // len(SUBJECTS) % len(TURNS)
            turns = [TURNS[(start + step) % len(TURNS)].format(f"{subject} number {number}") for step in range(6)]
            file.write(json.dumps({"id": str(number), "turns": turns}) + "\n")


def write_members(directory: Path, names: tuple[str, ...] = ("one", "two", "three")) -> None:
    """Random GPT-2s with one tokenizer, as ``save_pretrained`` writes them."""
    texts = [turn.format(subject) + "\n" for turn in TURNS for subject in SUBJECTS]
    tokenizer = train_tokenizer(texts, vocabulary_size=384, max_length=160)
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=160,
            n_embd=16,
            n_layer=1,
            n_head=2,
            initializer_range=0.3,
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        GPT2LMHeadModel(config).save_pretrained(directory / name)
        tokenizer.save_pretrained(directory / name)


def write_experiment(directory: Path, **sections: object) -> Path:
    """An experiment file with its data and members beside it; keyword arguments replace whole sections."""
    write_conversations(directory / "conversations.jsonl")
    write_members(directory / "members")
    document = {
        "name": "tiny",
        "seed": 3,
        "data": {
            "domains": {"talk": {"corpus": "jsonl", "path": "conversations.jsonl"}},
            "prompts": {"search": 8, "validation": 6, "test": 8},
        },
        "members": {"catalogue": {name: {"path": f"members/{name}"} for name in ("one", "two", "three")}},
        "space": {
            "methods": ["mean", "bayesian", "prompt_gate", "stack", "best_of"],
            "max_member_nodes": 3,
            "max_combiners": 2,
            "max_drafts": 1,
            "response": {"max_new_tokens": 8},
        },
        "fitness": {"prompts_per_evaluation": 4},
        "search": {"population": 6, "tournament": 3, "lag": 4, "rescore_every": 4, "rescore_top": 2},
        "budget": {"births": 14},
        "report": {"finalists": 2, "sample_prompts": 2, "bootstrap_resamples": 200},
        **sections,
    }
    path = directory / "tiny.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def evolve(*arguments: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """What the console script does and says, in this process: another one imports torch first, for seconds."""
    said, complained, code = io.StringIO(), io.StringIO(), 0
    with (
        chdir(cwd),
        redirect_stdout(said),
        redirect_stderr(complained),
        mock.patch.object(sys, "argv", ["evolve", *map(str, arguments)]),
        mock.patch.dict(os.environ, COLUMNS="200"),
    ):
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    return _checked(subprocess.CompletedProcess(arguments, code, said.getvalue(), complained.getvalue()), check=check)


def evolve_process(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the console script as a user does."""
    completed = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment_with(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )
    return _checked(completed, check=True)


def _checked(completed: subprocess.CompletedProcess[str], *, check: bool) -> subprocess.CompletedProcess[str]:
    if check and completed.returncode:
        raise AssertionError(
            f"evolve {completed.args} ended with {completed.returncode}:\n{completed.stdout}{completed.stderr}"
        )
    return completed


def command(*arguments: object) -> list[str]:
    """The command line of the console script."""
    return [sys.executable, "-c", "from experiments.cli import main; main()", *map(str, arguments)]


def environment_with(**variables: str) -> dict[str, str]:
    """This process's environment with one thread, a wide terminal, no hub, and some more variables."""
    fixed = {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    return {**os.environ, **fixed, **variables}
